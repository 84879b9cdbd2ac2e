"""DELETE /api/images/{id} and POST …/restore: 410 everywhere, and as it was afterwards."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_every_call import state
from tests.api.test_reviews import LISTS, as_person, review
from tests.pictures import png


def delete(api: Api, image_id: str, tag: str = "*") -> httpx.Response:
    return api.client.delete(f"/api/images/{image_id}", headers={"If-Match": tag})


def restore(api: Api, image_id: str) -> httpx.Response:
    return api.client.post(f"/api/images/{image_id}/restore")


def numbers(api: Api) -> dict[str, int]:
    """The number of each image in an export that is made now."""
    made = api.client.get(f"/api/{api.client.post('/api/exports').json()['object']}").json()
    return {image["file_name"]: image["id"] for image in made["images"]}


@pytest.fixture
def images(api: Api) -> dict[str, str]:
    ids = {name: api.image(name) for name in ("a.png", "b.png", "c.png")}
    for image_id in ids.values():
        api.save(image_id, rect(), status="done")
    return ids


def test_a_deleted_image_is_gone_for_every_call_until_it_is_restored(
    api: Api, images: dict[str, str]
) -> None:
    image_id = images["b.png"]
    document, tag = api.read(image_id)
    picture = f"/api/images/{image_id}"
    shown = api.client.get(picture, params={"width": 10})
    before = state(api)
    assert delete(api, image_id, tag).status_code == 204
    path = f"/api/annotations/{image_id}"
    some: dict[str, Any] = {"headers": {"If-Match": "*"}}
    answers = [
        api.client.get(picture),
        api.client.get(picture, params={"width": 10}),
        api.client.get(picture, headers={"If-None-Match": shown.headers["ETag"]}),
        api.client.get(path),
        api.client.get(path, params={"version": "1-2-3"}),
        api.client.get(f"{path}/versions"),
        api.put(image_id, document, If_Match=tag),
        api.put(image_id, document, If_None_Match="*"),
        api.client.post(f"{path}/review", json={"verdict": "approve"}, **some),
        api.client.post(f"{path}/restore", json={"version": "1-2-3"}, **some),
        delete(api, image_id),
    ]
    for answer in answers:
        refused(answer, 410, "deleted", "trash")
    refused(api.client.put(f"/api/claims/{image_id}"), 404, "not_found")
    listed = api.client.get("/api/images").json()["images"]
    assert [one["image_path"] for one in listed] == ["a.png", "c.png"]
    assert sorted(numbers(api)) == ["a.png", "c.png"]
    assert restore(api, image_id).json() == {"image_id": image_id, "image_path": "b.png"}
    assert restore(api, image_id).status_code == 200
    assert api.read(image_id)[0] == document
    assert api.client.get(picture, params={"width": 10}).content == shown.content
    after = state(api)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.startswith("trash")]


def test_numbers_of_exports_stay(api: Api, images: dict[str, str]) -> None:
    before = numbers(api)
    delete(api, images["b.png"])
    new = api.image("d.png")
    api.save(new, rect(), status="done")
    after = numbers(api)
    assert after.items() >= {n: before[n] for n in ("a.png", "c.png")}.items()
    assert after["d.png"] == 4
    restore(api, images["b.png"])
    assert numbers(api) == {**before, "d.png": 4}


def test_deleting_names_the_state_that_was_seen(api: Api, images: dict[str, str]) -> None:
    image_id = images["a.png"]
    _, tag = api.read(image_id)
    newer = api.save(image_id, rect(7))
    before = state(api)
    body = refused(delete(api, image_id, tag), 412, "version_conflict")
    assert (body["etag"], body["document"]["rects"][0]["left"]) == (newer, 7)
    refused(api.client.delete(f"/api/images/{image_id}"), 428, "precondition_required")
    assert state(api) == before
    assert delete(api, image_id, newer).status_code == 204


def test_an_original_without_a_document(api: Api) -> None:
    image_id = api.drop("a.png")
    refused(delete(api, image_id, '"1"'), 412, "version_conflict")
    assert delete(api, image_id).status_code == 204
    refused(api.client.get(f"/api/images/{image_id}"), 410, "deleted")
    assert restore(api, image_id).status_code == 200
    assert api.client.get(f"/api/images/{image_id}").content == png()


def test_an_approved_image_is_reopened_before_it_is_deleted(
    api: Api, images: dict[str, str]
) -> None:
    image_id = images["a.png"]
    review(api, image_id, "approve")
    before = state(api)
    refused(delete(api, image_id), 409, "approved", "reopen")
    assert state(api) == before


def test_one_that_was_added_again_is_in_the_way(api: Api, images: dict[str, str]) -> None:
    image_id = images["a.png"]
    delete(api, image_id)
    assert api.image("a.png") == image_id
    refused(restore(api, image_id), 409, "not_deleted", "in the project again")


def test_only_admins_delete_and_restore(open_api: Open) -> None:
    api = as_person(open_api(None, None, **LISTS), "lea")
    image_id = api.image()
    before = state(api)
    for name in ("lea", "rob"):
        refused(delete(as_person(api, name), image_id), 403, "not_permitted", "LABELER_ADMINS")
        refused(restore(api, image_id), 403, "not_permitted", "LABELER_ADMINS")
    # Whoever may see one image by its address may not delete it by that.
    del api.client.headers["Authorization"]
    token = {"token": api.token("ana@example.com", time.time(), image_id)}
    answer = api.client.delete(f"/api/images/{image_id}", params=token, headers={"If-Match": "*"})
    refused(answer, 401, "not_signed_in")
    assert state(api) == before
    assert delete(as_person(api, "ana"), image_id).status_code == 204
    assert restore(api, image_id).status_code == 200


def test_an_image_that_is_not_there(api: Api) -> None:
    for image_id in ("0" * 32, "No.Such"):
        refused(delete(api, image_id), 404, "not_found")
        refused(restore(api, image_id), 404, "not_found")
