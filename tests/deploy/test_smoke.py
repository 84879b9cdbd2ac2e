"""deploy/smoke.py on a real server over a bucket, and on what only looks like one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.support import DEPLOY, Served, needs_gcloud, serving, stand_in
from tests.gcs_server import Fault, GcsServer


@pytest.fixture(scope="module")
def google() -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels"]) as server:
        yield server


@pytest.fixture(scope="module")
def labeler(google: GcsServer) -> Iterator[Served]:
    with serving(google, LABELER_STORAGE="gs://labels/one") as served:
        end = time.monotonic() + 60
        while "one/labels.json" not in names(google):  # stored by every new project's server
            assert time.monotonic() < end
            time.sleep(0.02)
        yield served


def smoke(url: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEPLOY / "smoke.py", url, *arguments],
        env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def names(google: GcsServer) -> list[str]:
    with google.lock:
        return sorted(google.bucket("labels").live)


def test_a_service_that_works_is_left_as_it_was(
    labeler: Served, google: GcsServer, tmp_path: Path
) -> None:
    before = names(google)
    calls = stand_in(tmp_path, "gcloud")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = smoke(labeler.url, "--storage", "gs://labels/one", PATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "works" in done.stdout
    [[*command, document, original]] = calls()
    assert command == ["storage", "rm", "--all-versions"]
    made = {f"gs://labels/{name}" for name in names(google)} - {
        f"gs://labels/{name}" for name in before
    }
    assert {document, original} == made  # all that it made is what it has removed


def test_elsewhere_kept_and_not_kept_originals(labeler: Served, tmp_path: Path) -> None:
    calls = stand_in(tmp_path, "gcloud")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for uploads in ("gs://pictures", "off"):
        smoke(labeler.url, "--storage", "gs://labels/one", "--uploads", uploads, PATH=path)
    elsewhere, not_kept = calls()
    assert elsewhere[-1].startswith("gs://pictures/zz-labeler-smoke-")
    assert len(not_kept) == 4


def test_what_can_not_be_removed_is_a_failure(labeler: Served, tmp_path: Path) -> None:
    stand_in(tmp_path, "gcloud", "echo no rights >&2; exit 1")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = smoke(labeler.url, "--storage", "gs://labels/one", PATH=path)
    assert done.returncode == 1
    assert "could not remove gs://labels/one/annotations/" in done.stderr
    assert "no rights" in done.stderr


def test_a_bucket_that_can_not_be_written_is_a_failure(labeler: Served, google: GcsServer) -> None:
    google.faults.add(Fault("status", status=403), method="POST", path="/upload/", times=-1)
    try:
        done = smoke(labeler.url, "--seconds", "1")
    finally:
        google.faults.clear()
    assert done.returncode == 1
    assert "not ready after 1 s: 503" in done.stderr


def test_only_ready_uploads_nothing(labeler: Served, google: GcsServer) -> None:
    before = names(google)
    assert smoke(labeler.url, "--only-ready").returncode == 0
    assert names(google) == before


def test_a_service_that_is_not_ready_says_what_is_missing(google: GcsServer) -> None:
    with serving(google, LABELER_STORAGE="gs://missing") as served:
        done = smoke(served.url, "--seconds", "1")
    assert done.returncode == 1
    assert "not ready after 1 s: 503" in done.stderr
    assert "missing" in done.stderr


def test_a_page_that_answers_everything_is_not_mistaken_for_it(google: GcsServer) -> None:
    """As a proxy's page for signing in does, and Streamlit's own."""
    with serving(google, LABELER_STORAGE="gs://labels") as served:
        done = smoke(f"{served.url}/elsewhere", "--seconds", "1")
    assert done.returncode == 1
    assert "not ready" in done.stderr


@needs_gcloud
@pytest.mark.slow
def test_with_google_s_own_command_nothing_stays(
    labeler: Served, google: GcsServer, tmp_path: Path
) -> None:
    assert shutil.which("gcloud")
    before = names(google)
    done = smoke(
        labeler.url, "--storage", "gs://labels/one",
        CLOUDSDK_CONFIG=str(tmp_path), CLOUDSDK_AUTH_DISABLE_CREDENTIALS="true",
        CLOUDSDK_CORE_PROJECT="my-project", CLOUDSDK_CORE_DISABLE_PROMPTS="1",
        CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=f"{google.url}/storage/v1/",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert names(google) == before
