"""The folder store beside people and programs that work on the same files."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from labeler.errors import (
    DamagedObject,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Unavailable,
    VersionConflict,
)
from labeler.storage import ABSENT, RESERVED, Store
from labeler.storage.local import LocalStore
from tests.storage.support import MIB, NOBODYS, create, keys


def put(path: Path, data: bytes) -> None:
    """Put a file there as another program would, without the store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class TestFiles:
    def test_an_object_is_an_ordinary_file(self, store: Store, root: Path) -> None:
        create(store, "annotations/a.json", b"{}")
        assert (root / "annotations/a.json").read_bytes() == b"{}"
        assert sorted(path.name for path in root.iterdir()) == [RESERVED, "annotations"]
        assert [path.name for path in (root / "annotations").iterdir()] == ["a.json"]

    def test_the_umask_decides_who_may_read_it(self, store: Store, root: Path) -> None:
        before = os.umask(0o027)
        try:
            create(store, "a", b"")
        finally:
            os.umask(before)
        assert stat.S_IMODE((root / "a").stat().st_mode) == 0o640

    @pytest.mark.skipif(sys.platform == "darwin", reason="there a part can't be synced alone")
    @pytest.mark.parametrize("is_file", [False, True])
    def test_a_large_object_keeps_no_save_behind_more_than_a_mebibyte(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_file: bool
    ) -> None:
        synced: list[int] = []
        sync = os.fdatasync

        def watched(fd: int) -> None:
            sync(fd)
            synced.append(os.fstat(fd).st_size)

        monkeypatch.setattr(os, "fdatasync", watched)
        data = os.urandom(3 * MIB + 5)
        put(tmp_path / "large", data)
        with (tmp_path / "large").open("rb") as file:
            store.write("large", file if is_file else data, replaces=ABSENT)
        assert synced == [MIB, 2 * MIB, 3 * MIB]
        assert store.read("large")[0] == data
        create(store, "small", b"{}")
        assert len(synced) == 3

    def test_a_file_of_another_program_is_an_object(self, store: Store, root: Path) -> None:
        put(root / "uploads/camera.jpg", b"jpeg")
        data, info = store.read("uploads/camera.jpg")
        assert (data, info.size, info.metadata, info.md5) == (b"jpeg", 4, {}, None)
        assert list(store.list("uploads/").objects) == [info]
        with pytest.raises(VersionConflict):
            create(store, "uploads/camera.jpg")
        version = store.write("uploads/camera.jpg", b"new", replaces=info.version)
        store.delete("uploads/camera.jpg", version=version)
        assert not (root / "uploads/camera.jpg").exists()

    def test_reading_makes_nothing(self, store: Store, root: Path) -> None:
        root.mkdir()
        store.list()
        with pytest.raises(NotFound):
            store.read("a")
        assert list(root.iterdir()) == []

    def test_an_edit_by_another_program_is_a_new_version(self, store: Store, root: Path) -> None:
        version = create(store, "a.json", b"one", by="ana")
        put(root / "a.json", b"two")
        info = store.info("a.json")
        assert info.version != version
        assert (info.metadata, info.md5) == ({}, None)
        assert store.list().objects == (info,)
        with pytest.raises(VersionConflict):
            store.write("a.json", b"three", replaces=version)
        with pytest.raises(VersionConflict):
            store.delete("a.json", version=version)
        assert (root / "a.json").read_bytes() == b"two"

    def test_a_file_swapped_for_one_of_the_same_size_and_time_is_a_new_version(
        self, store: Store, root: Path
    ) -> None:
        version = create(store, "a.json", b"one")
        time = (root / "a.json").stat().st_mtime_ns
        put(root / "other", b"two")
        os.utime(root / "other", ns=(time, time))
        (root / "other").rename(root / "a.json")
        assert store.info("a.json").version != version

    def test_a_file_removed_by_another_program_is_gone(self, store: Store, root: Path) -> None:
        version = create(store, "a.json", b"one", by="ana")
        (root / "a.json").unlink()
        with pytest.raises(NotFound):
            store.info("a.json")
        with pytest.raises(VersionConflict):
            store.write("a.json", b"two", replaces=version)
        assert create(store, "a.json", b"one") != version
        assert store.info("a.json").metadata == {}

    def test_an_edit_in_place_while_open_gives_no_mixture(self, store: Store, root: Path) -> None:
        create(store, "a", b"1" * 3 * MIB)
        with store.open("a") as chunks:
            assert next(chunks) == b"1" * MIB
            put(root / "a", b"2" * 3 * MIB)
            with pytest.raises(DamagedObject):
                list(chunks)

    def test_a_file_read_while_another_program_writes_it_bit_by_bit(
        self, store: Store, root: Path
    ) -> None:
        put(root / "a", b"")
        scribbler = """
import sys
print(flush=True)
while True:
    with open(sys.argv[1], "wb", buffering=0) as file:
        for _ in range(8):
            file.write(bytes(2**20))
"""
        command = [sys.executable, "-c", scribbler, str(root / "a")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                for _ in range(3000):
                    with contextlib.suppress(Unavailable):
                        data, info = store.read("a")
                        assert len(data) == info.size
            finally:
                process.kill()


class TestNames:
    def test_hidden_files_are_listed_only_if_the_store_wrote_them(
        self, store: Store, root: Path
    ) -> None:
        for name in (".DS_Store", "uploads/._a.jpg", ".git/HEAD", ".labeler/x", ".Labeler/y"):
            put(root / name, b"x")
        create(store, "uploads/.own.jpg", b"x")
        create(store, ".own/folder/file", b"x")
        expected = [".own/folder/file", "uploads/.own.jpg"]
        assert keys(store) == expected
        assert keys(LocalStore(root)) == expected
        assert keys(store, ".git/") == keys(store, ".labeler/") == []
        assert keys(store, ".own/") == [".own/folder/file"]

    def test_another_roots_own_folder_is_not_listed(self, store: Store, root: Path) -> None:
        uploads = LocalStore(root / "uploads")
        create(uploads, "a.jpg", b"x")
        assert keys(store) == ["uploads/a.jpg"]

    def test_decomposed_names_stand_under_their_keys(self, store: Store, root: Path) -> None:
        key = "uploads/élan/crème 가.jpg"
        path = root / unicodedata.normalize("NFD", key)
        put(path, b"from a Mac")
        assert [info.key for info in store.list().objects] == [key]
        assert keys(store, "uploads/élan/c") == [key]
        data, info = store.read(key)
        assert data == b"from a Mac"
        version = store.write(key, b"replaced", replaces=info.version)
        assert path.read_bytes() == b"replaced"
        assert keys(store) == [key]
        store.delete(key, version=version)
        assert not path.exists()

    def test_a_composed_name_goes_before_a_decomposed_one(self, store: Store, root: Path) -> None:
        put(root / "cafe\u0301", b"decomposed")
        put(root / "café", b"composed")
        if len(list(root.iterdir())) == 1:
            pytest.skip("this file system takes both forms for one name")
        assert keys(store) == ["café"]
        assert store.read("café")[0] == b"composed"

    def test_names_that_are_no_keys_are_not_listed(self, store: Store, root: Path) -> None:
        create(store, "good", b"")
        for name in (b"bad\xff.jpg", b"new\nline.jpg", b"\xcc\x81e\xcc\x81 both.jpg"):
            try:
                put(Path(os.fsdecode(os.fsencode(root) + b"/" + name)), b"x")
            except OSError:
                continue  # Macs refuse names that are not UTF-8
        (root / "folder\x01").mkdir()
        put(root / "folder\x01/file", b"x")
        assert keys(store)[0] == "good"
        assert not [key for key in keys(store) if key.startswith(("bad", "new", "folder"))]

    def test_a_file_and_a_folder_exclude_each_other(self, store: Store, root: Path) -> None:
        version = create(store, "a", b"file")
        with pytest.raises(InvalidRequest, match=r"a/b can't be saved"):
            create(store, "a/b", b"")
        with pytest.raises(InvalidRequest):
            store.write("a/b/c", b"", replaces=NOBODYS)
        create(store, "folder/file", b"")
        for replaces in (ABSENT, NOBODYS):
            with pytest.raises(InvalidRequest, match="folder can't be saved"):
                store.write("folder", b"", replaces=replaces)
        with pytest.raises(NotFound):
            store.delete("folder", version=version)
        assert keys(store) == ["a", "folder/file"]
        assert (root / "a").read_bytes() == b"file"

    def test_names_longer_than_the_file_system_takes(self, store: Store) -> None:
        for key in ("x" * 256, "é" * 128, "folder/" + "x" * 300 + "/file"):
            with pytest.raises(InvalidRequest, match="Choose another name"):
                create(store, key)
            with pytest.raises(NotFound):
                store.read(key)
            with pytest.raises(NotFound):
                store.delete(key, version=NOBODYS)
        assert keys(store) == []

    def test_pipes_and_sockets_are_no_objects(self, store: Store, root: Path) -> None:
        create(store, "a", b"")
        os.mkfifo(root / "pipe")
        assert keys(store) == ["a"]
        for read in (store.read, store.info):
            with pytest.raises(NotFound):
                read("pipe")
        with pytest.raises(InvalidRequest):
            create(store, "pipe")


class TestLinks:
    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        folder = tmp_path / "outside"
        put(folder / "file", b"outside")
        return folder

    def test_a_link_to_a_file_is_read_but_never_written_through(
        self, store: Store, root: Path, outside: Path
    ) -> None:
        create(store, "inside", b"inside")
        (root / "link").symlink_to(outside / "file")
        (root / "link2").symlink_to("inside")
        assert keys(store) == ["inside", "link", "link2"]
        for key, expected in (("link", b"outside"), ("link2", b"inside")):
            data, info = store.read(key)
            assert data == expected
            for replaces in (ABSENT, info.version):
                with pytest.raises(NotAllowed, match="is a link"):
                    store.write(key, b"changed", replaces=replaces)
            with pytest.raises(NotAllowed, match="is a link"):
                store.delete(key, version=info.version)
        assert (outside / "file").read_bytes() == b"outside"
        assert (root / "link").is_symlink()

    def test_links_to_folders_are_not_followed(
        self, store: Store, root: Path, outside: Path
    ) -> None:
        create(store, "inside/file", b"inside")
        (root / "out").symlink_to(outside)
        (root / "in").symlink_to("inside")
        (root / "inside/loop").symlink_to(root)
        assert keys(store) == ["inside/file"]
        for prefix in ("out", "out/", "out/f", "in/", "inside/loop/"):
            assert keys(store, prefix) == (["inside/file"] if prefix == "in" else [])
        for key in ("out/file", "in/file", "inside/loop/inside/file"):
            with pytest.raises(NotFound):
                store.read(key)
            with pytest.raises(NotFound):
                store.info(key)
            assert list(store.read_many([key])) == []
            with pytest.raises(NotAllowed, match="is a link"):
                create(store, key)
        with pytest.raises(NotAllowed):
            create(store, "out/new")
        assert [path.name for path in outside.iterdir()] == ["file"]

    def test_a_link_to_nothing_is_nothing(self, store: Store, root: Path, outside: Path) -> None:
        root.mkdir()
        (root / "link").symlink_to(outside / "new")
        (root / "circle").symlink_to("circle")
        assert keys(store) == []
        for key in ("link", "circle"):
            with pytest.raises(NotFound):
                store.read(key)
            with pytest.raises(NotAllowed, match="is a link"):
                create(store, key)
        assert not (outside / "new").exists()

    def test_the_root_may_be_a_link(self, tmp_path: Path, outside: Path) -> None:
        (tmp_path / "root").symlink_to(outside)
        store = LocalStore(tmp_path / "root")
        create(store, "new", b"new")
        assert keys(store) == ["file", "new"]
        assert (outside / "new").read_bytes() == b"new"


class TestListing:
    def test_a_big_folder_shows_each_change_at_once(self, store: Store, root: Path) -> None:
        folder = root / "uploads"
        folder.mkdir(parents=True)
        for number in range(1100):
            (folder / f"{number:04}.jpg").touch()
        hour_ago = folder.stat().st_mtime - 3600
        expected = [f"uploads/{number:04}.jpg" for number in range(1100)]
        for name in ("0000a.jpg", "0500a.jpg", "2000.jpg"):
            # An old time lets the store keep the names; they must still follow each change.
            os.utime(folder, (hour_ago, hour_ago))
            assert keys(store, "uploads/") == expected
            assert keys(store, "uploads/") == expected
            (folder / name).touch()
            expected = sorted([*expected, f"uploads/{name}"])
            assert keys(store) == expected
        (folder / "0001.jpg").unlink()
        expected.remove("uploads/0001.jpg")
        assert keys(store) == expected

    def test_a_folder_removed_between_pages(self, store: Store, root: Path) -> None:
        for number in range(4):
            create(store, f"a/{number}", b"")
        create(store, "b", b"")
        page = store.list(limit=2)
        assert page.next == "a/1"
        for number in range(4):
            (root / f"a/{number}").unlink()
        (root / "a").rmdir()
        assert [info.key for info in store.list(after=page.next).objects] == ["b"]

    def test_times_that_no_calendar_holds(self, store: Store, root: Path) -> None:
        put(root / "a", b"")
        for second in (-(2**31), 2**34 - 1):
            os.utime(root / "a", (second, second))
            assert store.info("a") == store.list().objects[0]
