"""What a gallery asks for: filters, orders, boxes of many images, small copies that are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labeler.project.store_index import StoreIndex
from labeler.storage.local import LocalStore
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_reviews import LISTS, as_person
from tests.pictures import png


def listed(api: Api, **params: Any) -> list[str]:
    answer = api.client.get("/api/images", params={"offset": 0, **params})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["total"] >= len(found["images"]), found
    return [image["image_path"] for image in found["images"]]


@pytest.fixture
def team(open_api: Open) -> Api:
    """Five images: two of lea's, one of ana's, one that nobody did, one that is empty."""
    api = as_person(open_api(None, None, LABELER_LABELS="car,dog", **LISTS), "lea")
    api.save(api.image("a.png"), rect(label="car"), rect(5, label="dog"), status="done")
    api.save(api.image("b.png"), *(rect(n, label="car") for n in range(1, 8)), status="done")
    api.drop("new.png")
    ana = as_person(api, "ana")
    ana.save(ana.image("c.png"), rect(label="dog"))
    ana.save(ana.image("empty.png"), status="done")
    return api


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["a.png", "b.png", "c.png", "empty.png", "new.png"]),
        ({"person": "LEA@example.com"}, ["a.png", "b.png"]),
        ({"person": "lea"}, []),
        ({"boxes": "0"}, ["empty.png", "new.png"]),
        ({"boxes": "1-2"}, ["a.png", "c.png"]),
        ({"boxes": "2-"}, ["a.png", "b.png"]),
        ({"status": "done", "label": "dog"}, ["a.png"]),
        ({"since": "2020-01-01"}, ["a.png", "b.png", "c.png", "empty.png"]),
        ({"until": "2020-01-01"}, []),
        ({"warning": "no_boxes"}, ["empty.png"]),
        ({"sort": "-name"}, ["new.png", "empty.png", "c.png", "b.png", "a.png"]),
        ({"sort": "boxes"}, ["empty.png", "new.png", "c.png", "a.png", "b.png"]),
        ({"sort": "-boxes", "limit": 2}, ["b.png", "a.png"]),
        ({"sort": "-saved", "boxes": "1-"}, ["c.png", "b.png", "a.png"]),
        ({"offset": 3}, ["empty.png", "new.png"]),
        ({"offset": 9}, []),
    ],
)
def test_filters_and_orders(team: Api, query: dict[str, Any], names: list[str]) -> None:
    assert listed(team, **query) == names


def test_a_day_includes_what_was_saved_on_it(team: Api) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert len(listed(team, since=today, until=today)) == 4


def test_the_filters_hold_for_the_other_pages_too(team: Api) -> None:
    found = team.client.get("/api/images", params={"person": "ana@example.com", "limit": 1}).json()
    assert [image["image_path"] for image in found["images"]] == ["c.png"]
    more = {"person": "ana@example.com", "after": found["next"]}
    found = team.client.get("/api/images", params=more).json()
    assert [image["image_path"] for image in found["images"]] == ["empty.png"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("boxes=x", "1-5"), ("boxes=-1", "1-5"), ("since=monday", "2026-05-31"),
        ("until=9999-12-31", "until"), ("warning=odd", "tiny"), ("sort=name", "offset"),
        ("offset=0&sort=size", "saved"), ("offset=-1", "offset"), ("offset=0&after=x", "Only one"),
        (f"person={'x' * 201}", "person"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense(api: Api, query: str, word: str) -> None:
    refused(api.client.get(f"/api/images?{query}"), 400, "bad_request", word)


def test_no_document_is_read_for_a_list(team: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_many(*_: Any) -> Any:
        raise AssertionError("a document was read")

    monkeypatch.setattr(LocalStore, "read_many", lambda _, keys: read_many() if list(keys) else ())
    assert listed(team, label="dog", sort="-saved") == ["c.png", "a.png"]
    assert listed(team, warning="tiny") == []
    counted = team.client.get("/api/statistics?by=warning").json()
    assert counted["counts"] == [
        {"warning": "edge", "images": 0, "rects": 0} | row for row in counted["counts"]
    ]


def test_what_is_worth_a_look(api: Api) -> None:
    api.project.labels.add(["car"])
    box = {"left": 5.0, "top": 5.0, "width": 20.0, "height": 20.0, "label": "car"}
    rects = {
        "fine": [box],
        "tiny": [box, box | {"left": 30.0, "width": 3.99}],
        "edge": [box | {"left": 0.0}],
        "duplicate": [box, box | {"left": 5.5, "id": "b"}],
        "unknown": [box | {"label": "ufo"}],
    }
    for name, some in rects.items():
        api.save(api.image(f"{name}.png"), *some, status="done")
    api.save(api.image("empty.png"), status="done")
    api.image("untouched.png")
    api.document_path(api.image("zz.png")).write_bytes(b"{")
    api.project.image_index.expire()
    for warning, name in {
        "tiny": "tiny", "edge": "edge", "duplicate": "duplicate", "unknown_label": "unknown",
        "no_boxes": "empty",
    }.items():  # fmt: skip
        assert listed(api, warning=warning) == [f"{name}.png"]
    found = api.client.get("/api/images", params={"offset": 0, "warning": "damaged"}).json()
    assert [image["problem"] for image in found["images"]] != [""]
    counts = api.client.get("/api/statistics?by=warning").json()["counts"]
    assert {row["warning"]: (row["images"], row["rects"]) for row in counts} == {
        "tiny": (1, 1), "edge": (1, 1), "duplicate": (1, 2), "unknown_label": (1, 1),
        "no_boxes": (1, 0), "damaged": (1, 0),
    }  # fmt: skip
    refused(api.client.get("/api/statistics?by=warning,label"), 400, "bad_request", "both")


def test_what_an_older_labeler_wrote_is_read_once(open_api: Open) -> None:
    api = open_api()
    for name in ("a", "b", "c"):
        path = api.document_path(api.image(f"{name}.png"))
        document = json.loads(path.read_bytes()) | {"rects": [rect(width=2.0)]}
        path.write_text(json.dumps(document))
    other = open_api(api.folder)
    assert listed(other, warning="tiny") == ["a.png", "b.png", "c.png"]
    found = other.project.image_index
    assert isinstance(found, StoreIndex)
    assert found._facts.read(other.project.list_images(), 0) == 0


# --- boxes --------------------------------------------------------------------------------


def test_boxes_of_many_images_in_one_answer(team: Api) -> None:
    images = {
        image["image_path"]: image["image_id"]
        for image in team.client.get("/api/images").json()["images"]
    }
    wanted = ",".join([images["a.png"], images["new.png"], images["c.png"], "0" * 32])
    found = team.client.get("/api/boxes", params={"images": wanted}).json()["images"]
    assert [(image["image_path"], len(image["rects"])) for image in found] == [
        ("a.png", 2),
        ("c.png", 1),
    ]
    document, tag = team.read(images["a.png"])
    assert (found[0]["etag"], found[0]["image_width"]) == (tag, document["image_width"])
    assert found[0]["rects"] == document["rects"]


def test_all_boxes_of_a_label_page_by_page(team: Api) -> None:
    def page(**params: Any) -> list[tuple[str, int]]:
        answer = team.client.get("/api/crops", params={"label": "CAR", **params}).json()
        assert (answer["total"], answer["unread"]) == (8, 0)
        return [(image["image_path"], len(image["rects"])) for image in answer["images"]]

    assert page() == [("a.png", 1), ("b.png", 7)]
    assert page(limit=3) == [("a.png", 1), ("b.png", 2)]
    assert page(offset=3, limit=60) == [("b.png", 5)]
    assert page(offset=8) == []


@pytest.mark.parametrize(
    "query",
    ["boxes", "boxes?images=..", "boxes?images=a,", "crops", "crops?label=car&limit=501",
     "crops?label=car&offset=x", f"boxes?images={','.join(['a'] * 201)}"],
)  # fmt: skip
def test_boxes_that_make_no_sense(api: Api, query: str) -> None:
    refused(api.client.get(f"/api/{query}"), 400, "bad_request")


def test_just_these_images_are_exported(team: Api, open_api: Open) -> None:
    admin = as_person(team, "ana")
    ids = [i["image_id"] for i in team.client.get("/api/images").json()["images"]]
    made = admin.client.post("/api/exports", json={"image": ids[:2]})
    assert made.status_code == 201, made.text
    assert (made.json()["images"], made.json()["annotations"]) == (2, 9)
    found = admin.client.get("/api/export/coco", params={"image": ids[2]}).json()
    assert [image["file_name"] for image in found["images"]] == ["c.png"]
    refused(admin.client.post("/api/exports", json={"image": ["../x"]}), 400, "bad_request", "ID")


# --- small copies -------------------------------------------------------------------------


def test_a_small_copy_is_made_once_and_goes_with_the_image(open_api: Open) -> None:
    api = open_api()
    image_id = api.image("large.png", png(700, 500))
    first = api.client.get(f"/api/images/{image_id}?width=256")
    kept = api.folder / "thumbnails" / image_id / "256"
    assert kept.read_bytes() == first.content
    # Another instance shows it without the original.
    other = open_api(api.folder)
    (api.folder / "uploads" / "large.png").rename(api.folder / "elsewhere")
    again = other.client.get(f"/api/images/{image_id}?width=256")
    assert (again.content, again.headers["Content-Type"]) == (first.content, "image/jpeg")
    (api.folder / "elsewhere").rename(api.folder / "uploads" / "large.png")
    # Widths that are not kept, and images that are small enough, leave nothing.
    api.client.get(f"/api/images/{image_id}?width=300")
    api.client.get(f"/api/images/{image_id}?width=8000")
    api.client.get(f"/api/images/{api.image('small.png')}?width=256")
    assert [path.name for path in (api.folder / "thumbnails").rglob("*") if path.is_file()] == [
        "256"
    ]
    headers = {"If-Match": "*"}
    assert api.client.delete(f"/api/images/{image_id}", headers=headers).status_code == 204
    assert not kept.exists()
    for asked in (api, other):
        asked.project.image_index.expire()
        asked.project.list_images()
        refused(asked.client.get(f"/api/images/{image_id}?width=256"), 410, "deleted")
