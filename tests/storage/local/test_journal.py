"""The folder store's journal: metadata beside the files, in SQLite."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest

from labeler.storage import RESERVED, Store
from labeler.storage.local import LocalStore
from labeler.storage.local_files import version_of
from tests.storage.support import create, keys


@pytest.fixture
def journal(root: Path) -> Path:
    return root / RESERVED / "journal.sqlite"


@pytest.fixture
def lines(root: Path) -> Path:
    """The journal of an earlier Labeler, beside the objects `a` and `b`."""
    path = root / RESERVED / "journal.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        for key, number in (("a", "1"), ("b", "2")):
            (root / key).write_bytes(b"")
            version = version_of((root / key).stat())
            line = {"k": key, "v": version, "m": {"n": number}, "h": "0" * 32}
            file.write(json.dumps(line) + "\n")
    return path


def number(store: Store, key: str) -> str | None:
    return store.info(key).metadata.get("n")


def rows(journal: Path) -> int:
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        found: int = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
    return found


class TestLinesOfAnEarlierLabeler:
    def test_a_reader_takes_them_over(self, store: Store, root: Path, lines: Path) -> None:
        assert (number(store, "a"), number(store, "b")) == ("1", "2")
        assert store.info("a").md5 == "0" * 32
        assert not lines.exists()
        assert number(LocalStore(root), "b") == "2"

    def test_a_writer_takes_them_over(self, store: Store, lines: Path) -> None:
        create(store, "c", b"3", n="3")
        assert [number(store, key) for key in "abc"] == ["1", "2", "3"]
        assert not lines.exists()

    def test_half_a_line_of_a_killed_writer(self, root: Path, lines: Path, journal: Path) -> None:
        whole = lines.read_bytes()
        for length in range(len(whole.splitlines()[0]) + 1, len(whole) - 1):
            lines.write_bytes(whole[:length])
            fresh = LocalStore(root)
            assert (number(fresh, "a"), number(fresh, "b")) == ("1", None)
            fresh.close()
            journal.unlink()

    @pytest.mark.parametrize(
        "line",
        [
            b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"k":1,"v":"1-1-1"}', b'{"k":"a"}',
            b'{"k":"a","v":5}', b'{"k":"a","v":"no version"}', b'{"k":"a","v":"1-1-1","m":[]}',
            b'{"k":"a","v":"1-1-1","m":{"n":1}}', b'{"k":"a","v":"1-1-1","h":1}', b"[" * 100_000,
            b'{"k":"a","v":"1-1-1","m":{"n":"\\ud800"}}', b'{"k":"\\ud800","v":"1-1-1"}',
            b"x" * 3_000_000,
        ],
        ids=lambda line: repr(line[:30]),
    )  # fmt: skip
    def test_lines_that_nobody_can_read(self, store: Store, lines: Path, line: bytes) -> None:
        lines.write_bytes(line + b"\n" + lines.read_bytes())
        assert [number(store, key) for key in keys(store)] == ["1", "2"]

    def test_only_the_last_versions_count(self, store: Store, root: Path, lines: Path) -> None:
        later = f"{time.time_ns() + 10**12}-1-1"
        version = version_of((root / "a").stat())
        with lines.open("a") as file:
            file.write(json.dumps({"k": "a", "v": later, "o": version, "m": {"n": "9"}}) + "\n")
            file.write('{"k":"gone","o":"5-1-1"}\n')
        assert number(store, "a") == "1"
        written = store.write("a", b"1", replaces=version, metadata={"n": "3"})
        assert int(written.split("-")[0]) > int(later.split("-")[0]), "a noted time is not repeated"


def test_it_does_not_grow_with_the_number_of_saves(store: Store, root: Path, journal: Path) -> None:
    other = LocalStore(root)
    create(store, "untouched", b"", n="old")
    create(store, ".hidden", b"", n="hidden")
    store.delete("gone", version=create(store, "gone", b""))
    version = create(store, "a", b"", n="0")
    for count in range(1, 200):
        version = store.write("a", b"", replaces=version, metadata={"n": str(count)})
        if count % 50 == 0:
            assert number(other, "a") == str(count)
    assert rows(journal) == 5
    for reader in (store, other, LocalStore(root)):
        assert keys(reader) == [".hidden", "a", "untouched"]
        assert [number(reader, key) for key in keys(reader)] == ["hidden", "199", "old"]


def test_hidden_names_are_listed_only_if_labeler_wrote_them(store: Store, root: Path) -> None:
    create(store, ".ours/a/b", b"")
    create(store, ".ours0", b"")
    for name in (".ours/theirs", ".our", ".oursz", ".theirs/a"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    assert keys(store) == [".ours/a/b", ".ours/theirs", ".ours0"]


def test_more_notes_than_are_looked_up_one_by_one(store: Store, root: Path) -> None:
    made = {f"a/{count:03}": str(count) for count in range(120)}
    for key, count in made.items():
        create(store, key, b"", n=count)
    (root / "a/050").write_bytes(b"edited")
    made["a/050"] = ""
    listed = {info.key: info.metadata.get("n", "") for info in store.list().objects}
    scanned = {found.key: found.note for found in store.scan("a/", note="n")}
    assert listed == scanned == made


def test_what_a_killed_writer_noted_does_not_hide_the_state_there_is(
    store: Store, root: Path, journal: Path
) -> None:
    version = create(store, "a", b"1", n="1")
    later = time.time_ns() + 10**12
    with contextlib.closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute(
            "INSERT INTO notes VALUES ('a', ?, ?, '')", (f"{later}-1-1", json.dumps({"n": "2"}))
        )
    assert number(store, "a") == number(LocalStore(root), "a") == "1"
    version = store.write("a", b"1", replaces=version, metadata={"n": "3"})
    assert int(version.split("-")[0]) > later, "what was noted is never given again"


def test_a_journal_that_is_removed_while_stores_are_open(
    store: Store, root: Path, journal: Path
) -> None:
    create(store, "a", b"1", n="1")
    assert number(store, "a") == "1"
    journal.unlink()
    assert number(store, "a") is None
    version = create(store, "c", b"3", n="3")
    assert number(store, "c") == "3"
    store.write("c", b"3", replaces=version, metadata={"n": "4"})
    assert number(LocalStore(root), "c") == "4"


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000], ids=["empty", "text"])
@pytest.mark.parametrize("opened", [True, False], ids=["open", "closed"])
def test_a_journal_that_is_no_database_is_set_aside(
    store: Store, root: Path, journal: Path, content: bytes, opened: bool
) -> None:
    version = create(store, "a", b"1", n="1")
    if not opened:
        store.close()
    other = journal.with_name("other")
    other.write_bytes(content)
    other.rename(journal)
    assert keys(store) == ["a"]
    assert number(store, "a") is None
    store.write("a", b"2", replaces=version, metadata={"n": "2"})
    assert number(store, "a") == number(LocalStore(root), "a") == "2"
    assert journal.with_name("damaged-journal.sqlite").exists()


def test_a_damaged_page(store: Store, root: Path, journal: Path) -> None:
    for count in range(200):
        create(store, f"a/{count:03}", b"", n=str(count), long="x" * 100)
    store.close()
    with journal.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 30_000)
    assert len(keys(store)) == 200
    create(store, "b", b"", n="1")
    assert number(LocalStore(root), "b") == "1"


def test_a_child_process_that_inherits_an_open_store(store: Store, root: Path) -> None:
    create(store, "a", b"1", n="1")
    assert number(store, "a") == "1"
    child = os.fork()
    if not child:
        with contextlib.suppress(Exception):
            create(store, "b", b"2", n=str(number(store, "a")) + "!")
            store.close()
        os._exit(0)
    os.waitpid(child, 0)
    create(store, "c", b"3", n="3")
    for reader in (store, LocalStore(root)):
        assert [number(reader, key) for key in "abc"] == ["1", "1!", "3"]


def test_an_external_edit_undone_has_its_metadata_again(store: Store, root: Path) -> None:
    create(store, "a", b"1", n="1")
    (root / "a").rename(root / "kept")
    (root / "a").write_bytes(b"other")
    assert number(store, "a") is None
    (root / "kept").rename(root / "a")
    assert number(store, "a") == "1"
