"""The folder store's journal: metadata beside the files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from labeler.storage import RESERVED, Store
from labeler.storage.local import LocalStore

from .support import create, keys


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(root: Path) -> Store:
    return LocalStore(root)


@pytest.fixture
def journal(root: Path) -> Path:
    return root / RESERVED / "journal.jsonl"


def number(store: Store, key: str) -> str | None:
    return store.info(key).metadata.get("n")


def test_half_a_line_of_a_killed_writer(store: Store, root: Path, journal: Path) -> None:
    create(store, "a", b"1", n="1")
    create(store, "b", b"2", n="2")
    whole = journal.read_bytes()
    for length in range(len(whole.splitlines()[0]) + 1, len(whole)):
        journal.write_bytes(whole[:length])
        fresh = LocalStore(root)
        assert number(fresh, "a") == "1"
        assert number(fresh, "b") in (None, "2")
        key = f"c{length}"
        create(fresh, key, b"3", n="3")
        for reader in (fresh, LocalStore(root)):
            assert (number(reader, "a"), number(reader, key)) == ("1", "3")


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"k":1,"v":"1-1-1"}', b'{"k":"a"}',
        b'{"k":"a","v":5}', b'{"k":"a","v":"no version"}', b'{"k":"a","v":"1-1-1","m":[]}',
        b'{"k":"a","v":"1-1-1","m":{"n":1}}', b'{"k":"a","v":"1-1-1","h":1}', b"[" * 100_000,
        b'{"k":"a","v":"1-1-1","m":{"n":"\\ud800"}}', b'{"k":"\\ud800","v":"1-1-1"}',
    ],
    ids=lambda line: repr(line[:30]),
)  # fmt: skip
def test_lines_that_nobody_can_read(store: Store, root: Path, journal: Path, line: bytes) -> None:
    create(store, "b", b"2", n="2")
    with journal.open("ab") as file:
        file.write(line + b"\n")
    version = create(store, "a", b"1", n="1")
    for reader in (store, LocalStore(root)):
        assert (number(reader, "a"), number(reader, "b")) == ("1", "2")
        assert keys(reader) == ["a", "b"]
    store.write("a", b"2", replaces=version)


def test_a_journal_of_many_megabytes(store: Store, root: Path, journal: Path) -> None:
    """It is read in blocks; lines that are longer than one are nobody's, or half a line."""
    create(store, "a", b"1", n="1")
    gone = b'{"k":"gone","v":"1-1-1"}\n' * 100_000
    with journal.open("ab") as file:
        file.write(gone + b"x" * 3_000_000 + b"\n")
    create(store, "b", b"2", n="2")
    with journal.open("ab") as file:
        file.write(gone + b"x" * 3_000_000)
    fresh = LocalStore(root)
    assert [number(fresh, key) for key in "ab"] == ["1", "2"]
    create(fresh, "c", b"3", n="3")
    for reader in (store, LocalStore(root)):
        assert [number(reader, key) for key in "abc"] == ["1", "2", "3"]


def test_it_does_not_grow_with_the_number_of_saves(store: Store, root: Path, journal: Path) -> None:
    other = LocalStore(root)
    create(store, "untouched", b"", n="old")
    create(store, ".hidden", b"", n="hidden")
    store.delete("gone", version=create(store, "gone", b""))
    version = create(store, "a", b"", n="0")
    sizes = []
    for count in range(1, 700):
        version = store.write("a", b"", replaces=version, metadata={"n": str(count)})
        if count % 50 == 0:
            sizes.append(len(journal.read_bytes().splitlines()))
            assert number(other, "a") == str(count)
    assert max(sizes) < 400
    for reader in (store, other, LocalStore(root)):
        assert keys(reader) == [".hidden", "a", "untouched"]
        assert [number(reader, key) for key in keys(reader)] == ["hidden", "699", "old"]


def test_what_a_killed_writer_noted_does_not_hide_the_state_there_is(
    store: Store, root: Path, journal: Path
) -> None:
    version = create(store, "a", b"1", n="1")
    later = time.time_ns() + 10**12
    line = {"k": "a", "v": f"{later}-1-1", "o": version, "m": {"n": "2"}}
    with journal.open("a") as file:
        file.write(json.dumps(line) + "\n")
    other = create(store, "b", b"")
    for _ in range(400):
        other = store.write("b", b"", replaces=other)
    assert len(journal.read_bytes().splitlines()) < 400, "the journal was not made shorter"
    assert number(store, "a") == number(LocalStore(root), "a") == "1"
    version = store.write("a", b"1", replaces=version, metadata={"n": "3"})
    assert int(version.split("-")[0]) > later, "what was noted is never given again"


def test_a_shortened_journal(store: Store, root: Path, journal: Path) -> None:
    create(store, "a", b"1", n="1")
    create(store, "b", b"2", n="2")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0])
    assert (number(store, "a"), number(store, "b")) == ("1", None)
    journal.unlink()
    assert (number(store, "a"), number(store, "b")) == (None, None)
    version = create(store, "c", b"3", n="3")
    assert number(store, "c") == "3"
    store.write("c", b"3", replaces=version, metadata={"n": "4"})
    assert number(LocalStore(root), "c") == "4"


def test_an_external_edit_taken_back_has_its_metadata_again(store: Store, root: Path) -> None:
    create(store, "a", b"1", n="1")
    (root / "a").rename(root / "kept")
    (root / "a").write_bytes(b"other")
    assert number(store, "a") is None
    (root / "kept").rename(root / "a")
    assert number(store, "a") == "1"
