"""The doctor: finds what would lose boxes, names what mends it, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler.cli import main
from labeler.errors import Unavailable
from labeler.settings import Location
from labeler.storage import ABSENT, Page, Replaces, Version, doctor_folder, open_store
from labeler.storage.doctor import Finding, Level, Place, examine
from labeler.storage.doctor_findings import try_out
from labeler.storage.doctor_folder import file_system_of
from labeler.storage.local import LocalStore
from tests.gcs_server import Bucket, Fault, GcsServer

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "bucket.sh"
KEPT = ("annotations/", "labels.json", "uploads/")
KEY = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
GOOD: dict[str, Any] = {
    "versioning": {"enabled": True},
    "lifecycle": {
        "rule": [
            {
                "action": {"type": "Delete"},
                "condition": {"age": 90, "matchesPrefix": ["exports/"]},
            },
            {
                "action": {"type": "Delete"},
                "condition": {"daysSinceNoncurrentTime": 90, "isLive": False},
            },
        ]
    },
    "iamConfiguration": {
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "enforced",
    },
}
"""The settings of a bucket at which nothing is wrong."""


def bad(findings: list[Finding]) -> list[tuple[Level, str]]:
    return [(one.level, one.what) for one in findings if one.level is not Level.OK]


def only(findings: list[Finding]) -> Finding:
    """The one finding that is not ok."""
    [found] = [one for one in findings if one.level is not Level.OK]
    return found


# --- folders ------------------------------------------------------------------------------


def folder(path: Path | str, *, on_cloud_run: bool = False) -> list[Finding]:
    place = Place(Location("", str(path)), KEPT)
    return list(examine(place, timeout_s=2, on_cloud_run=on_cloud_run))


def tree(path: Path) -> dict[str, bytes | None]:
    """Everything below the folder, hidden files too."""
    return {
        str(one.relative_to(path)): one.read_bytes() if one.is_file() else None
        for one in path.rglob("*")
    }


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The table of mounts of a machine where every folder is on a disk."""
    table = tmp_path / "mounts of a machine with a disk"
    table.write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(doctor_folder, "_MOUNTS", table)


def test_nothing_is_wrong_with_an_ordinary_folder(tmp_path: Path, on_disk: None) -> None:
    root = tmp_path / "data"
    store = LocalStore(root)
    for key in ("annotations/a.json", "uploads/a.png", "labels.json"):
        store.write(key, b"{}", replaces=ABSENT)
    store.close()
    before = tree(root)
    findings = folder(root)
    assert bad(findings) == []
    told = "\n".join(one.what for one in findings)
    for word in ("list", "create", "read", "replace", "stale", "delete", "Locks", "MiB", "ext4"):
        assert word in told
    assert tree(root) == before


def test_a_folder_that_is_not_there_yet_is_not_made(tmp_path: Path, on_disk: None) -> None:
    before = tree(tmp_path)
    findings = folder(tmp_path / "new" / "data")
    assert bad(findings) == []
    assert "no folder" in findings[0].what
    assert tree(tmp_path) == before


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    for path in (tmp_path / "data", tmp_path / "data" / "below"):
        found = only(folder(path))
        assert found.level is Level.FAULT
        assert "not a folder" in found.what
        assert "LABELER_STORAGE" in found.mend


def test_a_place_where_nobody_can_write_is_a_fault() -> None:
    """The system's own files refuse root, too."""
    findings = folder("/proc/self/task")
    assert any(one.level is Level.FAULT and "Nothing can be made" in one.what for one in findings)


@contextlib.contextmanager
def ordinary_account() -> Iterator[None]:
    """Not root, which may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("", 0o555),
        ("annotations", 0o555),
        ("annotations", 0o333),
        ("labels.json", 0o000),
        (".labeler", 0o555),
        (".labeler/locks", 0o555),
        (".labeler/locks/01", 0o444),
        (".labeler/journal.jsonl", 0o444),
    ],
)
def test_what_belongs_to_another_account_is_a_fault(name: str, mode: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        for path in (root / "annotations", root / "uploads", root / ".labeler" / "locks"):
            path.mkdir(parents=True)
        for file in ("labels.json", ".labeler/locks/01", ".labeler/journal.jsonl"):
            (root / file).touch()
        for path in (root, *root.rglob("*")):
            path.chmod(0o777)
        (root / name).chmod(mode)
        with ordinary_account():
            findings = folder(root)
        (root / name).chmod(0o777)
        [found] = [one for one in findings if one.level is Level.FAULT]
        assert found.what.endswith(f" {root / name}")
        assert "chown" in found.mend
        assert not [one for one in tree(root) if "doctor" in one]


def test_an_object_that_can_only_be_read_can_be_replaced() -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o777)
        (root / "labels.json").touch(0o444)
        with ordinary_account():
            assert not [one for one in folder(root) if "labels.json" in one.what]


@pytest.mark.parametrize(
    ("kind", "level", "told"),
    [
        ("fuse.gcsfuse", Level.FAULT, "last write wins"),
        ("nfs4", Level.WARNING, "locks"),
        ("cifs", Level.WARNING, "locks"),
        ("fuse.sshfs", Level.WARNING, "locks"),
        ("tmpfs", Level.WARNING, "end with the container"),
        ("overlay", Level.WARNING, "end with the container"),
    ],
)
def test_a_file_system_that_loses_boxes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, level: Level, told: str
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"22 1 8:1 / / rw - {kind} somewhere rw\n")
    monkeypatch.setattr(doctor_folder, "_MOUNTS", table)
    found = only(folder(tmp_path))
    assert found.level is level
    assert kind in found.what or "GCS FUSE" in found.what
    assert told in found.why
    assert "LABELER_STORAGE" in found.mend


def test_a_folder_on_cloud_run_is_a_fault(tmp_path: Path, on_disk: None) -> None:
    found = only(folder(tmp_path, on_cloud_run=True))
    assert found.level is Level.FAULT
    assert "gs://" in found.mend


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /srv rw - xfs /dev/sdb1 rw
31 30 0:26 / /srv/my\\040data rw shared:3 master:2 - nfs4 host:/x rw
32 22 0:27 / /srv rw - btrfs /dev/sdc1 rw
33 22 0:28 / /srvother rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", ("ext4", "/")),
        ("/home/ana", ("ext4", "/")),
        ("/srv", ("btrfs", "/srv")),
        ("/srv/data", ("btrfs", "/srv")),
        ("/srv/my data", ("nfs4", "/srv/my data")),
        ("/srv/my data/a/b", ("nfs4", "/srv/my data")),
        ("/srvother/x", ("tmpfs", "/srvother")),
    ],
)
def test_the_mount_that_holds_a_folder_is_found(
    tmp_path: Path, path: str, wanted: tuple[str, str]
) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert file_system_of(Path(path), table) == wanted


def test_without_a_table_of_mounts_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_folder, "_MOUNTS", tmp_path / "missing")
    assert bad(folder(tmp_path)) == []


# --- the trial ----------------------------------------------------------------------------


class Broken:
    """A store that breaks one promise."""

    def __init__(self, root: Path, promise: str) -> None:
        self._store = LocalStore(root)
        self._promise = promise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        if self._promise == "unavailable":
            raise Unavailable("The store does not answer.")
        page = self._store.list(prefix, after=after, limit=limit)
        return Page((), None) if self._promise == "list" else page

    def read(self, key: str) -> Any:
        data, info = self._store.read(key)
        return (data + b"!", info) if self._promise == "read" else (data, info)

    def write(self, key: str, data: bytes, *, replaces: Replaces) -> Version:
        forced = {"create": replaces is ABSENT, "replace": replaces is not ABSENT}
        if forced.get(self._promise):
            with contextlib.suppress(Exception):
                replaces = self._store.info(key).version
        return self._store.write(key, data, replaces=replaces)

    def delete(self, key: str, *, version: Version) -> None:
        if self._promise == "stale delete":
            version = self._store.info(key).version
        if self._promise != "delete" or version != self._store.info(key).version:
            self._store.delete(key, version=version)


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("unavailable", "Labeler can't list objects: The store does not answer."),
        ("list", "missing in the listing"),
        ("read", "not what was written"),
        ("create", "a second create was taken"),
        ("replace", "named an old version was taken"),
        ("stale delete", "a delete that named an old version was taken"),
        ("delete", "still there"),
    ],
)
def test_a_broken_promise_is_a_fault(tmp_path: Path, promise: str, told: str) -> None:
    store: Any = Broken(tmp_path, promise)
    findings = try_out(store, "key", mend="use another")
    found = only(findings)
    assert found is findings[-1]
    assert found.level is Level.FAULT
    assert told in found.what
    assert found.why
    assert found.mend == "use another"


def test_a_store_that_keeps_its_promises_passes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert bad(try_out(store, "key", mend="")) == []
    assert store.list().objects == ()
    store.close()


# --- buckets ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server


@pytest.fixture
def server(running: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
    yield running
    running.faults.clear()


@pytest.fixture
def bucket(server: GcsServer) -> Iterator[Bucket]:
    """A bucket at which nothing is wrong, with an image in it."""
    made = server.create_bucket("labels")
    made.settings |= GOOD
    yield made
    server.drop_bucket("labels")


def examined(
    path: str = "", *, kms_key: str = "", replaces: bool = True, name: str = "labels"
) -> list[Finding]:
    kept = KEPT if replaces else ("",)
    place = Place(Location(name, path), kept, replaces)
    return list(examine(place, timeout_s=1, kms_key=kms_key))


def is_empty(bucket: Bucket) -> bool:
    return not bucket.live and not any(bucket.old.values())


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


def rule_of(condition: dict[str, Any], **action: str) -> dict[str, Any]:
    rule = {"action": {"type": "Delete", **action}, "condition": condition}
    return {"lifecycle": {"rule": [*GOOD["lifecycle"]["rule"], rule]}}


WRONG: list[tuple[dict[str, Any], Level, str, str]] = [
    ({"versioning": {}}, Level.WARNING, "Versioning is off", "--versioning"),
    (
        {"softDeletePolicy": {"retentionDurationSeconds": "0"}},
        Level.WARNING, "Soft delete is off", "--soft-delete-duration",
    ),
    ({"lifecycle": {}}, Level.WARNING, "No lifecycle rule deletes old", "bucket.sh labels"),
    (rule_of({"age": 30}), Level.FAULT, "deletes annotations/", "--clear-lifecycle"),
    (
        rule_of({"age": 1, "matchesPrefix": ["uploads/old"]}),
        Level.FAULT, "deletes uploads/old by itself", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 1, "matchesPrefix": ["lab"]}),
        Level.FAULT, "deletes labels.json by itself", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 1, "matchesSuffix": [".json"]}),
        Level.FAULT, "deletes annotations/", "--clear-lifecycle",
    ),
    (
        rule_of({"createdBefore": "2024-01-01", "isLive": True}),
        Level.FAULT, "deletes annotations/", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 9}, type="SetStorageClass", storageClass="ARCHIVE"),
        Level.WARNING, "to ARCHIVE", "--clear-lifecycle",
    ),
    (
        {"retentionPolicy": {"retentionPeriod": "172800"}},
        Level.FAULT, "keeps each object for 2 days", "--clear-retention-period",
    ),
    (
        {"retentionPolicy": {"retentionPeriod": "172800", "isLocked": True}},
        Level.FAULT, "locked for good", "ANOTHER_BUCKET",
    ),
    ({"defaultEventBasedHold": True}, Level.FAULT, "hold", "--no-default-event-based-hold"),
    ({"billing": {"requesterPays": True}}, Level.FAULT, "to pay", "--no-requester-pays"),
    (
        {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}},
        Level.WARNING, "Public access is not prevented", "--public-access-prevention",
    ),
    (
        {"iamConfiguration": {"publicAccessPrevention": "enforced"}},
        Level.WARNING, "access lists", "--uniform-bucket-level-access",
    ),
    (
        {"versioning": {}, "hierarchicalNamespace": {"enabled": True}},
        Level.WARNING, "hierarchical namespace", "ANOTHER_BUCKET",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "level", "told", "mend"), WRONG)
def test_a_wrong_setting_is_found_with_what_mends_it(
    bucket: Bucket, settings: dict[str, Any], level: Level, told: str, mend: str
) -> None:
    bucket.settings |= settings
    found = only(examined())
    assert found.level is level
    assert told in found.what
    assert found.why
    assert mend in found.mend
    assert "labels" in found.mend or "ANOTHER_BUCKET" in found.mend
    assert is_empty(bucket)


@pytest.mark.parametrize(
    "condition",
    [
        {"age": 1, "matchesPrefix": ["exports/", "tmp/"]},
        {"age": 1, "isLive": False},
        {"numNewerVersions": 3},
        {"noncurrentTimeBefore": "2024-01-01"},
        {"daysSinceCustomTime": 1},
        {"age": 1, "matchesPrefix": ["annotations2/"]},
    ],
)
def test_a_rule_that_meets_no_document_is_no_fault(
    bucket: Bucket, condition: dict[str, Any]
) -> None:
    bucket.settings |= rule_of(condition)
    assert bad(examined()) == []


def test_a_rule_that_meets_originals_only_names_them(bucket: Bucket) -> None:
    bucket.settings |= rule_of({"age": 1, "matchesSuffix": [".png"]})
    assert "deletes uploads/ by itself" in only(examined()).what


def test_a_bucket_of_originals_has_other_needs(bucket: Bucket) -> None:
    bucket.settings |= {"versioning": {}, "lifecycle": {}}
    bucket.settings["retentionPolicy"] = {"retentionPeriod": "86400"}
    findings = examined(replaces=False)
    assert bad(findings) == []
    told = "\n".join(one.what for one in findings)
    assert "keeps originals for 1 days" in told
    assert "Saving was not tried" in told
    for condition, told in (({"age": 365}, "everything"), ({"matchesPrefix": ["old/"]}, "old/")):
        bucket.settings["lifecycle"] = {"rule": [rule_of(condition)["lifecycle"]["rule"][-1]]}
        assert f"deletes {told} by itself" in only(examined(replaces=False)).what
    assert is_empty(bucket)


@pytest.mark.parametrize("permission", ["list", "get", "create", "delete"])
def test_a_missing_permission_is_a_fault(bucket: Bucket, permission: str) -> None:
    bucket.denied.add(f"storage.objects.{permission}")
    found = only(examined())
    assert found.level is Level.FAULT
    assert f"storage.objects.{permission}" in found.what
    assert "roles/storage.objectUser" in found.mend
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


def test_settings_that_can_not_be_seen_are_told(bucket: Bucket) -> None:
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
    assert "remove-iam-policy-binding gs://labels --member=allUsers" in faults[0].mend


def test_the_key_of_the_settings_is_compared_and_tried(bucket: Bucket, server: GcsServer) -> None:
    found = only(examined(kms_key=KEY))
    assert found.level is Level.WARNING
    assert f"--default-encryption-key={KEY}" in found.mend
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


def test_what_could_not_be_removed_is_told(bucket: Bucket, server: GcsServer) -> None:
    server.faults.add(Fault("status", status=403), method="DELETE", times=-1)
    findings = examined()
    left = findings[-1]
    assert left.level is Level.WARNING
    [name] = bucket.live
    assert name in left.what
    assert left.mend == f"gcloud storage rm --all-versions gs://labels/{name}"


# --- the command --------------------------------------------------------------------------


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
    assert (f"deletes {prefix} by itself" in capsys.readouterr().out) == (uploads != "off")


def test_looking_at_a_folder_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_disk: None
) -> None:
    monkeypatch.setenv("LABELER_STORAGE", str(tmp_path / "data"))
    assert main(["doctor"]) == 0
    assert not (tmp_path / "data").exists()


# --- deploy/bucket.sh ---------------------------------------------------------------------

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


def test_the_script_has_no_known_mistakes() -> None:
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or "shellcheck"
    done = subprocess.run([checker, SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_script_can_be_run() -> None:
    assert SCRIPT.stat().st_mode & stat.S_IXUSR


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
        subprocess.run(one.mend, shell=True, env=cloud, check=True, capture_output=True)
    left = examined(kms_key=KEY)
    assert [one.what for one in left if one.level is not Level.OK] == [
        "No lifecycle rule deletes old versions"
    ]
