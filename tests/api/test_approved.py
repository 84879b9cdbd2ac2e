"""Nobody changes an approved image by any call, whoever they are and however they sign in.

The calls come from the table of routes. One that writes has to say here how it changes an image
that is not approved, or why it never does; each body is sent to each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from labeler.api import Signed
from labeler.model.people import Role
from tests.access import iap_proxy
from tests.access.iap_proxy import KeyServer
from tests.api.conftest import Open
from tests.api.support import Api, rect
from tests.api.test_reviews import review, zipped
from tests.api.test_sign_in import ANA, EVE, LEA, LISTS, MAY, ROB, bearer, iap_settings

Call = tuple[str, str]
ATTEMPTS: Final = {
    ("PUT", "/api/annotations/{image_id}"): "document",
    ("POST", "/api/annotations/{image_id}/restore"): "version",
    ("POST", "/api/annotations/{image_id}/review"): "verdict",
    ("POST", "/api/annotations/{image_id}/assign"): "person",
    ("DELETE", "/api/images/{image_id}"): "nothing",
    ("POST", "/api/imports"): "dataset",
}
"""Calls that change an image, each with the body that does so."""
NONE_CHANGED: Final = {
    ("POST", "/api/images"): "an image that is there already stays as it is",
    ("POST", "/api/images/{image_id}/restore"): "an image that is there is not replaced",
    ("POST", "/api/claims"): "a claim is an object of its own",
    ("PUT", "/api/claims/{image_id}"): "as above",
    ("DELETE", "/api/claims/{image_id}"): "as above",
    ("PUT", "/api/guide"): "the guide belongs to no image",
    ("PUT", "/api/guide/{picture}"): "as above",
    ("PUT", "/api/labels"): "boxes keep the text of their label",
    ("POST", "/api/exports"): "an export only reads images",
}
"""Calls that change no image, and why."""
QUERIES: Final = {"/api/imports": "?format=labelme&existing=replace&dry_run=0"}


class Image(NamedTuple):
    """An image in every place where it leaves something: history, trash, and a claim."""

    image_id: str
    oldest: str


def writes(api: Api) -> list[Call]:
    """Each call that may write, with its role."""
    return [
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Signed)
        for method in route.roles
        if method != "GET"
    ]


def done_image(api: Api) -> Image:
    """One with an earlier state, which was in the trash before and is claimed now."""
    image_id = api.image()
    api.save(image_id, rect(id="first"), status="done")
    deleted = api.client.delete(f"/api/images/{image_id}", headers={"If-Match": "*"})
    assert deleted.status_code == 204, deleted.text
    assert api.add("a.png").json()["image_id"] == image_id
    api.save(image_id, rect(id="r1"))
    api.save(image_id, rect(id="r1"), rect(5, id="r2"), status="done")
    versions = api.client.get(f"/api/annotations/{image_id}/versions").json()["versions"]
    assert api.client.put(f"/api/claims/{image_id}").status_code == 200
    return Image(image_id, versions[-1]["version"])


def bodies(api: Api, image: Image) -> dict[str, bytes]:
    """What changes an image, if it may be changed."""
    document, _ = api.read(image.image_id)
    changed = {**document, "rects": [rect(20, id="r3")]}
    changed["metadata"] = {**document["metadata"], "status": "in_progress"}
    words: dict[str, Any] = {
        "document": changed,
        "comments": {**document, "comments": [{"id": "c", "text": "no"}]},
        "unchanged": document,
        "version": {"version": image.oldest},
        "verdict": {"verdict": "return", "comment": "again"},
        "comment": {"verdict": "approve", "comment": "well done"},
        "person": {"person": LEA},
    }
    told = {name: json.dumps(body).encode() for name, body in words.items()}
    return told | {"nothing": b"", "dataset": zipped(document)}


def send(api: Api, write: Call, image: Image, body: bytes, tag: str, **more: str) -> httpx.Response:
    method, path = write
    address = path.format(image_id=image.image_id, picture="a.png") + QUERIES.get(path, "")
    headers = {"If-Match": tag, "X-File-Name": "a.png", **more}
    return api.client.request(method, address, content=body, headers=headers)


def kept(api: Api, image: Image) -> dict[str, bytes]:
    """The image's document, its earlier states, and its original."""
    found = [
        *api.folder.glob(f"annotations/{image.image_id}.json"),
        *api.folder.glob(f"history/{image.image_id}/*"),
        *api.folder.glob("uploads/**/*.png"),
    ]
    assert len(found) >= 4
    return {str(path.relative_to(api.folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with KeyServer() as started:
        yield started


def test_each_call_that_writes_is_told(api: Api) -> None:
    assert set(writes(api)) == ATTEMPTS.keys() | NONE_CHANGED.keys()
    assert not ATTEMPTS.keys() & NONE_CHANGED.keys()


@pytest.mark.parametrize("write", ATTEMPTS, ids=" ".join)
def test_the_call_changes_an_image_that_is_not_approved(api: Api, write: Call) -> None:
    image = done_image(api)
    before = api.stored(image.image_id)
    answer = send(api, write, image, bodies(api, image)[ATTEMPTS[write]], "*")
    assert answer.is_success, answer.text
    path = api.document_path(image.image_id)
    assert not path.exists() or path.read_bytes() != before


@pytest.mark.parametrize("way", ["none", "oidc", "iap"])
def test_nobody_changes_an_approved_image_by_any_call(
    open_api: Open, keys: KeyServer, way: str
) -> None:
    settings = {
        "none": {},
        "oidc": {"LABELER_AUTH": "oidc", **LISTS},
        "iap": {**iap_settings(keys), **LISTS},
    }
    api = open_api(None, None, **settings[way])
    admin = who(api, way, ANA)
    api.client.headers.update(admin)
    image = done_image(api)
    assert review(api, image.image_id, "approve").status_code == 200
    document, tag = api.read(image.image_id)
    assert document["metadata"]["status"] == "approved"
    sent = bodies(api, image)
    reopen = json.dumps({"verdict": "reopen"}).encode()
    before = kept(api, image)
    for name in admin:
        del api.client.headers[name]
    for person in ("", EVE, LEA, ROB, ANA) if way != "none" else ("",):
        headers = who(api, way, person)
        may_reopen = way == "none" or Role.REVIEWER in MAY.get(person, set())
        for write in writes(api):
            for body in (*sent.values(), *([] if may_reopen else [reopen])):
                answer = send(api, write, image, body, tag, **headers)
                assert kept(api, image) == before, (person, write, body[:200], answer.text)
            if write in ATTEMPTS:
                answer = send(api, write, image, sent[ATTEMPTS[write]], "*", **headers)
                assert is_refused(answer), (person, write, answer.text)
                assert kept(api, image) == before, (person, write)
    api.client.headers.update(admin)
    assert review(api, image.image_id, "reopen", tag).status_code == 200


def who(api: Api, way: str, person: str) -> dict[str, str]:
    """The headers by which that person calls; nobody's are none."""
    if way == "none" or not person:
        return {}
    return iap_proxy.headers(person) if way == "iap" else dict(bearer(api, person))


def is_refused(answer: httpx.Response) -> bool:
    """Whether the call says that it did nothing; an import tells that in its report."""
    if answer.status_code == 200:
        return bool("is approved" in answer.json()["problems"][0]["reason"])
    return answer.status_code in (401, 403, 409)


def test_whoever_had_the_image_open_when_it_was_approved_is_shown_the_approval(
    open_api: Open,
) -> None:
    api = open_api(None, None, LABELER_AUTH="oidc", **LISTS)
    api.client.headers.update(bearer(api, ANA))
    image = done_image(api)
    document, tag = api.read(image.image_id)
    assert review(api, image.image_id, "approve", tag).status_code == 200
    before = kept(api, image)
    api.client.headers.update(bearer(api, LEA))
    answer = api.put(image.image_id, {**document, "rects": []}, If_Match=tag)
    assert answer.status_code == 412
    assert answer.json()["document"]["metadata"]["status"] == "approved"
    assert kept(api, image) == before
