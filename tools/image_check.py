"""Checks of the built image: what is in it, and how it runs. `make image-test` calls it.

    python tools/image_check.py IMAGE BASE

Prints a line for each check; ends with 1 at the first that fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.gcs_server import GcsServer  # noqa: E402
from tests.pictures import png  # noqa: E402
from tools.container import Container, Image, asked, mounted, on_cloud_run, running  # noqa: E402

MOST_MB = 450
"""What Labeler adds to its base, on disk. docs/deploy.md and bench/README.md say what it is."""
HEALTHY_S = 60
"""As deploy/service.yaml allows; bench/image.py measures how long it takes."""
MOST_KEPT_MB = 60
"""Of the memory that images took: code that was loaded, copies that are kept, and a little."""
UNWANTED = ("pip", "pytest", "ruff", "mypy", "setuptools", "gcsfs", "grpc", "playwright")


def main() -> None:
    """Check the image that the command line names."""
    name, base = sys.argv[1:3]
    sizes = [size_mb(one) for one in (base, name)]
    check(f"size: {sizes[1]:.0f} MB, {sizes[1] - sizes[0]:.0f} MB more than its base",
          sizes[1] - sizes[0] <= MOST_MB, f"more than {MOST_MB} MB")  # fmt: skip
    with mounted(name) as image:
        look(image)
        with GcsServer(buckets=["labels"]) as bucket:
            run(image, bucket)
        load(image)
        refuse(image)


def check(what: str, holds: bool, otherwise: str = "") -> None:
    """Print a line, and end with 1 unless it holds."""
    print(f"{'ok  ' if holds else 'FAIL'}  {what}{'' if holds else f': {otherwise}'}", flush=True)
    if not holds:
        sys.exit(1)


def size_mb(name: str) -> float:
    """All files of the image together, in millions of bytes."""
    with mounted(name) as image:
        return int(asked("du", "--summarize", "--bytes", "--one-file-system", str(image.root))
                   .split()[0]) / 1e6  # fmt: skip


def look(image: Image) -> None:
    """What is in the image, and what is not."""
    check(f"user {image.user}", re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.user) is not None)
    check("the command is a list of words", image.config["Cmd"] == ["python", "app.py"])
    check("it has a health check", bool(image.config["Healthcheck"]["Test"]))
    [packages] = image.root.glob("opt/labeler/lib/python3*/site-packages")
    there = [one for one in UNWANTED if (packages / one).exists()]
    check("no tools of developers", not there, ", ".join(there))
    compilers = [
        one for one in ("gcc", "cc", "ld", "make") if list(image.root.glob(f"usr/bin/{one}"))
    ]
    check("no compiler", not compilers, ", ".join(compilers))
    caches = [str(one) for one in image.root.glob("root/.cache/*")]
    check("no cache", not caches, ", ".join(caches))
    sources = [*image.root.glob("app/**/*.py"), *packages.rglob("*.py")]
    plain = [
        one for one in sources if not list((one.parent / "__pycache__").glob(f"{one.stem}.*.pyc"))
    ]
    check(f"{len(sources)} modules, all compiled", not plain, str(plain[:3]))
    extra = sorted(one.name for one in (image.root / "app").iterdir())
    check("nothing but the program", extra == [".streamlit", "__pycache__", "app.py", "labeler"],
          ", ".join(extra))  # fmt: skip
    user = int(image.user.split(":")[0])
    owned = [one for one in image.root.glob("app/**/*") if one.lstat().st_uid == user]
    check("the program does not belong to who runs it", not owned, str(owned[:3]))


def run(image: Image, bucket: GcsServer) -> None:
    """The life of an instance on Cloud Run, over a bucket."""
    environ = on_cloud_run(bucket.url)
    with running(image, environ) as (process, container):
        seconds = container.wait_for("/api/health")
        check(f"healthy after {seconds:.1f} s", seconds < HEALTHY_S, f"more than {HEALTHY_S} s")
        check("it runs as its user", ":".join(container.ids()) == image.user)
        probe(image, container)
        smoke = [
            sys.executable,
            str(ROOT / "deploy" / "smoke.py"),
            f"http://127.0.0.1:{container.port}",
        ]
        tried = subprocess.run(smoke, capture_output=True, text=True, check=False)
        check("uploads, saves and reads back", tried.returncode == 0, tried.stderr)
        with bucket.lock:
            names = sorted(bucket.bucket("labels").live)
        wanted = ["annotations", "labels.json", "uploads"]
        check("into the bucket", [one.split("/")[0] for one in names] == wanted, str(names))
        give_back(container)
        export(image, environ)
        container.stop()
        said, _ = process.communicate(timeout=15)
        check("ends with 0 at SIGTERM", process.returncode == 0, f"{process.returncode}\n{said}")
        check("and without an error", "Traceback" not in said and "Error" not in said, said)


def give_back(container: Container) -> None:
    """Large images, several at a time: what they took is there again for the next ones."""
    place = f"http://127.0.0.1:{container.port}/api/images"
    before = container.memory_mb()

    def show(number: int) -> None:
        headers = {"X-Labeler-Client": "check", "X-File-Name": f"{number}.png"}
        data = png(5000 + number, 5000)
        with urlopen(Request(place, data, headers), timeout=120) as answer:
            image_id = json.load(answer)["image_id"]
        with urlopen(f"{place}/{image_id}?width=3600", timeout=120) as answer:
            answer.read()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(show, range(8)))
    more = container.memory_mb() - before
    check(f"gives memory back: {more:.0f} MB more after large pictures", more < MOST_KEPT_MB,
          f"more than {MOST_KEPT_MB} MB")  # fmt: skip


def export(image: Image, environ: dict[str, str]) -> None:
    """The same image as a job."""
    words = ["python", "-m", "labeler", "export", "coco"]
    with running(image, {**environ, "CLOUD_RUN_JOB": "export"}, words) as (process, _):
        said, _ = process.communicate(timeout=60)
    check("exports as a job", process.returncode == 0 and "exports/dataset_coco_" in said, said)


def probe(image: Image, container: Container) -> None:
    """The image's own health check, with the environment that the container has."""
    environ = {**os.environ, "PORT": str(container.port)}
    words = image.config["Healthcheck"]["Test"]
    good, bad = (
        subprocess.run(
            ["chroot", str(image.root), "/opt/labeler/bin/python", *words[2:]],
            env={**environ, "PORT": port}, capture_output=True, check=False,
        ).returncode
        for port in (str(container.port), "1")
    )  # fmt: skip
    check("the health check tells a good instance from a bad one", (good, bad) == (0, 1),
          f"{good}, {bad}")  # fmt: skip


def load(image: Image) -> None:
    """What the page brings in later, which a call to the API does not."""
    program = (
        "import pandas, pyarrow, pyarrow.compute, pyarrow.fs, aiohttp; "
        "from streamlit import dataframe_util as d; "
        "table = pandas.DataFrame({'a': ['x', 'y']}); "
        "print(len(d.convert_anything_to_arrow_bytes(table)))"
    )
    with running(image, {}, ["python", "-c", program]) as (process, _):
        said, _ = process.communicate(timeout=60)
    check("what the page needs later can be loaded", process.returncode == 0, said)


def refuse(image: Image) -> None:
    """A wrong setting ends it at once, with one line that says what to do."""
    with running(image, {"K_SERVICE": "labeler", "LABELER_STORAGE": "gs://labels"}) as (process, _):
        said, _ = process.communicate(timeout=30)
    check("without a secret it says so and ends",
          process.returncode == 1 and "LABELER_SECRET_KEY" in said, said)  # fmt: skip


if __name__ == "__main__":
    main()
