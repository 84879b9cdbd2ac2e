"""What happens to instances while somebody works: they end, are killed, and others take over."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType

from tests.e2e.conftest import Server
from tests.e2e.proxy import Proxy

SHORTEST_S = 1.0
LONGEST_S = 6.0


class Weather:
    """Ends and replaces the instances behind the proxy, and cuts websockets, until it is left.

    The order of what happens, and the pauses in between, follow from the seed.
    """

    def __init__(
        self, seed: int, proxy: Proxy, start: Callable[[], Server], instances: int
    ) -> None:
        self._random = random.Random(seed)
        self._proxy = proxy
        self._start = start
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow, name="weather")
        self._instances = [start() for _ in range(instances)]
        self._problem: BaseException | None = None
        self.done: list[str] = []
        self._serve()

    def __enter__(self) -> Weather:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Calm again: all instances that are there stay."""
        self._over.set()
        self._thread.join()
        assert self._problem is None, self._problem

    def _serve(self) -> None:
        self._proxy.instances = [instance.port for instance in self._instances]

    def _blow(self) -> None:
        try:
            while not self._over.wait(self._random.uniform(SHORTEST_S, LONGEST_S)):
                happens = self._random.choice((self._cut, self._stop, self._kill, self._replace))
                happens()
                self.done.append(happens.__name__.strip("_"))
        except BaseException as error:  # noqa: BLE001 - told to the test when it leaves
            self._problem = error

    def _cut(self) -> None:
        self._proxy.cut_websockets()

    def _stop(self) -> None:
        """As a service does it: no new requests, then SIGTERM; another one comes after it."""
        ended = self._take_one()
        self._serve()
        assert ended.stop() == 0, ended.log.read_text()
        self._add_one()

    def _kill(self) -> None:
        """Requests fail until somebody has noticed."""
        ended = self._take_one()
        ended.stop(kill=True)
        self._over.wait(self._random.uniform(0, 0.5))
        self._add_one()

    def _replace(self) -> None:
        """A new version: the other one is there before."""
        ended = self._take_one()
        self._add_one()
        assert ended.stop() == 0, ended.log.read_text()

    def _take_one(self) -> Server:
        return self._instances.pop(self._random.randrange(len(self._instances)))

    def _add_one(self) -> None:
        self._instances.append(self._start())
        self._serve()
