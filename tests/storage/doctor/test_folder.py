"""The doctor at a folder: finds what would lose boxes, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.settings import Location
from labeler.storage import ABSENT
from labeler.storage.doctor import ExaminedPlace, Finding, Level, examine
from labeler.storage.doctor import folder as doctor_folder
from labeler.storage.doctor.folder import file_system_of
from labeler.storage.local import LocalStore
from tests.storage.doctor.support import KEPT, bad, only


def folder(path: Path | str, *, on_cloud_run: bool = False) -> list[Finding]:
    place = ExaminedPlace(Location("", str(path)), KEPT)
    return list(examine(place, timeout_s=2, on_cloud_run=on_cloud_run))


def tree(path: Path) -> dict[str, bytes | None]:
    """Everything below the folder, hidden files too."""
    return {
        str(one.relative_to(path)): one.read_bytes() if one.is_file() else None
        for one in path.rglob("*")
    }


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
        assert "LABELER_STORAGE" in found.repair


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
        (".labeler/journal.sqlite", 0o444),
    ],
)
def test_what_belongs_to_another_account_is_a_fault(name: str, mode: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        for path in (root / "annotations", root / "uploads", root / ".labeler" / "locks"):
            path.mkdir(parents=True)
        for file in ("labels.json", ".labeler/locks/01", ".labeler/journal.sqlite"):
            (root / file).touch()
        for path in (root, *root.rglob("*")):
            path.chmod(0o777)
        (root / name).chmod(mode)
        with ordinary_account():
            findings = folder(root)
        (root / name).chmod(0o777)
        [found] = [one for one in findings if one.level is Level.FAULT]
        assert found.what.endswith(f" {root / name}")
        assert "chown" in found.repair
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
        ("tmpfs", Level.WARNING, "lost with the container"),
        ("overlay", Level.WARNING, "lost with the container"),
    ],
)
def test_a_file_system_that_loses_boxes_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, level: Level, told: str
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"22 1 8:1 / / rw - {kind} somewhere rw\n")
    monkeypatch.setattr(doctor_folder, "_MOUNTS", table)
    found = only(folder(tmp_path))
    assert found.level is level
    assert kind in found.what or "GCS FUSE" in found.what
    assert told in found.why
    assert "LABELER_STORAGE" in found.repair


def test_a_folder_on_cloud_run_is_a_fault(tmp_path: Path, on_disk: None) -> None:
    found = only(folder(tmp_path, on_cloud_run=True))
    assert found.level is Level.FAULT
    assert "gs://" in found.repair


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
