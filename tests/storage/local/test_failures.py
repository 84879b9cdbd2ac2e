"""The folder store where the disk, the clock, rights or another process fail it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labeler.errors import InvalidRequest, LabelerError, NotAllowed, NotFound, Unavailable
from labeler.storage import ABSENT, RESERVED, Store
from labeler.storage.local import LocalStore
from labeler.storage.local_files import place_new, sync_folder
from tests.storage.support import NOBODYS, create, keys

DAY_NS = 86_400 * 10**9


def mount(*arguments: str) -> None:
    """Mount something, or skip the test where that is not allowed."""
    command = ["mount", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if result.returncode:
        pytest.skip(f"mounting is not allowed: {result.stderr.strip()}")


def unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path: Path) -> None:
    """Make the file as large as its disk allows."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


class TestRoot:
    def test_a_missing_root_is_empty_until_the_first_write(self, tmp_path: Path) -> None:
        root = tmp_path / "not/yet/there"
        store = LocalStore(root)
        assert keys(store) == []
        for call in (store.read, store.info):
            with pytest.raises(NotFound):
                call("a")
        with pytest.raises(NotFound):
            store.delete("a", version=NOBODYS)
        create(store, "a", b"1")
        assert (root / "a").read_bytes() == b"1"

    def test_a_root_that_is_a_file(self, tmp_path: Path) -> None:
        root = tmp_path / "file"
        root.write_bytes(b"precious")
        store = LocalStore(root)
        calls: list[Callable[[], object]] = [
            lambda: store.read("a"),
            lambda: store.info("a"),
            lambda: store.open("a").__enter__(),
            lambda: list(store.read_many(["a"])),
            lambda: store.list(),
            lambda: create(store, "a"),
            lambda: store.delete("a", version=NOBODYS),
        ]
        for call in calls:
            with pytest.raises(NotAllowed, match="is a file, but Labeler needs a folder there"):
                call()
        assert root.read_bytes() == b"precious"

    def test_a_root_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"precious")
        store = LocalStore(tmp_path / "file/data")
        assert keys(store) == []
        with pytest.raises(NotFound):
            store.read("a")
        with pytest.raises(LabelerError, match="Not a directory"):
            create(store, "a")

    def test_a_root_with_an_impossible_name(self, tmp_path: Path) -> None:
        store = LocalStore(tmp_path / ("x" * 300))
        with pytest.raises(InvalidRequest, match="File name too long"):
            store.list()
        with pytest.raises(NotFound):
            store.read("a")
        with pytest.raises(InvalidRequest, match="File name too long"):
            create(store, "a")

    def test_a_root_that_vanishes_comes_back_with_the_next_write(
        self, store: Store, root: Path, tmp_path: Path
    ) -> None:
        version = create(store, "a", b"1", by="ana")
        root.rename(tmp_path / "elsewhere")
        assert keys(store) == []
        with pytest.raises(NotFound):
            store.read("a")
        create(store, "b", b"2")
        assert keys(store) == ["b"]
        root.rename(tmp_path / "second")
        (tmp_path / "elsewhere").rename(root)
        assert store.info("a").version == version
        assert store.info("a").metadata == {"by": "ana"}

    def test_our_own_folder_may_be_removed(self, store: Store, root: Path) -> None:
        version = create(store, "a", b"1", by="ana")
        for path in sorted((root / RESERVED).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (root / RESERVED).rmdir()
        assert store.read("a")[0] == b"1"
        assert (store.info("a").version, store.info("a").metadata) == (version, {})
        store.write("a", b"2", replaces=version, metadata={"by": "ben"})
        assert store.info("a").metadata == {"by": "ben"}


class TestRights:
    @pytest.fixture
    def read_only(self, store: Store, root: Path) -> Iterator[Store]:
        create(store, "a", b"1", by="ana")
        if os.geteuid():
            folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
            for folder in folders:
                folder.chmod(0o555)
            yield store
            for folder in folders:
                folder.chmod(0o755)
        else:
            # Rights don't bind root, a read-only mount does.
            mount("--bind", str(root), str(root))
            try:
                mount("-o", "remount,bind,ro", str(root))
                yield store
            finally:
                unmount(root)

    def test_a_read_only_folder(self, read_only: Store, root: Path) -> None:
        version = read_only.info("a").version
        calls: list[Callable[[], object]] = [
            lambda: read_only.write("a", b"2", replaces=version),
            lambda: create(read_only, "new/b"),
            lambda: read_only.delete("a", version=version),
        ]
        for call in calls:
            with pytest.raises(NotAllowed, match="does not allow it") as caught:
                call()
            assert str(root) in caught.value.message
        for reader in (read_only, LocalStore(root)):
            assert reader.read("a") == (b"1", reader.info("a"))
            assert reader.info("a").metadata == {"by": "ana"}
            assert keys(reader) == ["a"]

    @pytest.mark.skipif(sys.platform != "linux", reason="there is no /sys")
    def test_a_folder_where_nobody_may_make_anything(self) -> None:
        with pytest.raises(NotAllowed, match="can't be saved: /sys does not allow it"):
            create(LocalStore(Path("/sys")), "labeler-test")

    @pytest.mark.skipif(not os.geteuid(), reason="rights don't bind root")
    def test_a_file_that_may_not_be_read(self, store: Store, root: Path) -> None:
        create(store, "a", b"1")
        (root / "a").chmod(0)
        with pytest.raises(NotAllowed, match="a can't be read"):
            store.read("a")


class TestFullDisk:
    @pytest.fixture
    def small(self, root: Path) -> Iterator[Path]:
        """A disk of one MiB."""
        root.mkdir()
        mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(root))
        yield root
        unmount(root)

    def test_a_full_disk_keeps_what_is_there(self, small: Path) -> None:
        store = LocalStore(small)
        version = create(store, "a", b"first", by="ana")
        with pytest.raises(Unavailable, match=r"is full .*Free some space"):
            store.write("a", bytes(2**20), replaces=version)
        assert store.read("a") == (b"first", store.info("a"))
        assert store.info("a").metadata == {"by": "ana"}
        assert list((small / RESERVED / "tmp").iterdir()) == []
        store.write("a", b"second", replaces=version)

    def test_whichever_part_of_a_save_fills_the_disk(self, small: Path) -> None:
        store = LocalStore(small)
        version, expected = create(store, "a/b", b"0" * 5000, n="0"), 0
        filler = small / "filler"
        failed = 0
        for number in range(1, 60):
            # From no page left to some pages left: the file, its folder or the journal fails.
            fill(filler)
            os.truncate(filler, filler.stat().st_size - 4096 * (number % 6))
            try:
                version = store.write(
                    "a/b",
                    str(number % 10).encode() * 5000,
                    replaces=version,
                    metadata={"n": str(number), "long": "x" * 500},
                )
                expected = number
            except Unavailable:
                failed += 1
            data, info = LocalStore(small).read("a/b")
            assert data == str(expected % 10).encode() * 5000
            assert info.metadata["n"] == str(expected)
        assert 0 < failed < 59

    def test_a_file_larger_than_the_system_allows(self, tmp_path: Path) -> None:
        code = """
import resource, sys
from pathlib import Path
from labeler.errors import Unavailable
from labeler.storage import ABSENT
from labeler.storage.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
version = store.write("a", b"first", replaces=ABSENT)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
try:
    store.write("a", bytes(20_000), replaces=version)
except Unavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
store.write("a", store.read("a")[0] + b", second", replaces=version)
"""
        result = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stderr == ""
        assert "File too large" in result.stdout
        assert (tmp_path / "a").read_bytes() == b"first, second"

    def test_too_many_open_files(self, store: Store, root: Path) -> None:
        create(store, "a", b"1")
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        held = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limit[0]), limit[1]))
        try:
            with contextlib.suppress(OSError):
                while True:
                    held.append(os.open(root, os.O_RDONLY))
            with pytest.raises(Unavailable, match="Too many open files"):
                store.read("a")
            with pytest.raises(Unavailable, match="Too many open files"):
                create(store, "b")
        finally:
            for fd in held:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        assert store.read("a")[0] == b"1"
        create(store, "b")

    def test_a_folder_on_another_disk_than_the_root(self, store: Store, root: Path) -> None:
        create(store, "a", b"1")
        (root / "annotations").mkdir()
        mount("-t", "tmpfs", "tmpfs", str(root / "annotations"))
        try:
            with pytest.raises(NotAllowed, match="is on another disk than"):
                create(store, "annotations/a.json")
        finally:
            unmount(root / "annotations")


class TestClock:
    def test_a_clock_that_stands_still_or_jumps_back(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time_ns()
        versions = [create(store, "a", b"same")]
        for offset in (0, 0, -DAY_NS, -DAY_NS, 365 * DAY_NS, -10 * 365 * DAY_NS, 0, 0):
            monkeypatch.setattr(time, "time_ns", lambda moment=now + offset: moment)
            versions.append(store.write("a", b"same", replaces=versions[-1]))
            store.delete("a", version=versions[-1])
            versions.append(create(store, "a", b"same"))
            versions.append(store.write("a", b"same", replaces=versions[-1]))
        assert len(set(versions)) == len(versions)
        times = [int(version.split("-")[0]) for version in versions]
        assert times == sorted(set(times)), "only the time keeps versions apart for certain"

    def test_versions_stay_apart_over_restarts(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: now)
        seen = set()
        for _ in range(10):
            store = LocalStore(root)
            version = create(store, "a", b"same")
            store.delete("a", version=version)
            seen.add(int(version.split("-")[0]))
            store.close()
        assert len(seen) == 10

    def test_a_file_from_the_future(self, store: Store, root: Path) -> None:
        root.mkdir()
        (root / "a").write_bytes(b"same")
        future = time.time_ns() + 365 * DAY_NS
        os.utime(root / "a", ns=(future, future))
        info = store.info("a")
        version = store.write("a", b"same", replaces=info.version)
        assert store.info("a").updated >= info.updated
        assert version != info.version
        store.delete("a", version=version)
        assert create(store, "a", b"same") not in (version, info.version)
        create(store, "b", b"")
        assert store.info("b").updated < info.updated, "one file's time is no other's"

    def test_a_file_from_the_future_that_is_deleted(self, store: Store, root: Path) -> None:
        root.mkdir()
        (root / "a").write_bytes(b"same")
        future = time.time_ns() + 365 * DAY_NS
        os.utime(root / "a", ns=(future, future))
        store.delete("a", version=store.info("a").version)
        version = create(LocalStore(root), "a", b"same")
        assert int(version.split("-")[0]) > future

    def test_the_store_works_on_where_litter_seems_to_be_from_the_future(
        self, store: Store, root: Path
    ) -> None:
        litter = root / RESERVED / "tmp/litter"
        litter.parent.mkdir(parents=True)
        litter.write_bytes(b"half")
        os.utime(litter, (2**33, 2**33))
        create(store, "a", b"1")
        assert litter.exists()


class TestLocksAndLitter:
    def test_old_litter_is_removed_but_not_what_is_in_use(self, store: Store, root: Path) -> None:
        temp = root / RESERVED / "tmp"
        temp.mkdir(parents=True)
        for name in ("old", "used", "young"):
            (temp / name).write_bytes(b"half")
            if name != "young":
                os.utime(temp / name, (time.time() - 7200, time.time() - 7200))
        with (temp / "used").open("rb") as used:
            fcntl.flock(used, fcntl.LOCK_EX)
            create(store, "a", b"1")
        assert sorted(path.name for path in temp.iterdir()) == ["used", "young"]

    def test_a_lock_that_somebody_keeps(self, root: Path) -> None:
        store = LocalStore(root, timeout_s=0.2)
        version = create(store, "a", b"1")
        locks = root / RESERVED / "locks"
        held = [os.open(path, os.O_RDWR) for path in locks.iterdir()]
        for fd in held:
            fcntl.flock(fd, fcntl.LOCK_EX)
        for call in (
            lambda: store.write("a", b"2", replaces=version),
            lambda: store.delete("a", version=version),
        ):
            with pytest.raises(Unavailable, match=r"kept .* locked for 0\.2 seconds"):
                call()
        assert store.read("a")[0] == b"1"
        assert keys(store) == ["a"]
        for fd in held:
            os.close(fd)
        store.write("a", b"2", replaces=version)

    def test_a_file_system_without_links(self, tmp_path: Path) -> None:
        temp, path = tmp_path / "temp", tmp_path / "path"
        temp.write_bytes(b"new")
        (tmp_path / "links").mkdir()
        for number in range(70_000):  # ext4 allows 65,000 links to one file
            try:
                os.link(temp, tmp_path / f"links/{number}")
            except OSError:
                break
        else:
            pytest.skip("this file system has no limit of links to try it by")
        path.write_bytes(b"there")
        with pytest.raises(FileExistsError):
            place_new(temp, path)
        assert path.read_bytes() == b"there"
        path.unlink()
        place_new(temp, path)
        assert path.read_bytes() == b"new"
        assert not temp.exists()

    @pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")
    def test_a_file_system_that_can_not_sync_folders(self) -> None:
        fd = os.open("/proc", os.O_RDONLY)
        with pytest.raises(OSError, match="Invalid argument"):
            os.fsync(fd)
        os.close(fd)
        sync_folder(Path("/proc"))


def test_a_folder_removed_while_an_object_is_put_there(store: Store, root: Path) -> None:
    """`a` and `a/b` come and go: each call ends well or with a clear error, nothing hangs."""
    outcomes: list[str] = []

    def come_and_go(key: str) -> None:
        for _ in range(100):
            try:
                store.delete(key, version=store.write(key, b"", replaces=ABSENT))
                outcomes.append("done")
            except LabelerError as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=come_and_go, args=[key]) for key in ("a", "a/b", "a/c/d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 300
    assert "done" in outcomes
    assert set(outcomes) <= {"done", "InvalidRequest", "NotFound"}
    assert keys(store) == []
