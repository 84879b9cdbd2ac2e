"""deploy/bucket.sh, and what the doctor prescribes, with Google's own command."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from labeler.storage.doctor import Level
from tests.gcs_server import Bucket, GcsServer
from tests.storage.doctor.support import KEY, bad, examined

SCRIPT = Path(__file__).parents[3] / "deploy" / "bucket.sh"
gcloud = shutil.which("gcloud")
needs_gcloud = pytest.mark.skipif(gcloud is None, reason="the command gcloud is not installed")


@pytest.fixture
def cloud(server: GcsServer, tmp_path: Path) -> dict[str, str]:
    """The environment in which Google's own command speaks to the server of the tests."""
    return os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{server.url}/storage/v1/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": "project",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }


def script(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["labels"], ["a", "b", "c"], ["labels", "l", "--no-such"], ["Labels", "l"],
        ["labels", "l", "--kms-key", "k"], ["labels", "l", "--uploads-bucket", "_"],
        ["labels", "l", "--uploads-bucket", "labels"],
    ],
)  # fmt: skip
def test_wrong_usage_of_the_script_is_two(arguments: list[str]) -> None:
    done = script(*arguments, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bucket.sh: " in done.stderr


def test_a_dry_run_prints_the_commands_and_runs_none() -> None:
    done = script(
        "gs://labels/one", "europe-west1", "--dry-run", "--uploads-bucket", "pictures",
        "--kms-key", KEY, env={"PATH": "/usr/bin:/bin", "CLOUDSDK_CONFIG": "/nowhere"},
    )  # fmt: skip
    assert done.returncode == 0
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("gc")]
    assert [command[2:5] for command in commands] == [
        ["service-agent", f"--authorize-cmek={KEY}"],
        ["buckets", "create", "gs://labels"],
        ["buckets", "update", "gs://labels"],
        ["buckets", "create", "gs://pictures"],
        ["buckets", "update", "gs://pictures"],
    ]
    for command in commands[2::2]:
        assert f"--default-encryption-key={KEY}" in command
    assert '"matchesPrefix": ["one/exports/"]' in done.stdout
    for line in ("LABELER_STORAGE=gs://labels/one", "LABELER_UPLOADS=gs://pictures"):
        assert line in done.stderr


@needs_gcloud
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_script_makes_buckets_at_which_nothing_is_wrong(
    server: GcsServer, cloud: dict[str, str]
) -> None:
    """With Google's own command: twice, and what is in the buckets stays."""
    arguments = ("labels/one", "europe-west1", "--uploads-bucket", "pictures")
    try:
        first = script(*arguments, env=cloud)
        assert first.returncode == 0, first.stderr
        assert first.stderr.count("buckets create") == 2
        settings = [dict(server.bucket(name).settings) for name in ("labels", "pictures")]
        findings = [*examined("one"), *examined(name="pictures", replaces=False)]
        assert bad(findings) == []
        again = script(*arguments, env=cloud)
        assert again.returncode == 0, again.stderr
        assert "buckets create" not in again.stderr
        assert [server.bucket(name).settings for name in ("labels", "pictures")] == settings
        elsewhere = script("labels", "us-east1", env=cloud)
        assert elsewhere.returncode == 1
        assert "europe-west1" in elsewhere.stderr
    finally:
        for name in ("labels", "pictures"):
            with contextlib.suppress(KeyError):
                server.drop_bucket(name)


@needs_gcloud
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_doctor_prescribes_helps(bucket: Bucket, cloud: dict[str, str]) -> None:
    """Google's own command takes each line, and the finding is gone."""
    bucket.settings |= {
        "versioning": {},
        "softDeletePolicy": {"retentionDurationSeconds": "0"},
        "retentionPolicy": {"retentionPeriod": "86400"},
        "defaultEventBasedHold": True,
        "billing": {"requesterPays": True},
        "iamConfiguration": {},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 3}}]},
    }
    findings = [one for one in examined(kms_key=KEY) if one.level is not Level.OK]
    assert len(findings) == 9
    for one in findings:
        subprocess.run(one.repair, shell=True, env=cloud, check=True, capture_output=True)
    left = examined(kms_key=KEY)
    assert [one.what for one in left if one.level is not Level.OK] == [
        "No lifecycle rule deletes old versions"
    ]
