"""Writers of the folder are killed in the middle of saves; what was acknowledged stays."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.storage import RESERVED, Store
from labeler.storage.local import LocalStore

from .forker import RECTS, save_next

KEY = "annotations/killed.json"
ROOT = Path(__file__).parents[2]


class Forker:
    """The process of forker.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input = process.stdin
        self._output = process.stdout

    def start(self, command: str) -> int:
        """The process ID of a new writer."""
        self._input.write(command + "\n")
        self._input.flush()
        word, pid = self._output.readline().split()
        assert word == "pid"
        return int(pid)

    def wait_for_save(self) -> int:
        return int(self._output.readline().removeprefix("saved "))

    def rest(self) -> list[str]:
        """What the writer said until its end."""
        return list(iter(lambda: self._output.readline().strip(), "over"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def forker(folder: Path) -> Iterator[Forker]:
    command = [sys.executable, "-m", "tests.storage.forker", str(folder), KEY]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Forker(process)


def check(store: Store, acknowledged: int) -> int:
    """The number of the state there is: whole, with its own metadata, not older; no litter."""
    data, info = store.read(KEY)
    state = json.loads(data)
    assert state["number"] >= acknowledged
    assert state["rects"] == [state["number"]] * RECTS
    assert info.metadata == {"number": str(state["number"])}
    assert list(store.list().objects) == [info]
    number: int = state["number"]
    return number


def test_two_hundred_killed_writers(folder: Path, forker: Forker) -> None:
    store = LocalStore(folder)
    dice = random.Random(0)
    for _ in range(200):
        pid = forker.start("save")
        acknowledged = forker.wait_for_save()
        time.sleep(dice.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        for line in forker.rest():
            acknowledged = int(line.removeprefix("saved "))
        number = check(store, acknowledged)
        assert save_next(store, KEY) == number + 1
    left = list((folder / RESERVED / "tmp").iterdir())
    assert left, "no writer was killed in the middle of a save"


@pytest.mark.parametrize("existing", [False, True], ids=["create", "replace"])
def test_a_writer_killed_at_each_system_call_of_a_save(
    folder: Path, forker: Forker, existing: bool
) -> None:
    store = LocalStore(folder)
    forget(store, save_next(store, KEY))
    number = save_next(store, KEY) if existing else -1
    said: list[str] = []
    fatal = 0
    while not said:
        fatal += 1
        forker.start(f"call {fatal}")
        said = forker.rest()
        if existing or (folder / KEY).exists():
            found = check(store, number + len(said[:1]))
            assert found <= number + 1
            number = save_next(store, KEY) if existing else forget(store, found)
        # The tidying of litter is code that runs too: without this the end is never reached.
        for left in (folder / RESERVED / "tmp").iterdir():
            left.unlink()
    assert said == [f"saved {said[0].removeprefix('saved ')}", "whole"]
    assert fatal > 20, "the writer was not watched"


def forget(store: Store, number: int) -> int:
    """Delete the object in that state, so that the next writer creates it again."""
    store.delete(KEY, version=store.info(KEY).version)
    return number - 1
