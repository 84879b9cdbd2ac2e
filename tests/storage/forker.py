"""A warm parent of writers that are killed: `forker.py FOLDER KEY`, commands on its input.

`save` forks a writer that saves state after state until somebody kills it. `call N` forks one
that kills itself after the Nth system call of one save. Each line of
output is `pid P`, `saved N` (the save of state N has returned), `whole` (a self-killer came to
the end of its save) or `over` (the writer has ended).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from labeler.errors import NotFound
from labeler.storage import ABSENT, Replaces, Store
from labeler.storage.local import LocalStore

RECTS = 3000


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def save_next(store: Store, key: str) -> int:
    """Save the state after the present one; each has its number everywhere."""
    number = 0
    replaces: Replaces = ABSENT
    with contextlib.suppress(NotFound):
        data, info = store.read(key)
        number, replaces = json.loads(data)["number"] + 1, info.version
    state = {"number": number, "rects": [number] * RECTS}
    metadata = {"number": str(number)}
    store.write(key, json.dumps(state).encode(), replaces=replaces, metadata=metadata)
    return number


def save_for_ever(folder: Path, key: str) -> None:
    store = LocalStore(folder)
    while True:
        say(f"saved {save_next(store, key)}")


def save_up_to_call(folder: Path, key: str, fatal: int) -> None:
    count = 0

    def profile(frame: FrameType, event: str, function: Any) -> None:
        nonlocal count
        if event == "c_return" and function.__module__ in ("posix", "fcntl"):
            count += 1
            if count == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    store = LocalStore(folder)
    store.list()  # reads the journal, which grows with every writer
    sys.setprofile(profile)
    number = save_next(store, key)
    sys.setprofile(None)
    say(f"saved {number}")
    say("whole")


def main(folder: Path, key: str) -> None:
    for command in sys.stdin:
        kind, _, argument = command.strip().partition(" ")
        pid = os.fork()
        if not pid:
            say(f"pid {os.getpid()}")
            if kind == "call":
                save_up_to_call(folder, key, int(argument))
            else:
                save_for_ever(folder, key)
            os._exit(0)
        os.waitpid(pid, 0)
        say("over")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
