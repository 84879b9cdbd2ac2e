"""A process of writers: `racer.py BUCKET PATH KEY NAME THREADS COUNT`, started by a line of input.

Each thread adds COUNT entries to the JSON list under KEY.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from labeler.settings import Location
from labeler.storage import open_store
from tests.storage.support import add_entries


def main(bucket: str, path: str, key: str, name: str, threads: str, count: str) -> None:
    store = open_store(Location(bucket, path))
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(int(threads)) as pool:
        jobs = [
            pool.submit(add_entries, store, key, f"{name}.{thread}", int(count))
            for thread in range(int(threads))
        ]
    for job in jobs:
        job.result()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
