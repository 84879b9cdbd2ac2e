"""Large blocks go back to the system when they are freed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Frees a block of 20 MiB, after which the C library by itself keeps blocks up to that size; then
# makes 64 blocks of 2 MiB, frees all but the last, and prints what the process still has of them.
KEPT = """
import ctypes, os
from labeler.runtime.memory import return_large_blocks
if {called}:
    return_large_blocks()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
def block(size):
    address = library.malloc(size)
    ctypes.memset(address, 1, size)
    return address
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
library.free(block(20 * 2**20))
before = resident()
blocks = [block(2 * 2**20) for _ in range(64)]
for address in blocks[:-1]:
    library.free(address)
print((resident() - before) // 2**20)
"""


def kept_mib(*, called: bool) -> int:
    environ = {name: text for name, text in os.environ.items() if name != "GLIBC_TUNABLES"}
    done = subprocess.run(
        [sys.executable, "-c", KEPT.format(called=called)],
        cwd=ROOT, capture_output=True, text=True, check=True, env=environ,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"),
    reason="only the GNU C library keeps them",
)
def test_freed_blocks_leave_the_process() -> None:
    assert kept_mib(called=False) > 100
    assert kept_mib(called=True) < 20
