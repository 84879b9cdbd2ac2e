"""deploy/service.yaml and job.yaml: what Google's own command makes of them, and takes.

service.json and job.json are what it sent; they are held against the API's own description
everywhere, and where gcloud is installed it says again what they are.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.recorder import recording
from tests.deploy.schemas import document, mistakes
from tests.deploy.support import DEPLOY, needs_gcloud

HERE = Path(__file__).parent
IMAGE = "europe-west1-docker.pkg.dev/my-project/labeler/labeler@sha256:" + "0" * 64
SETTINGS = (
    "--region=europe-west1",
    f"--image={IMAGE}",
    "--service-account=labeler@my-project.iam.gserviceaccount.com",
    "--set-env-vars=LABELER_STORAGE=gs://my-labels",
    "--set-secrets=LABELER_SECRET_KEY=labeler-secret-key:latest",
    "--async",
)
COMMANDS = {
    "service": (
        "run", "deploy", "labeler", "--flags-file=deploy/service.yaml",
        "--no-allow-unauthenticated",
        *SETTINGS,
    ),
    "job": ("run", "jobs", "deploy", "labeler-export", "--flags-file=deploy/job.yaml", *SETTINGS),
}  # fmt: skip
CHANGING = re.compile("client-version|client-name|nonce|gcloud")


def committed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


def lasting(value: Any) -> Any:
    """Without what each run of the command, or each of its releases, writes differently."""
    if isinstance(value, dict):
        kept = {key: lasting(item) for key, item in value.items() if not CHANGING.search(key)}
        return {key: item for key, item in kept.items() if item not in ({}, "", None)}
    return [lasting(item) for item in value] if isinstance(value, list) else value


@needs_gcloud
@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_google_s_command_sends_what_is_committed(name: str, tmp_path: Path) -> None:
    with recording() as google:
        subprocess.run(
            ["gcloud", *COMMANDS[name]], cwd=DEPLOY.parent, env=google.environ(tmp_path),
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    [sent] = [body for _, _, body in google.asked if body and "kind" in body]
    assert lasting(sent) == committed(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_api_knows_every_key(name: str) -> None:
    definition = committed(name)
    assert mistakes("run.v1", definition["kind"], definition) == []
    known = document("run.v1")["schemas"]["ObjectMeta"]["properties"]["annotations"]["description"]
    metadata = [definition["metadata"], definition["spec"]["template"].get("metadata", {})]
    for annotation in (name for one in metadata for name in one.get("annotations", ())):
        assert f"`{annotation}`" in known


def test_a_mistake_would_be_found() -> None:
    definition = committed("service")
    [container] = definition["spec"]["template"]["spec"]["containers"]
    container["startupProbe"]["httpGet"]["pth"] = "/"
    container["ports"][0]["containerPort"] = "8080"
    assert len(mistakes("run.v1", "Service", definition)) == 2


def test_the_service_is_set_for_pages_that_stay_open() -> None:
    flags = yaml.safe_load((DEPLOY / "service.yaml").read_text())
    assert flags["--timeout"] == 3600
    assert {"--session-affinity", "--cpu-boost", "--no-cpu-throttling", "--no-use-http2"} <= set(
        flags
    )
    for probe in ("--startup-probe", "--liveness-probe"):
        assert flags[probe]["httpGet.path"] == "/api/health"


def test_no_flag_belongs_to_one_project() -> None:
    """So that one file does for all: what differs stands on the command line, or is kept."""
    text = "".join((DEPLOY / name).read_text() for name in ("service.yaml", "job.yaml"))
    for word in ("--set-env", "--project", "--region", "--service-account", "--image", "gs://"):
        assert word not in re.sub(r"#.*", "", text)
