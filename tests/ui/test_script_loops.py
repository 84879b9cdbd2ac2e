"""Pages give their file descriptors back, in the running server.

And whether Streamlit still needs our help for it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.e2e.conftest import Serve, Server, free_port, serve, starter
from tests.loops import run_alone
from tests.waiting import settled

__all__ = ["serve", "starter"]  # fixtures

pytestmark = pytest.mark.slow

ONE_LINE = """
import os, sys
with open(sys.argv[1], "a") as told:
    print(len(os.listdir("/dev/fd")), file=told)
"""
START_S = 60
PAGES = 200
AT_ONCE = 10
SPARE = 12
"""Descriptors that come and go by themselves: threads that end, connections of the probe."""


async def _load_page(http: aiohttp.ClientSession, url: str) -> None:
    """Load the page as a browser does, wait until it is drawn, and leave."""
    async with http.ws_connect(
        f"{url}/_stcore/stream", protocols=("streamlit", "PLACEHOLDER"), max_msg_size=0
    ) as socket:
        call = BackMsg()
        call.rerun_script.query_string = ""
        await socket.send_bytes(call.SerializeToString())
        async for message in socket:
            if ForwardMsg.FromString(message.data).WhichOneof("type") == "script_finished":
                return


def load_pages(url: str, count: int) -> None:
    async def load() -> None:
        async with aiohttp.ClientSession() as http:
            for _ in range(count // AT_ONCE):
                await asyncio.gather(*(_load_page(http, url) for _ in range(AT_ONCE)))

    run_alone(load())


def open_in(server: Server) -> int:
    with urllib.request.urlopen(f"{server.url}/api/ready", timeout=60) as answer:
        return int(json.load(answer)["descriptors"]["open"])


def test_two_hundred_pages_leave_no_descriptor_open(serve: Serve) -> None:
    server = serve()
    load_pages(server.url, 2 * AT_ONCE)
    before = open_in(server)
    load_pages(server.url, PAGES)
    assert settled(lambda: open_in(server) <= before + SPARE)


def test_streamlit_by_itself_still_leaves_them_open(tmp_path: Path) -> None:
    """Where this fails, Streamlit closes its loops: delete labeler/ui/script_loops.py."""
    page, told, port = tmp_path / "page.py", tmp_path / "told.txt", free_port()
    page.write_text(ONE_LINE)
    options = (f"--server.port={port}", "--server.headless=true", "--server.address=127.0.0.1")
    command = (sys.executable, "-m", "streamlit", "run", *options, str(page), "--", str(told))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/_stcore/health")
            load_pages(url, 3 * AT_ONCE)
        finally:
            server.terminate()
    counts = [int(line) for line in told.read_text().split()]
    assert len(counts) == 3 * AT_ONCE
    assert max(counts) >= min(counts) + 3 * 2 * AT_ONCE


def wait_for(url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
