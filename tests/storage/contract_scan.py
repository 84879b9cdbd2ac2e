"""The contract of Store.scan."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labeler.storage import Scanned, Store, Version, list_all

from .contract_list import ListContract
from .support import create


def listed(store: Store, prefix: str, note: str) -> list[Scanned]:
    """What a scan has to give, by the listing; all MD5s."""
    return [
        Scanned(one.key, one.version, one.size, one.md5 or "", one.metadata.get(note, ""))
        if note
        else Scanned(one.key, one.version, 0, "", "")
        for one in list_all(store, prefix)
    ]


def compare(found: Sequence[Scanned], expected: Sequence[Scanned]) -> None:
    assert [one._replace(md5="") for one in found] == [one._replace(md5="") for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.md5 in ("", other.md5)


NAMES = ["a", "a b", "b/c", "b/d", "d", "é", "字"]


class ScanContract:
    """Scanning: what a listing gives, with less of each object."""

    def test_a_scan_of_nothing(self, store: Store) -> None:
        assert list(store.scan("")) == []
        assert list(store.scan("a/", note="n", splits=["a/b"])) == []

    @pytest.mark.parametrize("prefix", ["", "a", "a/", "b/c", "nothing/", "é"])
    @pytest.mark.parametrize("splits", [(), ("a/b",), ("b/c/d", "a", "zz", "字", "b/c", "b/c")])
    def test_it_gives_what_a_listing_gives(
        self, store: Store, prefix: str, splits: tuple[str, ...]
    ) -> None:
        ListContract.fill(store)
        compare(list(store.scan(prefix, splits=splits)), listed(store, prefix, ""))

    def test_it_gives_the_metadata_that_is_wanted(self, store: Store) -> None:
        create(store, "a/1", b"one", image_id="abc", other="x")
        create(store, "a/2", b"two", other="é %=")
        for note in ("image_id", "other"):
            compare(list(store.scan("a/", note=note)), listed(store, "a/", note))
        assert [one.note for one in store.scan("a/", note="other")] == ["x", "é %="]
        assert [one.note for one in store.scan("a/")] == ["", ""]

    @pytest.mark.parametrize("note", ["", "n"])
    @pytest.mark.parametrize("splits", [(), ("x/b", "x/é")])
    def test_what_is_known_is_left_out(
        self, store: Store, note: str, splits: tuple[str, ...]
    ) -> None:
        versions = {f"x/{name}": create(store, f"x/{name}", b"1", n=name) for name in NAMES}
        create(store, "y", b"1")
        assert list(store.scan("x/", note=note, splits=splits, known=versions)) == []
        store.write("x/b/c", b"22", replaces=versions["x/b/c"], metadata={"n": "new"})
        store.delete("x/é", version=versions["x/é"])
        store.delete("x/d", version=versions["x/d"])
        create(store, "x/0", b"333", n="first")
        expected = [one for one in listed(store, "x/", note) if one.key in ("x/0", "x/b/c")]
        expected += [Scanned(key, Version(""), 0, "", "") for key in ("x/d", "x/é")]
        compare(list(store.scan("x/", note=note, splits=splits, known=versions)), expected)
        assert [one.key for one in store.scan("x/", known={"x/gone": Version("1")})][-1] == "x/gone"
