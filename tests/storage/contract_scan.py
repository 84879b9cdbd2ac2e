"""The contract of Store.scan."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labeler.storage import Scanned, Store, list_all

from .contract_list import ListContract
from .support import create


def listed(store: Store, prefix: str, note: str) -> list[Scanned]:
    """What a scan has to give, by the listing; all MD5s."""
    return [
        Scanned(one.key, one.version, one.size, one.md5 or "", one.metadata.get(note, ""))
        for one in list_all(store, prefix)
    ]


def compare(found: Sequence[Scanned], expected: Sequence[Scanned]) -> None:
    assert [one._replace(md5="") for one in found] == [one._replace(md5="") for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.md5 in ("", other.md5)


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
