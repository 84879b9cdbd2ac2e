"""The contract of Store.list."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.errors import InvalidRequest
from labeler.storage import Store

from .support import create, in_byte_order, keys


class ListContract:
    """Listing: by prefix, in byte order, page by page."""

    def test_an_empty_store(self, store: Store) -> None:
        page = store.list()
        assert (page.objects, page.next) == ((), None)
        assert list(store.list("any/prefix", after="x").objects) == []

    NAMES = (
        "a", "a-b", "a.json", "a/", "a0", "b/c/d", "b/c.d", "b/c/", "b/cc", "b/", "C", "é", "z",
        "zz", "字", "😀", "\uffee", "a b", "a!b", "a/b/c/d/e/f", "a/b.c", "a/b-c", "a~", "aa/a",
    )  # fmt: skip

    @classmethod
    def fill(cls, store: Store) -> list[str]:
        """Objects whose names try the order; what ends in / gets a file in that folder."""
        names = {name + "x" if name.endswith("/") else name for name in cls.NAMES} - {"a"}
        for name in names:
            create(store, name, name.encode())
        return in_byte_order(names)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
    def test_pages_of_any_size_give_all_in_byte_order(self, store: Store, limit: int) -> None:
        expected = self.fill(store)
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            page = store.list(after=after, limit=limit)
            assert len(page.objects) <= limit
            found += [info.key for info in page.objects]
            after = page.next
        assert found == expected

    def test_prefixes_need_not_end_at_a_slash(self, store: Store) -> None:
        names = self.fill(store)
        prefixes = {name[:length] for name in names for length in range(len(name) + 1)}
        odd = {"nothing", "a//", "/", "//", "..", "../", "a/../", "./", "b/c/d/", ".", "\0", "a\0/"}
        odd |= {"x" * 300 + "/", "a.json/", "a.json/x", ".labeler/", "y" * 2000 + "/"}
        for prefix in prefixes | odd:
            expected = [name for name in names if name.startswith(prefix)]
            assert [info.key for info in store.list(prefix).objects] == expected, prefix

    def test_after_is_a_place_and_need_not_be_a_key(self, store: Store) -> None:
        names = self.fill(store)
        places = [*names, *(name + "\0" for name in names), *(name[:-1] for name in names)]
        places += ["a/", "b/c", "b/c/", "b", "b0", "\U0010ffff", "a/b/c/d"]
        for after, prefix in itertools.product(places, ("", "a", "a/b", "b/c/", "z")):
            expected = [
                name for name in names if name.startswith(prefix) and name.encode() > after.encode()
            ]
            found = [info.key for info in store.list(prefix, after=after).objects]
            assert found == expected, (prefix, after)

    def test_more_than_a_thousand_objects(self, store: Store) -> None:
        names = [f"a/{n:04}.json" for n in range(1203)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: create(store, name, name.encode(), n=name[2:6]), names))
        first = store.list("a/")
        assert len(first.objects) == 1000
        assert first.next is not None
        second = store.list("a/", after=first.next)
        assert second.next is None
        found = [*first.objects, *second.objects]
        assert [(info.key, info.metadata) for info in found] == [
            (name, {"n": name[2:6]}) for name in names
        ]
        assert [info.key for info in store.list("a/", limit=1000).objects] == names[:1000]
        assert keys(store, "a/12") == names[1200:]

    def test_a_last_page_that_is_just_full_is_the_last(self, store: Store) -> None:
        for n in range(4):
            create(store, f"a/{n}")
        create(store, "b")
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = store.list("a/", after=after, limit=2)
            assert page.objects, "a page after the last one"
            seen += [info.key for info in page.objects]
            after = page.next
        assert seen == ["a/0", "a/1", "a/2", "a/3"]

    def test_a_page_shows_what_was_written_since_the_last(self, store: Store) -> None:
        for n in range(10):
            create(store, f"a/{n}")
        page = store.list(limit=5)
        assert page.next is not None
        create(store, "a/41")
        create(store, "a/95")
        store.delete("a/7", version=store.info("a/7").version)
        rest = [info.key for info in store.list(after=page.next).objects]
        assert rest == ["a/41", "a/5", "a/6", "a/8", "a/9", "a/95"]

    @pytest.mark.parametrize("limit", [0, -1, 1001])
    def test_an_impossible_limit_is_refused(self, store: Store, limit: int) -> None:
        with pytest.raises(InvalidRequest):
            store.list(limit=limit)
