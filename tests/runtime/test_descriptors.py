"""The limit of file descriptors is raised, and how many are open is counted right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from labeler.runtime.descriptors import Descriptors

ROOT = Path(__file__).parents[2]


def python(script: str) -> list[str]:
    """The words that the script prints in a separate process, where no other thread opens files."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_opening_files_counts() -> None:
    script = (
        "import os\n"
        "from labeler.runtime.descriptors import count_descriptors\n"
        "before = count_descriptors()\n"
        "with open(os.devnull), open(os.devnull):\n"
        "    print(count_descriptors().open - before.open)\n"
        "print(count_descriptors() == before)\n"
    )
    assert python(script) == ["2", "True"]


def test_nine_tenths_are_nearly_all() -> None:
    assert not Descriptors(open=899, limit=1000).nearly_used_up
    assert Descriptors(open=900, limit=1000).nearly_used_up


def test_the_soft_limit_becomes_the_hard_one() -> None:
    script = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, 400))\n"
        "from labeler.runtime.descriptors import count_descriptors, raise_limit\n"
        "print(raise_limit(), count_descriptors().limit)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))\n"
        "print(raise_limit())\n"
    )
    assert python(script) == ["400", "400", "300"]
