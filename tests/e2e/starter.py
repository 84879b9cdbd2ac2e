"""Starts `app.py` many times, without waiting for its imports each time.

A process of its own imports what the program and its first page import, and then forks for each
start: the child runs `app.py` as the main program from its first line to its own end, with its own
environment, log and port. Only the imports of other people's packages and of Labeler's core are
the same for all; they take longer than everything else that a start does.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# What the program imports, and what comes with its first canvas. Not the pages' own modules: each
# registers its part of the page with the server that runs.
IMPORTED = (
    "streamlit.web.server.starlette.starlette_app", "labeler.api", "labeler.runtime.logs",
    "labeler.ui.context", "labeler.ui.sign_in", "numpy", "pandas", "pyarrow",
)  # fmt: skip


class Starter:
    """The process that forks, and what the tests ask of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.starter"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def start(self, environ: Mapping[str, str], log: Path) -> Started:
        return Started(self, int(self.ask(environ=dict(environ), log=str(log))))

    def ask(self, **asked: Any) -> Any:
        """Its answer; ValueError where it has ended."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        """It ends when nobody can ask any more; what it started was stopped before."""
        self._process.communicate(timeout=20)


class Started:
    """A program that the starter runs, with as much of subprocess.Popen as a server needs."""

    def __init__(self, starter: Starter, pid: int) -> None:
        self._starter = starter
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._starter.ask(pid=self.pid)
        return self._code

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < deadline, f"process {self.pid} did not end"
            time.sleep(0.01)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._code is None:  # until it was told how it ended, the number is nobody else's
            os.kill(self.pid, number)


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "threads do not live on in a fork"
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if pid := asked.get("pid"):
            ended, status = os.waitpid(pid, os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        elif answer := os.fork():
            pass
        else:
            run(asked["environ"], asked["log"])
            return
        print(json.dumps(answer), flush=True)


def run(environ: dict[str, str], log: str) -> None:
    """Be the program, in this process."""
    os.environ.clear()
    os.environ.update(environ)
    with open(os.devnull, "rb") as nothing, open(log, "ab") as output:
        os.dup2(nothing.fileno(), 0)
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    sys.argv = ["app.py"]
    runpy.run_path("app.py", run_name="__main__")


if __name__ == "__main__":
    main()
