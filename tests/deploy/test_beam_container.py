"""What the container for Dataflow does: it starts commands, and workers that have the index."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.support import DEPLOY

NAME = "projects/p/secrets/labeler-index/versions/latest"
URL = "postgresql+psycopg://ana:pass%40word@10.0.0.3/labels"


class Google(BaseHTTPRequestHandler):
    """The metadata server and Secret Manager."""

    def do_GET(self) -> None:
        token = "/computeMetadata/v1/instance/service-accounts/default/token"
        if self.path == token and self.headers["Metadata-Flavor"] == "Google":
            self._answer({"access_token": "t"})
        elif self.path == f"/v1/{NAME}:access" and self.headers["Authorization"] == "Bearer t":
            self._answer({"payload": {"data": base64.b64encode(URL.encode()).decode()}})
        else:
            self.send_error(403)

    def _answer(self, value: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def google() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Google, and programs that say how they were started in place of Python and Beam's own."""
    said = tmp_path / "said"
    said.write_text('#!/bin/sh\necho "$(basename "$0") $* index=${LABELER_INDEX:-none}"\n')
    said.chmod(said.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "boot").symlink_to(said)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$1" in -m) exec {said} "$@";; esac\n'
                      f'exec {sys.executable} "$@"\n')  # fmt: skip
    python.chmod(said.stat().st_mode)
    with google() as address:
        yield {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "BEAM_BOOT": str(tmp_path / "boot"),
            "GCE_METADATA_HOST": address,
            "SECRET_MANAGER_URL": f"http://{address}",
        }


def start(environ: dict[str, str], *given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", DEPLOY / "beam_entrypoint.sh", *given],
        env=environ, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("coco", "--engine", "beam"), "said -m labeler export coco --engine beam"),
        (("index", "sync", "--engine", "beam"), "said -m labeler index sync --engine beam"),
        (("stats", "--engine", "beam"), "said -m labeler stats --engine beam"),
        (("--id=1-1", "--x=y"), "boot --id=1-1 --x=y"),
    ],
)
def test_it_starts_commands_and_workers(
    environ: dict[str, str], given: tuple[str, ...], words: str
) -> None:
    assert start(environ, *given).stdout == f"{words} index=none\n"


def test_a_worker_reads_the_address_of_the_index_for_itself(environ: dict[str, str]) -> None:
    done = start({**environ, "INDEX_FROM": NAME}, "--id=1-1")
    assert done.stdout == f"boot --id=1-1 index={URL}\n"


def test_a_worker_that_may_not_read_it_does_not_start(environ: dict[str, str]) -> None:
    done = start({**environ, "INDEX_FROM": "projects/p/secrets/other/versions/latest"}, "--id=1-1")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "can't be read" in done.stderr
    assert "Traceback" not in done.stderr
