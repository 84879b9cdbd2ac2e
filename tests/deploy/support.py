"""What the tests of the deployment share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
gcloud = shutil.which("gcloud")
needs_gcloud = pytest.mark.skipif(gcloud is None, reason="the command gcloud is not installed")


def tool(name: str) -> str:
    """A checker that is installed beside this Python."""
    found = shutil.which(
        name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    assert found, f"{name} is not installed"
    return found


def tracked() -> list[str]:
    """The files of the project, and the new ones that are to be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
