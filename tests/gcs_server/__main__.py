"""The server in a process of its own: prints its address, serves until its input ends.

Each line of the input is a number: the milliseconds that each answer is delayed from then on.
"""

from __future__ import annotations

import argparse
import sys

from tests.gcs_server import GcsServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gcs_server", description=__doc__)
    parser.add_argument("--bucket", action="append", default=[], help="a bucket to begin with")
    parser.add_argument("--added-ms", type=float, default=0.0, help="latency of each answer")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    options = parser.parse_args()
    with GcsServer(buckets=options.bucket, added_ms=options.added_ms, port=options.port) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            server.added_ms = float(line)


if __name__ == "__main__":
    main()
