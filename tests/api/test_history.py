"""GET …/versions, GET …?version= and POST …/restore, over a folder and a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from labeler.storage.gcs import GcsStore
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_reviews import LISTS, as_person, review
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import old_document

NOBODY = "0" * 32


@pytest.fixture(params=["folder", "bucket"])
def history(
    request: pytest.FixtureRequest, open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    if request.param == "folder":
        yield open_api()
        return
    with GcsServer(buckets=["labels"]) as server:
        server.bucket("labels").settings["versioning"] = {"enabled": True}
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore("labels", "", timeout_s=20)
        api = open_api(Path("/"), store, LABELER_STORAGE="gs://labels", LABELER_UPLOADS="off")
        yield api
        api.project.close()


def versions(api: Api, image_id: str) -> list[dict[str, Any]]:
    answer = api.client.get(f"/api/annotations/{image_id}/versions")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["versions"]
    return found


def restore(api: Api, image_id: str, version: str, tag: str = "*") -> httpx.Response:
    path = f"/api/annotations/{image_id}/restore"
    return api.client.post(path, json={"version": version}, headers={"If-Match": tag})


def stored(api: Api, image_id: str) -> bytes:
    return api.project.store.read(f"annotations/{image_id}.json")[0]


def test_any_version_is_restored_byte_for_byte(history: Api) -> None:
    image_id = history.image()
    states = [stored(history, image_id)]
    for count in (1, 2, 3):
        history.save(image_id, *[rect(n, id=f"r{n}") for n in range(count)])
        states.append(stored(history, image_id))
    listed = versions(history, image_id)
    assert [one["rects"] for one in listed] == [3, 2, 1, 0]
    assert {one["status"] for one in listed} == {"in_progress", "unlabeled"}
    for number, one in enumerate(reversed(listed)):
        path = f"/api/annotations/{image_id}"
        shown = history.client.get(path, params={"version": one["version"]})
        assert shown.headers["ETag"] == f'"{one["version"]}"'
        answer = restore(history, image_id, one["version"], history.read(image_id)[1])
        assert answer.json() == shown.json()
        assert stored(history, image_id) == states[number]
        assert (shown.json(), answer.headers["ETag"]) == history.read(image_id)
    # Each was a new version, but for the one that was there.
    assert [one["rects"] for one in versions(history, image_id)] == [3, 2, 1, 0, 3, 2, 1, 0]


def test_a_document_of_another_program_comes_back_as_it_was(history: Api) -> None:
    image_id = history.image()
    data = old_document("a.png")
    key = f"annotations/{image_id}.json"
    history.project.store.write(key, data, replaces=history.project.stored_version(image_id))
    history.save(image_id, rect())
    before = versions(history, image_id)[1]
    assert restore(history, image_id, before["version"]).status_code == 200
    assert stored(history, image_id) == data


def test_restoring_names_the_state_that_it_replaces(history: Api) -> None:
    image_id = history.image()
    _, tag = history.read(image_id)
    newer = history.save(image_id, rect())
    first = versions(history, image_id)[-1]["version"]
    body = refused(restore(history, image_id, first, tag), 412, "version_conflict")
    assert (body["etag"], len(body["document"]["rects"])) == (newer, 1)
    path = f"/api/annotations/{image_id}/restore"
    refused(history.client.post(path, json={"version": first}), 428, "precondition_required")
    refused(history.client.post(path, json={}, headers={"If-Match": "*"}), 400, "bad_request")


@pytest.mark.parametrize("version", ["0", "no such", "../labels.json", "123456", "1-2-3", ""])
def test_a_version_that_is_not_kept(history: Api, version: str) -> None:
    image_id = history.image()
    before = stored(history, image_id)
    refused(restore(history, image_id, version), 404, "not_found")
    path = f"/api/annotations/{image_id}"
    refused(history.client.get(path, params={"version": version}), 404, "not_found")
    assert stored(history, image_id) == before


def test_an_image_that_is_not_there(api: Api) -> None:
    for image_id in (NOBODY, "No.Such"):
        refused(api.client.get(f"/api/annotations/{image_id}/versions"), 404, "not_found")
        refused(restore(api, image_id, "1-2-3"), 404, "not_found")


def test_a_damaged_document_is_replaced_by_what_it_was(api: Api) -> None:
    image_id = api.image()
    api.save(image_id, rect())
    api.document_path(image_id).write_bytes(b"{")
    (first,) = versions(api, image_id)
    assert restore(api, image_id, first["version"]).status_code == 200
    assert api.read(image_id)[0]["rects"] == []


def test_a_document_of_a_newer_labeler_stays(api: Api) -> None:
    image_id = api.image()
    api.save(image_id, rect())
    newer = b'{"rects": 1, "metadata": {"version": "2.0"}}'
    api.document_path(image_id).write_bytes(newer)
    (first,) = versions(api, image_id)
    refused(restore(api, image_id, first["version"]), 500, "newer_document")
    assert api.stored(image_id) == newer


def test_an_approved_document_is_not_restored_nor_an_approval_by_a_labeler(
    open_api: Open,
) -> None:
    api = as_person(open_api(None, None, **LISTS), "lea")
    image_id = api.image("a.png", png())
    api.save(image_id, rect(), status="done")
    first = versions(api, image_id)[-1]["version"]
    review(as_person(api, "rob"), image_id, "approve")
    approved = versions(api, image_id)[0]
    assert approved["saved_by"] == "rob@example.com"
    refused(restore(as_person(api, "ana"), image_id, first), 409, "approved", "reopen")
    review(api, image_id, "reopen")
    refused(restore(as_person(api, "lea"), image_id, approved["version"]), 403, "not_permitted")
    assert restore(api, image_id, first).json()["metadata"]["status"] == "unlabeled"
    assert restore(as_person(api, "rob"), image_id, approved["version"]).status_code == 200
    assert api.read(image_id)[0]["metadata"]["status"] == "approved"
