"""What the tests of the deployment share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gcs_server import GcsServer

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


@dataclass(frozen=True)
class Served:
    """A running Labeler."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(google: GcsServer, **environ: str) -> Iterator[Served]:
    """`python app.py` over a bucket of the tests' server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LABELER_")}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**kept, "PORT": str(port), "STORAGE_EMULATOR_HOST": google.url, **environ},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, "the server has ended"
            try:
                with urllib.request.urlopen(f"{url}/api/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield Served(url, process)
    finally:
        process.terminate()
        process.wait(120)


def stand_in(folder: Path, name: str, then: str = "") -> Callable[[], list[list[str]]]:
    """A program of that name in the folder, which notes its arguments; gives what it has noted."""
    noted = folder / f"{name}.calls"
    program = folder / name
    program.write_text(f'#!/bin/bash\nprintf "%s\\0" "$@" "" >>"{noted}"\n{then}\n')
    program.chmod(0o755)

    def calls() -> list[list[str]]:
        text = noted.read_text() if noted.exists() else ""
        return [one.split("\0") for one in text.split("\0\0") if one]

    return calls
