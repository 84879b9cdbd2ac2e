"""The cache beside a plain list of what was used last, and in many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from labeler.runtime.bounded_cache import BoundedCache


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.booleans())),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 10),
)
def test_what_was_used_last_is_kept_within_both_bounds(
    calls: list[tuple[int, int, bool]], max_items: int | None, max_size: int | None
) -> None:
    cache = BoundedCache[int, bytes](max_items=max_items, max_size=max_size, size_of=len)
    model: list[tuple[int, bytes]] = []  # used last at the end
    for key, size, is_read in calls:
        here = next((item for item in model if item[0] == key), None)
        if here:
            model.remove(here)
        if is_read:
            assert cache.get(key) == (here[1] if here else None)
            model += [here] if here else []
            continue
        model.append((key, bytes(size)))
        cache.put(key, bytes(size))
        while len(model) > 1 and (
            (max_items is not None and len(model) > max_items)
            or (max_size is not None and sum(len(data) for _, data in model) > max_size)
        ):
            del model[0]
        assert len(cache) == len(model)
    for key, data in model:
        assert cache.get(key) == data


def test_the_newest_value_stays_however_large_it_is() -> None:
    cache = BoundedCache[str, bytes](max_size=10, size_of=len)
    cache.put("small", bytes(5))
    cache.put("large", bytes(100))
    assert (cache.get("small"), cache.get("large")) == (None, bytes(100))
    cache.put("small", bytes(5))
    assert (cache.get("small"), cache.get("large")) == (bytes(5), None)


def test_falsy_values_are_values() -> None:
    cache = BoundedCache[str, bool](max_items=2)
    cache.put("is_image", False)
    assert cache.get("is_image") is False
    assert cache.get("other") is None


def test_room_follows_the_project_and_never_falls_below_the_bound() -> None:
    cache = BoundedCache[int, int](max_items=3)
    cache.make_room(10)
    for number in range(10):
        cache.put(number, number)
    assert len(cache) == 10
    cache.make_room(0)
    assert [number for number in range(10) if cache.get(number) is not None] == [7, 8, 9]


def test_many_threads_leave_it_within_its_bounds() -> None:
    cache = BoundedCache[int, bytes](max_items=7, max_size=50, size_of=len)

    def work(seed: int) -> None:
        for number in range(2000):
            key = (seed * 31 + number * 7) % 20
            data = cache.get(key)
            assert data is None or len(data) == key
            cache.put(key, bytes(key))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    kept = [data for key in range(20) if (data := cache.get(key)) is not None]
    assert len(kept) == len(cache) <= 7
    assert sum(map(len, kept)) <= 50


def test_a_dropped_value_leaves_its_room() -> None:
    cache = BoundedCache[str, str](max_size=4, size_of=len)
    cache.put("a", "xxx")
    cache.drop("a")
    cache.drop("never there")
    cache.put("b", "yy")
    cache.put("c", "zz")
    assert [cache.get(key) for key in "abc"] == [None, "yy", "zz"]
