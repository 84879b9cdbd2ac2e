"""What the API answers before all images of a large project are listed for the first time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler.project import store_index
from labeler.project.image_listing import ImageListing
from tests.api.conftest import Open
from tests.api.support import Api, refused
from tests.waiting import settled

NAMES = ["a.png", "b.png", "c.png", "d.png", "e.png"]
Cold = Callable[[], Api]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when the first listing of a project, which takes long, may end."""
    event = threading.Event()
    list_all = ImageListing.list

    def slow(self: ImageListing, *args: Any) -> Any:
        event.wait(60)
        return list_all(self, *args)

    monkeypatch.setattr(store_index, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(ImageListing, "list", slow)
    yield event
    event.set()


@pytest.fixture
def cold(open_api: Open, tmp_path: Path, listed: threading.Event) -> Cold:
    """Opens a server that has begun to list; the project has one image with a document alone."""

    def start() -> Api:
        listed.set()
        warm = open_api()
        for name in NAMES:
            warm.drop(name)
        done = warm.image("a0.png")
        warm.save(done, status="done")
        (warm.folder / "uploads" / "a0.png").unlink()
        listed.clear()
        api = open_api(tmp_path / "data")
        assert not api.project.image_index.is_listed(0)
        return api

    return start


def names(answer: Any) -> list[str]:
    return [image["image_path"] for image in answer["images"]]


def get(api: Api, query: str) -> Any:
    answer = api.client.get(f"/api/images?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_first_page_comes_before_all_are_listed(cold: Cold, listed: threading.Event) -> None:
    api = cold()
    for query in ("offset=0&limit=2", "offset=0&limit=2&status=unlabeled&find=png"):
        page = get(api, query)
        assert names(page) == ["a.png", "b.png"]
        assert (page["total"], page["index"], page["found"]) == (None, 0, 0)
    assert names(get(api, "offset=0&limit=2&status=done")) == []
    listed.set()
    assert settled(lambda: api.project.image_index.is_listed(0))
    page = get(api, "offset=0&limit=2")
    assert (names(page), page["total"]) == (["a.png", "a0.png"], 6)
    assert "found" not in page


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_who_reads_on_gets_every_image_once(
    cold: Cold, listed: threading.Event, limit: int
) -> None:
    api = cold()
    page = get(api, f"limit={limit}")
    met, places = names(page), [page["next"]]
    refused(api.client.get(f"/api/images?limit={limit}&after={places[0]}"), 503, "still_listing")
    listed.set()
    assert settled(lambda: api.project.image_index.is_listed(0))
    while places[-1]:
        page = get(api, f"limit={limit}&after={places[-1]}")
        met += names(page)
        places.append(page["next"])
    assert met == [*NAMES[:limit], "a0.png", *NAMES[limit:]]


def test_the_neighbors_of_one_of_the_first_images(cold: Cold, listed: threading.Event) -> None:
    api = cold()
    ids = [image["image_id"] for image in get(api, "limit=5")["images"]]
    page = get(api, f"around={ids[1]}&limit=3")
    assert names(page) == NAMES[:3]
    assert (page["index"], page["total"], page["previous"]) == (None, None, None)
    assert page["next"]
    done = get(api, f"around={ids[1]}&limit=3&status=done")
    assert names(done) == ["b.png"], "itself, whether it matches or not"
    refused(api.client.get(f"/api/images?around={ids[4]}&limit=3"), 503, "still_listing")


@pytest.mark.parametrize(
    "path",
    [
        "/api/images?offset=60",
        "/api/images?offset=0&sort=-saved",
        "/api/images?label=car",
        "/api/images?warning=tiny",
        "/api/images/" + "0" * 32,
        "/api/annotations/" + "0" * 32,
        "/api/statistics?by=status",
        "/api/crops?label=car",
        "/api/claims?order=newest",
    ],
)
def test_what_needs_all_images_says_that_they_are_being_listed(cold: Cold, path: str) -> None:
    answer = cold().client.get(path)
    refused(answer, 503, "still_listing")
    assert "The images are still being listed (0 so far)" in answer.text
    assert answer.headers["Retry-After"] == "2"


def test_claims_begin_with_the_first_images(cold: Cold, monkeypatch: pytest.MonkeyPatch) -> None:
    api = cold()
    monkeypatch.setattr("labeler.project.claims._FIRST", 3)
    first = [image["image_id"] for image in get(api, "limit=5")["images"]]

    def claim(tab: str, **fields: str) -> Any:
        return api.client.post("/api/claims", json=fields, headers={"X-Labeler-Client": tab})

    assert claim("1", after=first[1]).json()["image_id"] == first[2]
    assert [claim(tab).json()["image_id"] for tab in "23"] == first[:2]
    for order in ("returned", "newest", "random"):
        refused(claim("4", order=order), 503, "still_listing")
    renewed = api.client.put(f"/api/claims/{first[2]}", headers={"X-Labeler-Client": "1"})
    assert renewed.status_code == 200
    ahead = api.client.get("/api/claims?limit=2", headers={"X-Labeler-Client": "1"})
    refused(ahead, 503, "still_listing")


def test_a_place_that_no_page_named_is_refused(api: Api) -> None:
    refused(api.client.get("/api/images?after=~_w=="), 400, "bad_request")
