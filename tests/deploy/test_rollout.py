"""deploy/rollout.py: traffic only for what works. A stand-in for gcloud notes what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.support import DEPLOY, Served, serving, stand_in
from tests.gcs_server import GcsServer

IMAGE = "host/project/labeler/labeler@sha256:" + "0" * 64
ACCOUNT = "labeler-build@my-project.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def labeler() -> Iterator[Served]:
    with (
        GcsServer(buckets=["labels"]) as google,
        serving(google, LABELER_STORAGE="gs://labels") as served,
    ):
        yield served


def service(url: str, *, iap: bool = False, auth: str = "") -> dict[str, Any]:
    """As `gcloud run services describe` shows it."""
    env = [{"name": "LABELER_STORAGE", "value": "gs://labels"}]
    if auth:
        env.append({"name": "LABELER_AUTH", "value": auth})
    return {
        "metadata": {"annotations": {"run.googleapis.com/iap-enabled": "true"} if iap else {}},
        "spec": {"template": {"spec": {"containers": [{"env": env}]}}},
        "status": {
            "url": "https://labeler.example",
            "traffic": [
                {"revisionName": "labeler-00001", "percent": 100},
                {"revisionName": "labeler-00002", "tag": "candidate", "url": url},
            ],
        },
    }


class Rollout:
    """One run of the script, with gcloud's answers."""

    def __init__(
        self, folder: Path, described: dict[str, Any], *arguments: str, fails: str = ""
    ) -> None:
        (folder / "service.json").write_text(json.dumps(described))
        calls = stand_in(
            folder, "gcloud",
            f'case "$*" in *{fails or "nothing-of-the-kind"}*) exit 1;; '
            f'*describe*) cat "{folder}/service.json";; *identity-token*) echo token;; '
            f'*sign-jwt*) cp "$5" "{folder}/claims"; echo signed >"$6";; esac',
        )  # fmt: skip
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [sys.executable, DEPLOY / "rollout.py", IMAGE, "--region", "r", *arguments],
            env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
            timeout=240,
        )  # fmt: skip
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.calls = calls()

    @property
    def moved(self) -> list[str]:
        """The commands that moved traffic."""
        return [" ".join(call) for call in self.calls if "update-traffic" in call]


def test_what_works_gets_traffic_and_the_way_back_is_reported(
    labeler: Served, tmp_path: Path
) -> None:
    done = Rollout(tmp_path, service(labeler.url))
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.err
    kinds = [" ".join(call[:3]) for call in done.calls]
    assert kinds == [
        "run services describe", "run deploy labeler", "run services describe",
        "auth print-identity-token --audiences=https://labeler.example",
        "storage rm --all-versions", "run services update-traffic",
    ]  # fmt: skip
    deployed = done.calls[1]
    assert {f"--image={IMAGE}", "--no-traffic", "--tag=candidate"} <= set(deployed)
    assert f"--flags-file={DEPLOY / 'service.yaml'}" in deployed
    assert done.moved == [
        "run services update-traffic labeler --region=r --to-revisions=labeler-00002=100 --quiet"
    ]
    assert "update-traffic labeler --region=r --to-revisions=labeler-00001=100" in done.out


def test_through_the_proxy_goes_an_assertion(labeler: Served, tmp_path: Path) -> None:
    done = Rollout(tmp_path, service(labeler.url, iap=True), "--account", ACCOUNT)
    assert done.code == 0, done.err
    claims = json.loads((tmp_path / "claims").read_text())
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ACCOUNT, ACCOUNT, f"{labeler.url}/*")
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    assert "Bearer" not in done.err


def test_without_an_account_the_proxy_is_not_passed(labeler: Served, tmp_path: Path) -> None:
    done = Rollout(tmp_path, service(labeler.url, iap=True))
    assert (done.code, done.moved) == (1, [])
    assert "--account is needed" in done.err


def test_where_only_people_can_sign_in_it_has_to_be_ready(labeler: Served, tmp_path: Path) -> None:
    done = Rollout(tmp_path, service(labeler.url, auth="oidc"))
    assert done.code == 0, done.err
    assert not any("rm" in call for call in done.calls)


@pytest.mark.parametrize("fails", ["deploy", "update-traffic", "print-identity-token", "rm"])
def test_what_google_refuses_ends_it(labeler: Served, tmp_path: Path, fails: str) -> None:
    done = Rollout(tmp_path, service(labeler.url), fails=fails)
    assert done.code == 1
    assert "rollout.py: " in done.err
    if fails != "update-traffic":
        assert done.moved == []


def test_what_does_not_work_gets_no_traffic(tmp_path: Path) -> None:
    with (
        GcsServer(buckets=["labels"]) as google,
        serving(google, LABELER_STORAGE="gs://labels", LABELER_MAX_PIXELS="100") as served,
    ):
        done = Rollout(tmp_path, service(served.url))
    assert (done.code, done.moved) == (1, [])
    assert "does not work; it stays at" in done.err


def test_a_revision_without_its_tag_is_a_failure(labeler: Served, tmp_path: Path) -> None:
    described = service(labeler.url)
    described["status"]["traffic"].pop()
    done = Rollout(tmp_path, described)
    assert (done.code, done.moved) == (1, [])
    assert "no revision has the tag" in done.err
