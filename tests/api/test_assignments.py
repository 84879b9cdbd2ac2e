"""POST /api/annotations/{image_id}/assign, and what the queue and the lists make of it."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.pictures import png

TAB = {"X-Labeler-Client": "tab 1"}
ANA, BEN, KIM = (f"{name}@example.com" for name in ("ana", "ben", "kim"))


@pytest.fixture
def images(api: Api) -> list[str]:
    return [api.image(name) for name in ("a.png", "b.png", "c.png")]


def assign(api: Api, image_id: str, person: Any, state: str = "*") -> httpx.Response:
    path = f"/api/annotations/{image_id}/assign"
    return api.client.post(path, json={"person": person}, headers={"If-Match": state})


def claimed(api: Api, person: str | None = None, **fields: Any) -> str | None:
    """The image that somebody is given, who gives it back."""
    body = {"order": "name", "person": person, **fields}
    answer = api.client.post("/api/claims", json=body, headers=TAB)
    if answer.status_code == 204:
        return None
    image_id: str = answer.json()["image_id"]
    assert api.client.delete(f"/api/claims/{image_id}", headers=TAB).status_code == 204
    return image_id


def sign_in(api: Api, name: str) -> None:
    api.client.headers["Authorization"] = f"Bearer {api.token(name, time.time())}"


def listed(api: Api, **query: Any) -> list[str]:
    return [one["image_id"] for one in api.client.get("/api/images", params=query).json()["images"]]


def test_own_images_come_first_and_others_never(api: Api, images: list[str]) -> None:
    first, second, third = images
    assert assign(api, third, "Ana").status_code == 200
    assert assign(api, second, "Ben").status_code == 200
    assert [claimed(api, who) for who in ("Ana", "Ben", "Kim", None)] == [
        third, second, first, first,
    ]  # fmt: skip
    ahead = api.client.get("/api/claims?order=name&limit=10&person=Ana", headers=TAB).json()
    assert ahead == {"images": [third, first]}
    api.save(first, status="done")
    assert [claimed(api, who) for who in ("Kim", None)] == [None, None]
    assert claimed(api, "Kim", prefer=[second]) is None
    assert assign(api, second, None).status_code == 200
    assert [claimed(api, who) for who in ("Ben", "Kim", None)] == [second] * 3


def test_where_people_sign_in_it_is_the_callers_queue(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_ADMINS=KIM)
    sign_in(api, KIM)
    first, second = (api.image(name) for name in ("a.png", "b.png"))
    answer = assign(api, second, "ANA@example.com")
    assert answer.json()["metadata"]["assigned_to"] == ANA
    assert answer.json()["metadata"]["assigned_by"] == KIM
    refused(assign(api, second, "Ana"), 400, "bad_request")
    for name, image_id in ((ANA, second), (BEN, first)):
        sign_in(api, name)
        assert claimed(api) == image_id
        refused(assign(api, second, BEN), 403, "not_permitted")
    refused(api.client.post("/api/claims", json={"person": ANA}), 400, "bad_request")


def test_a_person_is_named_as_in_documents(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_SAVED_BY="hash")
    sign_in(api, ANA)
    image_id = api.image("a.png")
    api.save(image_id, rect())
    alias = api.read(image_id)[0]["metadata"]["saved_by"]
    for person in (ANA, alias):
        found = assign(api, image_id, person).json()["metadata"]
        assert (found["assigned_to"], found["assigned_by"]) == (alias, alias)
    assert claimed(api) == image_id


def test_without_names_nobody_is_assigned(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_SAVED_BY="off")
    sign_in(api, ANA)
    refused(assign(api, api.image("a.png"), ANA), 400, "bad_request", "LABELER_SAVED_BY=off")


def test_an_image_without_a_document_can_be_assigned(api: Api) -> None:
    (api.folder / "uploads").mkdir(exist_ok=True)
    (api.folder / "uploads/drop.png").write_bytes(png(30, 20))
    [image_id] = listed(api)
    refused(assign(api, image_id, "Ana", '"1"'), 412, "version_conflict")
    document = assign(api, image_id, "Ana").json()
    assert (document["image_width"], document["metadata"]["status"]) == (30, "unlabeled")
    assert listed(api, assigned="ana") == [image_id]


def test_the_work_stays_the_labelers(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc")
    sign_in(api, ANA)
    image_id = api.image("a.png")
    api.save(image_id, rect(), status="done")
    before, tag = api.read(image_id)
    sign_in(api, KIM)
    after = assign(api, image_id, BEN, tag).json()
    added = {name for name in after["metadata"] if name not in before["metadata"]}
    assert added == {"assigned_to", "assigned_by", "assigned_at"}
    assert {**after, "metadata": {k: after["metadata"][k] for k in before["metadata"]}} == before
    refused(assign(api, image_id, ANA, tag), 412, "version_conflict")
    sign_in(api, BEN)
    document, tag = api.read(image_id)
    document["metadata"] |= {"assigned_to": KIM, "status": "in_progress"}
    stored = api.put(image_id, document, If_Match=tag).json()
    assert (stored["metadata"]["assigned_to"], stored["metadata"]["saved_by"]) == (BEN, BEN)


def test_history_tells_of_it_and_takes_it_back(api: Api, images: list[str]) -> None:
    image_id = images[0]
    api.save(image_id, rect())
    assign(api, image_id, "Ana")
    path = f"/api/annotations/{image_id}"
    versions = api.client.get(f"{path}/versions").json()["versions"]
    assert [one["assigned_to"] for one in versions][:2] == ["Ana", None]
    assert versions[0]["saved_at"] > versions[1]["saved_at"]
    _, tag = api.read(image_id)
    api.client.post(
        f"{path}/restore", json={"version": versions[1]["version"]}, headers={"If-Match": tag}
    )
    assert "assigned_to" not in api.read(image_id)[0]["metadata"]


def test_an_approved_image_stays_as_it_is(api: Api, images: list[str]) -> None:
    tag = api.save(images[0], rect(), status="done")
    path = f"/api/annotations/{images[0]}/review"
    api.client.post(path, json={"verdict": "approve"}, headers={"If-Match": tag})
    refused(assign(api, images[0], "Ana"), 409, "approved")


def test_lists_and_statistics(api: Api, images: list[str]) -> None:
    first, second, third = images
    assign(api, first, "Ana")
    assign(api, third, "Ben")
    assert listed(api, assigned="ana") == [first]
    assert listed(api, assigned="*") == [first, third]
    assert listed(api, assigned="-", offset=0) == [second]
    assert listed(api, assigned="Kim") == []
    counts = api.client.get("/api/statistics?by=assigned").json()["counts"]
    assert counts == [{"assigned": name, "images": 1, "rects": 0} for name in (None, "Ana", "Ben")]
    refused(api.client.get("/api/images", params={"assigned": "x" * 201}), 400, "bad_request")


@pytest.mark.parametrize("body", [{}, {"person": ""}, {"person": 7}, {"person": "Ana", "by": "x"}])
def test_a_wrong_body_changes_nothing(api: Api, images: list[str], body: dict[str, Any]) -> None:
    before = api.read(images[0])
    path = f"/api/annotations/{images[0]}/assign"
    answer = api.client.post(path, json=body, headers={"If-Match": "*"})
    refused(answer, 400, "bad_request")
    assert api.read(images[0]) == before
    refused(api.client.post(path, json={"person": "Ana"}), 428, "precondition_required")
