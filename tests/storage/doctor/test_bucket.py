"""The doctor at a bucket: rights, failures, and nothing left behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from labeler.cli import main
from labeler.settings import Location
from labeler.storage import ABSENT, open_store
from labeler.storage.doctor import Level
from tests.gcs_server import Bucket, Fault, GcsServer
from tests.storage.doctor.support import GOOD, KEY, bad, examined, is_empty, only, rule_of


@pytest.mark.parametrize("path", ["", "projects/one"])
def test_nothing_is_wrong_with_a_good_bucket(bucket: Bucket, path: str) -> None:
    if path:
        rules = GOOD["lifecycle"]["rule"]
        condition = rules[0]["condition"] | {"matchesPrefix": [f"{path}/exports/"]}
        rule = rules[0] | {"condition": condition}
        bucket.settings["lifecycle"] = {"rule": [rule, rules[1]]}
    findings = examined(path)
    assert bad(findings) == []
    told = "\n".join(one.what for one in findings)
    for word in ("list", "create", "replace", "stale", "delete", "europe-west1", "CORS", "Soft"):
        assert word in told
    assert is_empty(bucket)


@pytest.mark.parametrize("permission", ["list", "get", "create", "delete"])
def test_a_missing_permission_is_a_fault(bucket: Bucket, permission: str) -> None:
    bucket.denied.add(f"storage.objects.{permission}")
    found = only(examined())
    assert found.level is Level.FAULT
    assert f"storage.objects.{permission}" in found.what
    assert "roles/storage.objectUser" in found.repair
    assert is_empty(bucket)


@pytest.mark.parametrize("permission", ["list", "get", "create", "delete"])
def test_below_a_prefix_a_missing_permission_is_found_by_trying(
    bucket: Bucket, permission: str
) -> None:
    bucket.settings["lifecycle"] = {"rule": [GOOD["lifecycle"]["rule"][1]]}
    bucket.denied.add(f"storage.objects.{permission}")
    findings = examined("one")
    assert is_empty(bucket)
    if permission == "delete":
        assert "Saving was not tried" in findings[-1].what
    else:
        assert only(findings).level is Level.FAULT


def test_originals_need_no_right_to_delete(bucket: Bucket) -> None:
    bucket.settings["lifecycle"] = {}
    bucket.settings["versioning"] = {}
    bucket.denied.add("storage.objects.delete")
    assert bad(examined(replaces=False)) == []
    assert is_empty(bucket)


def test_settings_that_can_not_be_seen_are_reported(bucket: Bucket) -> None:
    bucket.denied |= {"storage.buckets.get", "storage.buckets.getIamPolicy"}
    found = only(examined())
    assert found.level is Level.WARNING
    assert "storage.buckets.get" in found.what
    assert is_empty(bucket)


def test_objects_under_retention_tell_of_settings_that_can_not_be_seen(
    bucket: Bucket, server: GcsServer
) -> None:
    """Otherwise the trial's object would be caught there."""
    store = open_store(Location("labels", ""))
    store.write("labels.json", b"{}", replaces=ABSENT)
    store.close()
    bucket.live["labels.json"].extra["retentionExpirationTime"] = "2099-01-01T00:00:00Z"
    bucket.denied.add("storage.buckets.get")
    findings = examined()
    assert "under retention" in findings[-1].what
    assert list(bucket.live) == ["labels.json"]


def test_everybody_in_the_policy_is_a_fault(bucket: Bucket) -> None:
    bucket.settings["iamConfiguration"] = {"uniformBucketLevelAccess": {"enabled": True}}
    bucket.bindings = [
        {"role": "roles/storage.objectViewer", "members": ["user:a@b.c", "allUsers"]}
    ]
    faults = [one for one in examined() if one.level is Level.FAULT]
    assert [one.what for one in faults] == [
        "allUsers has the role roles/storage.objectViewer on the bucket"
    ]
    assert "remove-iam-policy-binding gs://labels --member=allUsers" in faults[0].repair


def test_the_key_of_the_settings_is_compared_and_tried(bucket: Bucket, server: GcsServer) -> None:
    found = only(examined(kms_key=KEY))
    assert found.level is Level.WARNING
    assert f"--default-encryption-key={KEY}" in found.repair
    assert any(f"kmsKeyName={KEY}" in request.line for request in server.requests)
    bucket.settings["encryption"] = {"defaultKmsKeyName": KEY}
    assert bad(examined(kms_key=KEY)) == []
    assert bad(examined()) == []


def test_a_bucket_that_is_not_there_is_a_fault(server: GcsServer) -> None:
    [found] = examined(name="nowhere")
    assert found.level is Level.FAULT
    assert "there is no bucket nowhere" in found.what


def test_a_server_that_does_not_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        [found] = examined()
    assert found.level is Level.FAULT
    assert "did not take it in time" in found.what


def test_missing_credentials_are_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    [found] = examined()
    assert found.level is Level.FAULT
    assert "credentials" in found.what


@pytest.mark.parametrize("at", range(12))
@pytest.mark.parametrize("status", [403, 503])
def test_whenever_it_fails_nothing_is_left_behind(
    bucket: Bucket, server: GcsServer, at: int, status: int
) -> None:
    """The trial's requests fail from some moment on; the ones that clean up do not."""
    reason = "forbidden" if status == 403 else "backendError"
    fault = Fault("status", status=status, reason=reason)
    server.faults.add(fault, method="POST", path="/upload/", skip=at % 4, times=20)
    server.faults.add(fault, method="GET", path="alt=media", skip=at // 3, times=20)
    findings = examined()
    assert only(findings).level is Level.FAULT
    assert is_empty(bucket)


def test_what_could_not_be_removed_is_reported(bucket: Bucket, server: GcsServer) -> None:
    server.faults.add(Fault("status", status=403), method="DELETE", times=-1)
    findings = examined()
    left = findings[-1]
    assert left.level is Level.WARNING
    [name] = bucket.live
    assert name in left.what
    assert left.repair == f"gcloud storage rm --all-versions gs://labels/{name}"


def test_the_command_tells_each_place_and_ends_with_one_for_a_fault(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], on_disk: None,
) -> None:  # fmt: skip
    monkeypatch.setenv("LABELER_STORAGE", "gs://labels")
    monkeypatch.setenv("LABELER_UPLOADS", str(tmp_path))
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("gs://labels\n  ok ")
    assert f"\n{tmp_path}\n  ok " in out
    bucket.settings["defaultEventBasedHold"] = True
    bucket.settings["versioning"] = {}
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("  warning  Versioning is off")
    assert lines[at + 2] == "           $ gcloud storage buckets update gs://labels --versioning"
    assert "  fault    The bucket puts a hold on each new object" in lines


@pytest.mark.parametrize("uploads", ["", "off", "gs://labels/pictures"])
def test_the_command_knows_where_originals_are(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    uploads: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("LABELER_STORAGE", "gs://labels")
    monkeypatch.setenv("LABELER_UPLOADS", uploads)
    prefix = "pictures/" if "pictures" in uploads else "uploads/"
    bucket.settings |= rule_of({"age": 1, "matchesPrefix": [prefix]})
    assert main(["doctor"]) == (0 if uploads == "off" else 1)
    assert (f"deletes {prefix} automatically" in capsys.readouterr().out) == (uploads != "off")


def test_looking_at_a_folder_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_disk: None
) -> None:
    monkeypatch.setenv("LABELER_STORAGE", str(tmp_path / "data"))
    assert main(["doctor"]) == 0
    assert not (tmp_path / "data").exists()
