"""The Dockerfile, and what goes to the builder. `make image-test` really builds and runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from tests.deploy.support import ROOT, needs_gcloud, tool, tracked

PROGRAM = ("app.py", "labeler/", ".streamlit/config.toml")
SECRET = (
    "data/annotations/a.json", "data/uploads/a.png", "data/.labeler/secret.key", ".env",
    ".env.local", ".streamlit/secrets.toml", ".git/config", ".venv/bin/python", ".coverage",
    "labeler/__pycache__/x.pyc", ".mypy_cache/x",
)  # fmt: skip
"""What lies in a folder where somebody works, and must never leave it."""


def test_the_dockerfile_has_no_known_mistakes() -> None:
    done = subprocess.run(
        [tool("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def instructions() -> list[tuple[str, str]]:
    """Each instruction and what follows it; comments gone, broken lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)
    ]


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    users = [rest for word, rest in instructions() if word == "USER"]
    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[0])


def test_the_image_starts_one_process_without_a_shell() -> None:
    words = dict(instructions())
    assert words["CMD"] == '["python", "app.py"]'
    assert "ENTRYPOINT" not in words
    assert " PORT=8080 " in words["ENV"] + " "
    assert 'CMD ["python", "-c"' in words["HEALTHCHECK"]
    assert "/api/health" in words["HEALTHCHECK"]


def test_every_package_is_a_wheel_that_the_lock_names() -> None:
    [install] = [rest for word, rest in instructions() if word == "RUN" and "pip" in rest]
    for option in ("--require-hashes", "--only-binary :all:", "--no-cache-dir"):
        assert option in install


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a file from the builder: the last rule that meets it counts."""
    result = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!").rstrip("/").removeprefix("**/")
        anywhere = rule.startswith("**/")
        names = [str(one) for one in (PurePosixPath(path), *PurePosixPath(path).parents)]
        if any(
            PurePosixPath(name.rpartition("/")[2] if anywhere else name).match(pattern)
            and (anywhere or name.count("/") == pattern.count("/"))
            for name in names
        ):
            result = not rule.startswith("!")
    return result


@pytest.mark.parametrize("path", [*SECRET, "labeler/ui/.DS_Store.pyc", "tests/conftest.py"])
def test_the_builder_never_sees(path: str) -> None:
    assert ignored(path)


def test_the_builder_sees_what_the_image_is_made_of_and_nothing_else() -> None:
    seen = {name for name in tracked() if not ignored(name)}
    copied = [
        source
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert seen == {name for name in tracked() if name.startswith(tuple(copied))}
    assert {name for name in tracked() if name.startswith(PROGRAM)} < seen


@needs_gcloud
@pytest.mark.slow
def test_google_is_sent_the_project_and_nothing_else(tmp_path: Path) -> None:
    """With Google's own command, which tells what it would upload."""
    wanted = [*tracked(), *SECRET]
    for name in wanted:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    shutil.copy(ROOT / ".gcloudignore", tmp_path)
    done = subprocess.run(
        ["gcloud", "meta", "list-files-for-upload", str(tmp_path)],
        env={"PATH": "/usr/bin:/bin", "CLOUDSDK_CONFIG": str(tmp_path / "gcloud")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    sent = set(done.stdout.splitlines())
    assert not sent & set(SECRET)
    assert set(tracked()) - sent == {
        name for name in tracked() if name.startswith("docs/pictures/")
    }


# --- what the image leaves out ------------------------------------------------------------


def test_trimming_keeps_what_runs(tmp_path: Path) -> None:
    packages = tmp_path / "python3.12" / "site-packages"
    gone = [
        "pandas/tests/a.py", "numpy/_core/tests/a.py", "pyarrow/tests/a.py", "pyarrow/include/a.h",
        "pydeck/nbextension/a.js", "pyarrow/libarrow_flight.so.1", "pyarrow/_s3fs.cpython-312.so",
        "numpy/a.pyi", "streamlit/a.js.map",
    ]  # fmt: skip
    kept = [
        "pandas/a.py", "pandas/_testing/a.py", "pyarrow/libarrow.so.1", "pyarrow/fs.py",
        "streamlit/testing/a.py", "streamlit/static/a.js", "other/tests/a.py", "pydeck/a.py",
    ]  # fmt: skip
    for name in gone + kept:
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    script = ROOT / "tools" / "image_trim.sh"
    subprocess.run(["sh", script, tmp_path], check=True)
    left = {str(one.relative_to(packages)) for one in packages.rglob("*") if one.is_file()}
    assert left == set(kept)


def test_trimming_the_wrong_folder_is_a_failure(tmp_path: Path) -> None:
    script = ROOT / "tools" / "image_trim.sh"
    done = subprocess.run(["sh", script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
