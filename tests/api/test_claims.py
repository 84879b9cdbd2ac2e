"""POST, PUT and DELETE /api/claims: the next image for one tab or program at a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support import Api, refused
from tests.pictures import png
from tests.waiting import settled

TAB = {"X-Labeler-Client": "tab 1"}
OTHER = {"X-Labeler-Client": "tab 2"}


@pytest.fixture
def images(api: Api) -> list[str]:
    return [api.image(name) for name in ("a.png", "b.png", "c.png")]


def ask(api: Api, headers: dict[str, str] = TAB, **fields: Any) -> httpx.Response:
    return api.client.post("/api/claims", json=fields, headers=headers)


def test_the_next_image_and_until_when_it_is_the_callers(api: Api, images: list[str]) -> None:
    answer = ask(api)
    assert answer.status_code == 200
    assert answer.json()["image_id"] == images[0]
    left = datetime.fromisoformat(answer.json()["until"]) - datetime.now(UTC)
    assert timedelta(seconds=290) < left <= timedelta(seconds=300)
    assert answer.headers["Cache-Control"] == "no-store"


def test_clients_get_different_images_and_the_same_again(api: Api, images: list[str]) -> None:
    assert [ask(api, headers).json()["image_id"] for headers in (TAB, OTHER, TAB, OTHER)] == [
        images[0], images[1], images[0], images[1],
    ]  # fmt: skip
    assert api.client.post("/api/claims", headers={"X-Labeler-Client": ""}).status_code == 200
    nothing = ask(api, {"X-Labeler-Client": "tab 3"})
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_done_and_next_goes_on_behind_the_image(api: Api, images: list[str]) -> None:
    api.save(images[1], status="done")
    assert ask(api, after=images[0]).json()["image_id"] == images[2]
    assert ask(api, OTHER, status="done").json()["image_id"] == images[1]
    assert ask(api, OTHER, status=["skipped", "returned"]).status_code == 204
    assert ask(api, OTHER, order="random", after=None).json()["image_id"] == images[0]


def test_a_person_is_told_apart_from_others_with_the_same_client(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc")
    for name in ("ana@example.com", "ben@example.com"):
        token = api.token(name, time.time())
        api.client.headers["Authorization"] = f"Bearer {token}"
        if name.startswith("ana"):
            mine = api.image()
            assert ask(api).json()["image_id"] == mine
    assert ask(api).status_code == 204
    path = f"/api/claims/{mine}"
    for method in ("PUT", "DELETE"):
        refused(api.client.request(method, path, headers=TAB), 409, "claimed", "ana@example.com")


def test_a_lease_is_renewed_released_and_lost(open_api: Open) -> None:
    api = open_api(LABELER_LEASE_S="1")
    path = f"/api/claims/{api.image()}"
    assert ask(api).status_code == 200
    renewed = api.client.put(path, headers=TAB)
    assert (renewed.status_code, set(renewed.json())) == (200, {"image_id", "until", "lease_s"})
    assert renewed.json()["lease_s"] == 1
    assert api.client.delete(path, headers=TAB).status_code == 204
    assert api.client.delete(path, headers=OTHER).status_code == 204
    assert api.client.put(path, headers=OTHER).status_code == 200
    assert settled(lambda: ask(api).status_code == 200)


def test_nobody_renews_or_releases_what_another_has(api: Api, images: list[str]) -> None:
    path = f"/api/claims/{ask(api).json()['image_id']}"
    for method in ("PUT", "DELETE"):
        answer = api.client.request(method, path, headers=OTHER)
        refused(answer, 409, "claimed", "Somebody else")
    assert api.client.put(path, headers=TAB).status_code == 200


def test_a_lease_that_ends_while_somebody_works_loses_nothing(open_api: Open) -> None:
    api = open_api(LABELER_LEASE_S="1")
    image_id = api.image("a.png", png())
    assert ask(api).status_code == 200
    assert api.client.delete(f"/api/claims/{image_id}", headers=TAB).status_code == 204
    assert ask(api, OTHER).json()["image_id"] == image_id
    api.save(image_id, status="done")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "JSON object"),
        (b"{", "not JSON"),
        (b'{"next": 1}', "after, status, order"),
        (b'{"after": "../x"}', "image ID"),
        (b'{"after": 0}', "image ID"),
        (b'{"status": "finished"}', "unlabeled"),
        (b'{"status": [{}]}', "unlabeled"),
        (b'{"order": "size"}', "newest"),
    ],
)
def test_a_question_that_is_not_well_formed(api: Api, body: bytes, words: str) -> None:
    refused(api.client.post("/api/claims", content=body), 400, "bad_request", words)


def test_an_image_that_is_not_there(api: Api) -> None:
    for image_id in ("0" * 32, "No.Such"):
        refused(api.client.put(f"/api/claims/{image_id}"), 404, "not_found")


def test_who_looks_ahead_sees_what_is_next_and_claims_nothing(api: Api, images: list[str]) -> None:
    def ahead(headers: dict[str, str], **asked: str) -> list[str]:
        answer = api.client.get("/api/claims", params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.json()["images"]
        return found

    assert ahead(TAB) == images[:1]
    assert ahead(TAB, limit="3", order="name", after=images[0]) == images[1:]
    assert ahead(TAB, limit="3", status="done") == []
    assert ask(api, OTHER).json()["image_id"] == images[0]
    assert ahead(TAB, limit="10") == images[1:]
    assert ahead(OTHER, limit="10") == images
    assert sorted(ahead({}, limit="10", order="random")) == images[1:]
    for wrong in ({"limit": "11"}, {"limit": "0"}, {"order": "size"}, {"after": "?"}):
        refused(api.client.get("/api/claims", params=wrong), 400, "bad_request", *wrong.values())


def test_what_a_caller_prefers_comes_first_where_it_is_free(api: Api, images: list[str]) -> None:
    assert ask(api, OTHER, prefer=[images[2]]).json()["image_id"] == images[2]
    preferred = [images[2], "0" * 32, images[1]]
    assert ask(api, prefer=preferred).json()["image_id"] == images[1]
    api.save(images[0], status="done")
    assert ask(api, after=images[1], prefer=[images[0]]).status_code == 204
    wrongs: list[Any] = ["no list", ["?"], [1], [images[0]] * 11]
    for wrong in wrongs:
        refused(ask(api, prefer=wrong), 400, "bad_request", "prefer")


def test_who_has_an_image_is_told_to_everybody(api: Api) -> None:
    image = api.image()
    path = f"/api/claims/{image}"
    free = {"image_id": image, "by": None, "until": None, "own": False}
    assert api.client.get(path).json() == free
    until = ask(api).json()["until"]
    told = {"image_id": image, "by": "", "until": until}
    assert api.client.get(path, headers=TAB).json() == {**told, "own": True}
    assert api.client.get(path, headers=OTHER).json() == {**told, "own": False}
    refused(api.client.get("/api/claims/no%20image"), 404, "not_found")


def test_nobody_has_an_image_whose_lease_has_ended(open_api: Open) -> None:
    api = open_api(LABELER_LEASE_S="1")
    path = f"/api/claims/{api.image()}"
    assert ask(api).status_code == 200
    assert settled(lambda: api.client.get(path).json()["by"] is None)
