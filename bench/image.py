"""How large the image is, how fast an instance of it is ready, and how much memory it takes.

    make image-test && sudo .venv/bin/python bench/image.py        # three minutes; a Markdown table

Beside it, in turns, the same base with Streamlit alone, of the same version, and a one-line app:
built, trimmed and compiled in the same way, run as the same user on the same read-only file system.
Needs what tools/image_test.sh needs, and the images that it has made.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.gcs_server import GcsServer  # noqa: E402
from tools.container import Container, Image, mounted, on_cloud_run, running  # noqa: E402
from tools.image_check import size_mb  # noqa: E402

OURS, BARE = "localhost/labeler", "localhost/labeler-bare"
BARE_CONFIG = """
[browser]
gatherUsageStats = false
[server]
headless = true
port = "env:PORT"
fileWatcherType = "none"
"""
BARE_DOCKERFILE = """
ARG BASE
FROM ${BASE} AS build
COPY constraints.txt image_trim.sh /build/
RUN python -m venv --without-pip /opt/labeler \\
    && python -m pip --python /opt/labeler/bin/python install --no-cache-dir --no-compile \\
        --only-binary :all: --constraint /build/constraints.txt streamlit starlette uvicorn
RUN sh /build/image_trim.sh /opt/labeler/lib
COPY page.py /app/
COPY config.toml /app/.streamlit/
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/labeler/lib /app
FROM ${BASE}
COPY --from=build /opt/labeler /opt/labeler
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/labeler/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/nonexistent
USER 10001:10001
CMD ["python", "-m", "streamlit", "run", "page.py"]
"""


def build_bare(base: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pins = re.findall(r"^([a-z0-9-]+==[^ \\]+)( ;[^\\]*)?", (ROOT / "requirements.txt")
                          .read_text(), re.MULTILINE)  # fmt: skip
        Path(folder, "constraints.txt").write_text("".join(f"{a}{b}\n" for a, b in pins))
        Path(folder, "image_trim.sh").write_bytes((ROOT / "tools" / "image_trim.sh").read_bytes())
        Path(folder, "page.py").write_text('import streamlit as st\nst.write("one line")\n')
        Path(folder, "config.toml").write_text(BARE_CONFIG)
        Path(folder, "Dockerfile").write_text(BARE_DOCKERFILE)
        volumes = [
            f"--volume={path}:{path}:ro"
            for path in ("/etc/pip.conf", str(Path.home() / ".config" / "pip"), "/etc/ssl/certs")
            if Path(path).exists()
        ]
        command = [
            "buildah", "bud", "--quiet", "--layers", "--isolation=chroot", "--format=docker",
            f"--build-arg=BASE={base}", *volumes, f"--tag={BARE}", folder,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


@contextmanager
def started(image: Image, google: GcsServer) -> Iterator[Container]:
    """The image's own command, over a bucket."""
    with running(image, on_cloud_run(google.url)) as (_, container):
        yield container


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="localhost/labeler-base-bookworm")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    build_bare(chosen.base)
    found: dict[str, list[tuple[float, float, float]]] = {}
    with (
        mounted(OURS) as ours,
        mounted(BARE) as bare,
        GcsServer(buckets=["labels"]) as google,
    ):
        for _ in range(chosen.rounds):
            for name, image, paths in (
                ("one-line Streamlit app", bare, ("/_stcore/health", "/_stcore/health")),
                ("Labeler", ours, ("/api/health", "/api/ready")),
            ):
                with started(image, google) as container:
                    health, ready = (container.wait_for(path) for path in paths)
                    time.sleep(1)
                    figures = (health, ready, container.memory_mb())
                    found.setdefault(name, []).append(figures)
    base = size_mb(chosen.base)
    print("| image | on disk, MB more than its base | to health, s | to ready, s | idle, MB |")
    print("|---|---:|---:|---:|---:|")
    for name, tag in (("one-line Streamlit app", BARE), ("Labeler", OURS)):
        health, ready, memory = (statistics.median(one) for one in zip(*found[name], strict=True))
        more = size_mb(tag) - base
        print(f"| {name} | {more:.0f} | {health:.2f} | {ready:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
