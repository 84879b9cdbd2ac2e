"""Many threads and processes save one object: every entry of every writer is kept, once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from labeler.settings import Location
from labeler.storage import Store

from .support import add_entries

KEY = "annotations/raced.json"
ROOT = Path(__file__).parents[2]


def test_twenty_threads_on_one_object(store: Store) -> None:
    with ThreadPoolExecutor(20) as pool:
        for job in [pool.submit(add_entries, store, KEY, f"t{n}", 5) for n in range(20)]:
            job.result()
    expected = [f"t{n}/{number}" for n in range(20) for number in range(5)]
    assert sorted(json.loads(store.read(KEY)[0])) == sorted(expected)


def test_four_processes_of_five_threads_on_one_object(store: Store, location: Location) -> None:
    names = [f"p{n}" for n in range(4)]
    command = [sys.executable, "-m", "tests.storage.racer", location.bucket, location.path, KEY]
    racers = [
        subprocess.Popen(
            [*command, name, "5", "5"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.communicate("go\n")
    assert [racer.returncode for racer in racers] == [0] * 4
    expected = [f"{name}.{t}/{number}" for name in names for t in range(5) for number in range(5)]
    assert sorted(json.loads(store.read(KEY)[0])) == sorted(expected)
