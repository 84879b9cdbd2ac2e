"""What the tests of loss tried, for the table in SECURITY.md.

LOSS_REPORT names a file; each run of such a test adds a line to it. `make soak` sets it, and
`tools/fuzz.py --losses --write` writes the table.
"""

from __future__ import annotations

import json
import os

REPORT = os.environ.get("LOSS_REPORT", "")


def report_losses(test: str, *, faults: int, boxes: int, lost: int) -> None:
    """One run of a test: faults that it injected, boxes that were acknowledged, boxes gone.

    A box that is there twice counts as lost too. A test tells this before it fails of it.
    """
    if REPORT:
        with open(REPORT, "a", encoding="utf-8") as file:
            line = {"test": test, "faults": faults, "boxes": boxes, "lost": lost}
            file.write(json.dumps(line) + "\n")
