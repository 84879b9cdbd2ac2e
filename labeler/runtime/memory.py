"""The memory of this process, and when the system gets it back."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 2**20
"""From this size on, a block goes back to the system as soon as it is freed."""
_M_MMAP_THRESHOLD: Final = -3  # malloc.h of the GNU C library; see mallopt(3)


def return_large_blocks() -> None:
    """Make freed blocks of a MiB and more go back to the system at once, for images above all.

    By itself the GNU C library raises this threshold to 32 MiB with the blocks that it frees, and
    keeps smaller ones, thread by thread. Other C libraries are left as they are.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no mallopt
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
