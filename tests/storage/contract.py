"""What every Store does: the contract of labeler/storage/base.py, line by line.

A test module runs it on every backend of conftest.py by a subclass named Test...
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from labeler.errors import InvalidRequest, NotFound, VersionConflict
from labeler.storage import ABSENT, MAX_KEY_BYTES, MAX_METADATA_BYTES, MAX_PARTS, Store

from .contract_list import ListContract
from .contract_many import ManyContract
from .contract_model import ModelContract
from .contract_scan import ScanContract
from .support import MIB, NOBODYS, create, keys

GOOD_KEYS = (
    "a",
    "annotations/a1b2c3.json",
    "uploads/صورة الشارع ١.jpg",
    "uploads/街景.jpg",
    "uploads/😀👩‍👩‍👧.png",
    "uploads/crème brûlée.png",
    "uploads/two  spaces .jpg",
    " leading and trailing ",
    "quote\"s'and`ticks.jpg",
    "100%.jpg",
    "%2F%2e%2e%00.jpg",
    "a+b&c=d.jpg",
    "query?x=1#fragment.jpg",
    "semi;colon,comma|pipe<less>more*star\\back",
    "dots...in..names.",
    "~tilde",
    "-dash",
    "[brackets]/{braces}",
    "http:colon",
    "uploads/.hidden.jpg",
    ".hidden/file.json",
    "a.labeler/b",
    "deep/" * 20 + "file",
    "/".join(["x" * 200] * 5),
)

BAD_KEYS = (
    "",
    "/",
    "/absolute",
    "trailing/",
    "double//slash",
    ".",
    "..",
    "a/./b",
    "a/../b",
    "../outside",
    "a/..",
    "new\nline",
    "nul\0",
    "tab\t",
    "delete\x7f",
    ".labeler",
    ".labeler/journal.sqlite",
    ".LABELER/x",
    "uploads/.labeler/x",
    ".labeler-x",
    "cafe\u0301.jpg",
    "lone\ud800surrogate",
    "x" * (MAX_KEY_BYTES + 1),
    "é" * (MAX_KEY_BYTES // 2 + 1),
)


class KeyContract:
    """Keys: what is one, and what is refused."""

    @pytest.mark.parametrize("key", GOOD_KEYS)
    def test_a_good_key_is_written_read_listed_and_deleted(self, store: Store, key: str) -> None:
        version = create(store, key, b"bytes", by="ana")
        data, info = store.read(key)
        assert (data, info.key, info.version) == (b"bytes", key, version)
        assert list(store.list().objects) == [info] == list(store.list(key).objects)
        assert list(store.read_many([key])) == [(key, b"bytes", version)]
        store.delete(key, version=version)
        assert store.list().objects == ()

    @pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
    def test_a_bad_key_is_refused_by_every_call(self, store: Store, key: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: store.read(key),
            lambda: list(store.read_many([key])),
            lambda: store.info(key),
            lambda: store.open(key).__enter__(),
            lambda: create(store, key),
            lambda: store.write(key, b"", replaces=NOBODYS),
            lambda: store.delete(key, version=NOBODYS),
        ]
        for call in calls:
            with pytest.raises(InvalidRequest):
                call()
        assert store.list().objects == ()

    def test_the_longest_key(self, store: Store) -> None:
        key = "/".join(["é" * 64] * 8)[: MAX_KEY_BYTES // 2]
        key += "x" * (MAX_KEY_BYTES - len(key.encode()))
        assert len(key.encode()) == MAX_KEY_BYTES
        create(store, key, b"1")
        assert store.read(key)[0] == b"1"
        assert keys(store) == [key]


class WriteContract:
    """Every write names what it replaces."""

    def test_a_new_object_is_read_as_written(self, store: Store) -> None:
        version = create(store, "a/b.json", b"{}", status="done")
        data, info = store.read("a/b.json")
        assert data == b"{}"
        assert info.version == version
        assert info.size == 2
        assert info.metadata == {"status": "done"}
        assert info.updated.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - info.updated) < timedelta(minutes=5)

    def test_the_md5_of_what_the_store_wrote_is_known(self, store: Store) -> None:
        create(store, "a", b"some bytes")
        expected = hashlib.md5(b"some bytes").hexdigest()
        for info in (store.info("a"), store.read("a")[1], store.list().objects[0]):
            assert info.md5 == expected

    def test_read_info_and_list_agree(self, store: Store) -> None:
        create(store, "a", b"bytes", status="in_progress", editor="زينب")
        assert store.read("a")[1] == store.info("a") == store.list().objects[0]

    def test_creating_twice_is_a_conflict_and_changes_nothing(self, store: Store) -> None:
        version = create(store, "a", b"first", by="ana")
        for data in (b"second", b"", b"first"):
            with pytest.raises(VersionConflict):
                create(store, "a", data, by="ben")
        assert store.read("a") == (b"first", store.info("a"))
        assert store.info("a").version == version
        assert store.info("a").metadata == {"by": "ana"}

    def test_replacing_gives_a_new_version(self, store: Store) -> None:
        first = create(store, "a", b"first", by="ana")
        second = store.write("a", b"second", replaces=first, metadata={"by": "ben"})
        assert first != second
        data, info = store.read("a")
        assert (data, info.version, info.metadata) == (b"second", second, {"by": "ben"})

    def test_a_write_without_metadata_drops_the_old(self, store: Store) -> None:
        first = create(store, "a", b"first", by="ana")
        store.write("a", b"second", replaces=first)
        assert store.info("a").metadata == {}

    def test_objects_are_joined(self, store: Store) -> None:
        pieces = [bytes([number]) * size for number, size in enumerate((3, 0, MIB + 1, 1))]
        for number, piece in enumerate(pieces):
            create(store, f"parts/{number}", piece)
        names = [f"parts/{number}" for number in (0, 1, 2, 3, 0)]
        version = store.compose(
            "whole", names, replaces=ABSENT, metadata={"by": "ana ✓"}, content_type="text/plain"
        )
        data, info = store.read("whole")
        assert data == b"".join([*pieces, pieces[0]])
        assert (info.version, info.size, info.metadata) == (version, len(data), {"by": "ana ✓"})
        with store.open("whole") as chunks:
            assert b"".join(chunks) == data
        with pytest.raises(VersionConflict):
            store.compose("whole", names, replaces=ABSENT)
        assert store.compose("whole", names[:1], replaces=version) != version
        assert store.read("whole")[0] == pieces[0]
        assert [store.read(f"parts/{number}")[0] for number in range(4)] == pieces

    def test_what_can_not_be_joined_changes_nothing(self, store: Store) -> None:
        create(store, "part", b"1")
        with pytest.raises(NotFound):
            store.compose("whole", ["part", "missing"], replaces=ABSENT)
        for parts in ([], ["part"] * (MAX_PARTS + 1), ["part", "../x"]):
            with pytest.raises(InvalidRequest):
                store.compose("whole", parts, replaces=ABSENT)
        with pytest.raises(NotFound):
            store.info("whole")

    def test_a_stale_version_is_a_conflict_and_changes_nothing(self, store: Store) -> None:
        first = create(store, "a", b"first")
        second = store.write("a", b"second", replaces=first)
        for stale in (first, NOBODYS):
            with pytest.raises(VersionConflict):
                store.write("a", b"third", replaces=stale)
        data, info = store.read("a")
        assert (data, info.version) == (b"second", second)

    def test_replacing_what_is_not_there_is_a_conflict(self, store: Store) -> None:
        with pytest.raises(VersionConflict):
            store.write("a", b"bytes", replaces=NOBODYS)
        version = create(store, "a")
        store.delete("a", version=version)
        with pytest.raises(VersionConflict):
            store.write("a", b"bytes", replaces=version)
        assert store.list().objects == ()

    def test_the_same_bytes_again_are_a_new_version(self, store: Store) -> None:
        versions = [create(store, "a", b"same")]
        for _ in range(30):
            versions.append(store.write("a", b"same", replaces=versions[-1]))
        assert len(set(versions)) == len(versions)

    def test_a_deleted_object_made_again_never_repeats_a_version(self, store: Store) -> None:
        seen = set()
        for _ in range(20):
            version = create(store, "a", b"same")
            assert version not in seen
            seen.add(version)
            store.delete("a", version=version)

    def test_versions_are_of_one_object(self, store: Store) -> None:
        version = create(store, "a", b"1")
        create(store, "b", b"2")
        with pytest.raises(VersionConflict):
            store.write("b", b"3", replaces=version)

    @pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3])
    def test_any_size_from_bytes_and_streams(self, store: Store, size: int) -> None:
        data = bytes(itertools.islice(itertools.cycle(range(251)), size))
        create(store, "bytes", data)
        stream = io.BytesIO(data)
        stream.seek(size // 2)  # the whole stream is meant, wherever it stands
        store.write("stream", stream, replaces=ABSENT)
        _check_bytes(store, "bytes", data)
        _check_bytes(store, "stream", data)

    def test_a_stream_that_fails_leaves_what_was_there(self, store: Store) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell() >= MIB:
                    raise RuntimeError("the sender is gone")
                return super().read(size)

        version = create(store, "a", b"first")
        for key, replaces in (("a", version), ("new", ABSENT)):
            with pytest.raises(RuntimeError):
                store.write(key, Broken(bytes(3 * MIB)), replaces=replaces)
        assert store.read("a")[0] == b"first"
        assert keys(store) == ["a"]


def _check_bytes(store: Store, key: str, data: bytes) -> None:
    read, info = store.read(key)
    assert read == data
    assert (info.size, info.md5) == (len(data), hashlib.md5(data).hexdigest())
    with store.open(key) as chunks:
        parts = list(chunks)
    assert b"".join(parts) == data
    assert all(0 < len(part) <= MIB for part in parts)


class MetadataContract:
    """Custom strings that travel with the object."""

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " spaces ",
            "سارة",
            "😀",
            'quote"\\',
            "line\nbreak",
            "a,b;c=d",
            "%41",
            "é",
            "=?utf-8?Q?",
        ],
        ids=ascii,
    )
    def test_any_text_comes_back(self, store: Store, value: str) -> None:
        create(store, "a", b"", editor=value, other="x")
        expected = {"editor": value, "other": "x"}
        assert store.info("a").metadata == expected
        assert store.read("a")[1].metadata == expected
        assert store.list().objects[0].metadata == expected

    def test_as_much_as_is_allowed(self, store: Store) -> None:
        metadata = {"a": "é" * 2000, "b-1_": "x" * (MAX_METADATA_BYTES - 4000 - len("ab-1_"))}
        version = store.write("a", b"", replaces=ABSENT, metadata=metadata)
        assert store.info("a").metadata == metadata
        metadata["b-1_"] += "x"
        with pytest.raises(InvalidRequest):
            store.write("a", b"", replaces=version, metadata=metadata)

    @pytest.mark.parametrize(
        "metadata",
        [{"Upper": "x"}, {"": "x"}, {"a b": "x"}, {"é": "x"}, {"a": "x" * MAX_METADATA_BYTES},
         {"a": "\ud800"}, {"a\n": "x"}],
        ids=lambda value: ascii(value)[:20],
    )  # fmt: skip
    def test_bad_metadata_is_refused(self, store: Store, metadata: dict[str, str]) -> None:
        with pytest.raises(InvalidRequest):
            store.write("a", b"", replaces=ABSENT, metadata=metadata)
        assert store.list().objects == ()

    def test_the_callers_metadata_is_copied(self, store: Store) -> None:
        metadata = {"status": "done"}
        store.write("a", b"", replaces=ABSENT, metadata=metadata)
        metadata["status"] = "changed"
        assert store.info("a").metadata == {"status": "done"}


class ReadContract:
    """Reading: one state, or NotFound."""

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        create(store, "a/b")
        for key in ("missing", "a", "a/b/c", "a/bc", "a/B2"):
            with pytest.raises(NotFound):
                store.read(key)
            with pytest.raises(NotFound):
                store.info(key)
            with pytest.raises(NotFound), store.open(key):
                pytest.fail("NotFound comes on entering")
            with pytest.raises(NotFound):
                store.delete(key, version=NOBODYS)

    def test_open_gives_the_state_that_it_was_opened_in(self, store: Store) -> None:
        first, second = b"1" * 3 * MIB, b"2" * 3 * MIB
        version = create(store, "a", first)
        with store.open("a") as chunks:
            begun = next(chunks)
            store.write("a", second, replaces=version)
            assert begun + b"".join(chunks) == first
        with store.open("a") as chunks:
            assert b"".join(chunks) == second

    def test_open_may_be_left_early(self, store: Store) -> None:
        version = create(store, "a", bytes(3 * MIB))
        with store.open("a") as chunks:
            next(chunks)
        store.write("a", b"", replaces=version)

    def test_read_many_keeps_the_order_and_leaves_out_what_is_missing(self, store: Store) -> None:
        versions = {f"a/{n}": create(store, f"a/{n}", str(n).encode()) for n in range(50)}
        wanted = ["a/7", "missing", "a/3", "a/49", "a", "a/7", "a/0"]
        assert list(store.read_many(wanted)) == [
            (key, key[2:].encode(), versions[key]) for key in wanted if key in versions
        ]
        assert [key for key, _, _ in store.read_many(versions)] == list(versions)
        assert list(store.read_many([])) == []

    def test_read_many_takes_keys_as_it_goes(self, store: Store) -> None:
        for n in range(3000):
            if n % 1000 == 0:
                create(store, f"a/{n}", b"x")
        asked = 0

        def wanted() -> Iterator[str]:
            nonlocal asked
            for n in range(100_000):
                asked += 1
                yield f"a/{n % 3 * 1000}"

        reading = store.read_many(wanted())
        assert [next(reading)[0] for _ in range(4)] == ["a/0", "a/1000", "a/2000", "a/0"]
        assert asked < 50_000
        reading.close()  # type: ignore[attr-defined]


class LaterMetadataContract:
    """New metadata belongs to the state that it names, and changes nothing else."""

    def test_only_the_metadata_changes(self, store: Store) -> None:
        version = create(store, "a/b", b"x", by="ana", old="yes")
        store.set_metadata("a/b", {"by": "Zoë 😀", "new": ""}, version=version)
        data, info = store.read("a/b")
        assert (data, info.version) == (b"x", version)
        assert info.metadata == {"by": "Zoë 😀", "new": ""}
        assert info.md5 == hashlib.md5(b"x").hexdigest()
        assert [one.metadata for one in store.list().objects] == [info.metadata]
        assert store.info("a/b") == info

    def test_a_stale_version_changes_nothing(self, store: Store) -> None:
        first = create(store, "a", b"1", by="ana")
        second = store.write("a", b"2", replaces=first, metadata={"by": "bo"})
        for stale in (first, NOBODYS):
            with pytest.raises(VersionConflict):
                store.set_metadata("a", {"by": "eve"}, version=stale)
        assert store.info("a").metadata == {"by": "bo"}
        store.delete("a", version=second)
        with pytest.raises(NotFound):
            store.set_metadata("a", {"by": "eve"}, version=second)
        assert store.list().objects == ()

    def test_a_later_write_has_its_own(self, store: Store) -> None:
        version = create(store, "a", b"1")
        store.set_metadata("a", {"by": "ana"}, version=version)
        later = store.write("a", b"2", replaces=version)
        assert later != version
        assert store.info("a").metadata == {}
        store.delete("a", version=later)
        assert create(store, "a", b"1") not in (version, later)

    def test_bad_names_and_keys_are_rejected(self, store: Store) -> None:
        version = create(store, "a", b"1", by="ana")
        for bad in ({"UPPER": "x"}, {"a": "x" * 5000}, {"a": "\ud800"}):
            with pytest.raises(InvalidRequest):
                store.set_metadata("a", bad, version=version)
        with pytest.raises(InvalidRequest):
            store.set_metadata("../a", {}, version=version)
        assert store.info("a").metadata == {"by": "ana"}
        store.set_metadata("a", {}, version=version)
        assert store.info("a").metadata == {}


class DeleteContract:
    """A delete names the state that it removes."""

    def test_a_deleted_object_is_gone(self, store: Store) -> None:
        version = create(store, "a/b", b"x", by="ana")
        store.delete("a/b", version=version)
        with pytest.raises(NotFound):
            store.read("a/b")
        assert store.list().objects == ()
        assert list(store.read_many(["a/b"])) == []

    def test_deleting_twice_is_not_found(self, store: Store) -> None:
        version = create(store, "a")
        store.delete("a", version=version)
        with pytest.raises(NotFound):
            store.delete("a", version=version)

    def test_a_stale_version_deletes_nothing(self, store: Store) -> None:
        first = create(store, "a", b"1")
        second = store.write("a", b"2", replaces=first)
        with pytest.raises(VersionConflict):
            store.delete("a", version=first)
        assert store.info("a").version == second

    def test_a_deleted_objects_metadata_does_not_come_back(self, store: Store) -> None:
        version = create(store, "a", b"x", by="ana")
        store.delete("a", version=version)
        create(store, "a", b"x")
        assert store.info("a").metadata == {}

    def test_a_name_is_free_again_for_an_object_or_a_folder(self, store: Store) -> None:
        store.delete("a/b/c", version=create(store, "a/b/c"))
        store.delete("a", version=create(store, "a", b"now an object"))
        create(store, "a/b", b"a folder again")
        assert keys(store) == ["a/b"]


class StoreContract(
    KeyContract, WriteContract, MetadataContract, LaterMetadataContract, ReadContract,
    DeleteContract, ListContract, ManyContract, ModelContract, ScanContract,
):  # fmt: skip
    """All of it."""
