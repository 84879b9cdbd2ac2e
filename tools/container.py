"""Runs an image that buildah has built, as Cloud Run would, without a container engine.

The image's own command, user, folder and environment; a file system that can't be written at all;
process number 1 of a name space of its own, where a signal without a handler has no effect. The
network is the machine's. Needs root, buildah and util-linux.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_S = 120


@dataclass(frozen=True)
class Image:
    """A built image, mounted to be looked at and run."""

    root: Path
    config: dict[str, Any]

    @property
    def user(self) -> str:
        return str(self.config["User"])


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """The image by that name; nothing of it is changed."""
    inspected = json.loads(asked("buildah", "inspect", "--type", "image", name))
    container = asked("buildah", "from", "--pull=never", name)
    try:
        root = Path(asked("buildah", "mount", container))
        yield Image(root, inspected["Docker"]["config"])
    finally:
        subprocess.run(["buildah", "umount", container], stdout=subprocess.DEVNULL, check=False)
        subprocess.run(["buildah", "rm", container], stdout=subprocess.DEVNULL, check=False)


def asked(*command: str) -> str:
    """What the command prints, without the last line break; an error if it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Container:
    """A running container; `pid` is its first process, as the machine counts."""

    pid: int
    port: int
    started: float

    def stop(self) -> None:
        """What Cloud Run sends before it takes an instance away."""
        os.kill(self.pid, signal.SIGTERM)

    def memory_mb(self) -> float:
        """What is resident, of all that the process has."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def ids(self) -> tuple[str, str]:
        """The process's user and group."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return status.split("Uid:")[1].split()[0], status.split("Gid:")[1].split()[0]

    def wait_for(self, path: str) -> float:
        """Seconds from the start until `path` answered 200; SystemExit if it never does."""
        while time.perf_counter() - self.started < READY_S:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                    return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.005)
        raise SystemExit(f"{path} did not answer within {READY_S} s")


def on_cloud_run(bucket_server: str) -> dict[str, str]:
    """The environment of an instance over the bucket `labels` of that server."""
    return {
        "K_SERVICE": "labeler",
        "LABELER_STORAGE": "gs://labels",
        "LABELER_SECRET_KEY": "no secret, only for this run",
        "STORAGE_EMULATOR_HOST": bucket_server,
    }


@contextmanager
def running(
    image: Image, environ: dict[str, str], command: Sequence[str] = ()
) -> Iterator[tuple[subprocess.Popen[str], Container]]:
    """The image's command, or another; it is killed in the end, if it still runs."""
    port = free_port()
    given = dict(one.split("=", 1) for one in image.config["Env"])
    # Only this machine is to reach it; everything else is as in the image.
    given |= {"PORT": str(port), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"} | environ
    words = ["env", "-i", *(f"{name}={value}" for name, value in given.items())]
    words += ["sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", image.config["WorkingDir"]]
    words += command or image.config["Cmd"]
    root = shlex.quote(str(image.root))
    inside = (
        f"mount --bind {root} {root} && mount -o remount,ro,bind {root} && "
        f"mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && "
        f"exec chroot --userspec={image.user} --groups= {root} {shlex.join(words)}"
    )
    started = time.perf_counter()
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    container = Container(child_of(process.pid), port, started)
    try:
        yield process, container
    finally:
        # The first process itself: with another user's rights it does not end with its parent.
        if process.poll() is None:
            os.kill(container.pid, signal.SIGKILL)
        process.communicate()


def child_of(pid: int) -> int:
    """The only child, which unshare starts; SystemExit where it does not come."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(1000):
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.005)
    raise SystemExit("the container did not start")


def free_port() -> int:
    """A port on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
