"""GET and PUT /api/annotations/{id}: nothing is saved over what the caller has not seen."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support import Api, Lister, rect, refused
from tests.pictures import png

NOBODY = "0" * 32


def test_a_new_image_has_an_empty_document(api: Api) -> None:
    image_id = api.image("café.png", png(64, 48))
    answer = api.client.get(f"/api/annotations/{image_id}")
    document = answer.json()
    assert (document["rects"], document["image_path"]) == ([], "café.png")
    assert (document["image_width"], document["image_height"]) == (64, 48)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Type"] == "application/json"


def test_who_has_it_is_not_sent_it_again(api: Api) -> None:
    image_id = api.image()
    _, tag = api.read(image_id)
    for named in (tag, f'"x", W/{tag}', "*"):
        answer = api.client.get(f"/api/annotations/{image_id}", headers={"If-None-Match": named})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private, no-cache"
    api.save(image_id, rect())
    answer = api.client.get(f"/api/annotations/{image_id}", headers={"If-None-Match": tag})
    assert (answer.status_code, len(answer.json()["rects"])) == (200, 1)


def test_head_tells_the_etag_alone(api: Api) -> None:
    image_id = api.image()
    _, tag = api.read(image_id)
    answer = api.client.head(f"/api/annotations/{image_id}")
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (200, tag, b"")


def test_a_document_is_not_compressed_for_its_etag_names_its_bytes(api: Api) -> None:
    image_id = api.image()
    api.save(image_id, *[rect(left) for left in range(50)])
    answer = api.client.get(f"/api/annotations/{image_id}", headers={"Accept-Encoding": "gzip"})
    assert len(answer.content) > 2000
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("image_id", [NOBODY, "No.Such", "x" * 200, "%2e%2e%2flabels", "a%00b"])
def test_no_document(api: Api, image_id: str) -> None:
    refused(api.client.get(f"/api/annotations/{image_id}"), 404, "not_found")
    refused(api.put(image_id, {}, If_None_Match="*"), 404, "not_found")
    refused(api.put(image_id, {}, If_Match='"x"'), 404, "not_found")


# --- saving -------------------------------------------------------------------------------


def test_a_save_is_answered_as_it_is_stored(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    document["rects"] = [rect(1.5), rect(3, "person", id="mine", pose="standing")]
    answer = api.put(image_id, document, If_Match=tag)
    assert answer.status_code == 200
    assert answer.headers["ETag"] != tag
    assert answer.headers["Content-Location"] == f"/api/annotations/{image_id}"
    assert api.read(image_id) == (answer.json(), answer.headers["ETag"])
    assert json.loads(api.stored(image_id)) == answer.json()
    assert answer.json()["rects"][0]["id"]
    assert answer.json()["rects"][1] == rect(3, "person", id="mine", pose="standing")


def test_who_prefers_it_gets_no_body_if_the_document_is_stored_as_sent(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    document["rects"] = [rect(3, "person", id="mine", pose="standing")]
    document["metadata"]["status"] = "done"
    for prefer in ("return=minimal", 'respond-async, Return="minimal"; x, return=representation'):
        answer = api.put(image_id, document, If_Match=tag, Prefer=prefer)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Preference-Applied"] == "return=minimal"
        assert "Content-Location" not in answer.headers
        stored, tag = api.read(image_id)
        assert (answer.headers["ETag"], stored["rects"]) == (tag, document["rects"])
        assert stored["metadata"]["saved_at"] != document["metadata"]["saved_at"]


@pytest.mark.parametrize("prefer", ["", "return=representation, return=minimal", "return", "x"])
def test_who_does_not_prefer_it_gets_the_document(api: Api, prefer: str) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    document["rects"] = [rect(id="mine")]
    answer = api.put(image_id, document, If_Match=tag, Prefer=prefer)
    assert answer.json()["rects"] == document["rects"]
    assert "Preference-Applied" not in answer.headers


def test_what_the_server_filled_in_is_reported_whatever_somebody_prefers(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    without_id = {"rects": [rect()]}
    less = {"metadata": {"status": "in_progress"}, "rects": [rect(id="mine")]}
    for change in (without_id, less):
        answer = api.put(image_id, document | change, If_Match=tag, Prefer="return=minimal")
        tag = answer.headers["ETag"]
        assert "Preference-Applied" not in answer.headers
        assert answer.json()["rects"][0]["id"]
        assert answer.json()["metadata"]["image_id"] == image_id


def test_a_stale_save_changes_nothing_and_is_told_what_is_there(api: Api) -> None:
    image_id = api.image()
    document, stale = api.read(image_id)
    tag = api.save(image_id, rect(7))
    before = api.stored(image_id)
    document["rects"] = [rect(9)]
    for headers in ({"If_Match": stale}, {"If_Match": f"W/{tag}"}, {"If_None_Match": "*"}):
        answer = api.put(image_id, document, **headers)
        body = refused(answer, 412, "version_conflict", "nothing was saved")
        assert (body["document"], body["etag"]) == api.read(image_id)
        assert answer.headers["ETag"] == tag
        assert api.stored(image_id) == before
    assert api.put(image_id, document, If_Match=body["etag"]).status_code == 200


def test_the_state_may_be_named_in_a_list_or_as_whichever_it_is(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    tag = api.put(image_id, document, If_Match=f'"x", {tag}').headers["ETag"]
    answer = api.put(image_id, document, If_Match="*")
    assert answer.status_code == 200
    assert answer.headers["ETag"] != tag


@pytest.mark.parametrize("headers", [{}, {"If_None_Match": '"x"'}])
def test_a_save_without_a_state_is_refused(api: Api, headers: dict[str, str]) -> None:
    image_id = api.image()
    before = api.stored(image_id)
    answer = api.put(image_id, api.read(image_id)[0], **headers)
    refused(answer, 428, "precondition_required", "If-Match")
    assert api.stored(image_id) == before


def test_an_etag_without_quotes_is_refused_in_words(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    refused(api.put(image_id, document, If_Match=tag.strip('"')), 400, "bad_request", "quotes")
    answer = api.client.get(f"/api/annotations/{image_id}", headers={"If-None-Match": "x"})
    refused(answer, 400, "bad_request", "If-None-Match")


def test_of_many_who_save_over_one_state_one_wins(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)

    def save(number: int) -> httpx.Response:
        return api.put(image_id, {**document, "rects": [rect(number)]}, If_Match=tag)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(save, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert api.read(image_id) == (winner.json(), winner.headers["ETag"])


def test_a_save_does_not_wait_for_a_listing(open_api: Open, tmp_path: Path) -> None:
    """A large bucket is listed for seconds."""
    listed, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        listed.set()
        assert go_on.wait(120)

    api = open_api(store=Lister(tmp_path / "data", wait))
    image_id = api.image()
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(api.client.get, "/api/images")
        assert listed.wait(120)
        api.save(image_id, rect())
        go_on.set()
        (image,) = listing.result().json()["images"]
    assert image["rects"] == 1


# --- an image that has only an original ---------------------------------------------------


def test_an_original_without_a_document_gets_one(api: Api) -> None:
    data = png(64, 48)
    image_id = api.drop("scene.png", data)
    refused(api.client.get(f"/api/annotations/{image_id}"), 404, "not_found")
    answer = api.put(image_id, {"rects": [rect()], "image_path": "scene.png"}, If_None_Match="*")
    assert answer.status_code == 201
    document = answer.json()
    assert (document["image_width"], document["image_height"]) == (64, 48)
    assert len(document["metadata"]["content_md5"]) == 32
    assert api.read(image_id) == (document, answer.headers["ETag"])


@pytest.mark.parametrize("named", ['"x"', "*"])
def test_a_state_of_a_document_that_is_not_stored_does_not_hold(api: Api, named: str) -> None:
    image_id = api.drop("scene.png")
    answer = api.put(image_id, {"rects": [], "image_path": "scene.png"}, If_Match=named)
    body = refused(answer, 412, "version_conflict", "not stored")
    assert (body["document"], body["etag"]) == (None, None)
    assert "ETag" not in answer.headers
    assert not api.document_path(image_id).exists()


def test_of_two_who_create_it_one_wins(api: Api) -> None:
    image_id = api.drop("scene.png")

    def create(number: int) -> int:
        document = {"rects": [rect(number)], "image_path": "scene.png"}
        return api.put(image_id, document, If_None_Match="*").status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [201, 412, 412, 412]


# --- what the server fills in -------------------------------------------------------------


def test_the_server_says_who_saved_what_when(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    document["metadata"] |= {
        "image_id": NOBODY, "saved_at": "1999-01-01T00:00:00+00:00", "saved_by": "somebody else",
    }  # fmt: skip
    before = datetime.now(UTC)
    metadata = api.put(image_id, document, If_Match=tag).json()["metadata"]
    assert metadata["image_id"] == image_id
    assert before <= datetime.fromisoformat(metadata["saved_at"]) <= datetime.now(UTC)
    assert metadata["saved_by"] == ""
    token = api.token("ana@example.com", before.timestamp())
    answer = api.put(image_id, document, If_Match="*", Authorization=f"Bearer {token}")
    assert answer.json()["metadata"]["saved_by"] == "ana@example.com"


def test_what_is_left_out_about_the_image_is_kept(api: Api) -> None:
    image_id = api.image("scene.png", png(64, 48))
    stored, tag = api.read(image_id)
    answer = api.put(image_id, {"rects": [], "image_path": "scene.png"}, If_Match=tag)
    saved = answer.json()
    assert (saved["image_width"], saved["image_height"]) == (64, 48)
    for name in ("image_path", "image_id", "version", "content_md5"):
        assert saved["metadata"][name] == stored["metadata"][name]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_path", "other.png"),
        ("image_width", 65),
        ("image_height", 47),
        ("metadata.image_path", "other.png"),
        ("metadata.content_md5", "0" * 32),
    ],
)
def test_a_document_of_another_image_is_refused(api: Api, field: str, value: Any) -> None:
    image_id = api.image("scene.png", png(64, 48))
    document, tag = api.read(image_id)
    before = api.stored(image_id)
    part = document["metadata"] if "." in field else document
    part[field.rpartition(".")[2]] = value
    body = refused(api.put(image_id, document, If_Match=tag), 422, "invalid_document", field)
    assert body["error"]["field"] == field
    assert api.stored(image_id) == before


def test_a_document_with_rects_is_in_progress_at_least(api: Api) -> None:
    image_id = api.image()
    assert api.read(image_id)[0]["metadata"]["status"] == "unlabeled"
    api.save(image_id, rect())
    assert api.read(image_id)[0]["metadata"]["status"] == "in_progress"
    api.save(image_id, rect(), status="done")
    assert api.read(image_id)[0]["metadata"]["status"] == "done"


# --- documents of format 1.0 as other programs left them ----------------------------------


def old_document(api: Api, image_id: str, **more: Any) -> bytes:
    """A document without any of our keys, written into the folder."""
    data = json.dumps({
        "rects": [rect(), rect(5)], "image_path": "scene.png",
        "metadata": {"image_path": "scene.png", "image_id": image_id, "version": "1.0",
                     "saved_at": "2023-12-01T14:30:22.123456"},
        **more,
    }).encode()  # fmt: skip
    api.document_path(image_id).parent.mkdir(parents=True, exist_ok=True)
    api.document_path(image_id).write_bytes(data)
    return data


def test_an_old_document_is_read_saved_and_completed_from_its_image(api: Api) -> None:
    image_id = api.drop("scene.png", png(64, 48))
    old_document(api, image_id, image_width=64, image_height=48, owner={"team": [1, 2.5, None]})
    document, tag = api.read(image_id)
    assert all(found["id"] for found in document["rects"])
    assert api.read(image_id) == (document, tag)
    saved = api.put(image_id, document, If_Match=tag).json()
    assert saved["rects"] == document["rects"]
    assert saved["owner"] == {"team": [1, 2.5, None]}
    assert len(saved["metadata"]["content_md5"]) == 32


def test_a_size_that_nobody_stored_is_that_of_the_image(api: Api) -> None:
    image_id = api.drop("scene.png", png(64, 48))
    old_document(api, image_id)
    document, tag = api.read(image_id)
    answer = api.put(image_id, {**document, "image_width": 640}, If_Match=tag)
    assert refused(answer, 422, "invalid_document")["error"]["field"] == "image_width"
    document["rects"] = [rect(60)]
    answer = api.put(image_id, document, If_Match=tag)
    assert refused(answer, 422, "invalid_document")["error"]["field"] == "rects[0].left"
    document["rects"] = [rect(50)]
    saved = api.put(image_id, document, If_Match=tag).json()
    assert (saved["image_width"], saved["image_height"]) == (64, 48)


def test_boxes_are_saved_where_the_image_can_not_be_seen(api: Api) -> None:
    old_document(api, NOBODY)
    document, tag = api.read(NOBODY)
    saved = api.put(NOBODY, document, If_Match=tag).json()
    assert "image_width" not in saved
    saved = api.put(NOBODY, {**document, "image_width": 64, "image_height": 48}, If_Match="*")
    assert saved.json()["image_width"] == 64


def test_an_image_of_another_size_completes_nothing(api: Api) -> None:
    image_id = api.drop("scene.png", png(64, 48))
    old_document(api, image_id, image_width=640, image_height=480)
    document, tag = api.read(image_id)
    saved = api.put(image_id, document, If_Match=tag).json()
    assert "content_md5" not in saved["metadata"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "damaged_document"),
        (b'{"rects": [', "damaged_document"),
        (b'{"rects": "none", "image_path": "a.png"}', "damaged_document"),
        (
            b'{"shapes": [], "metadata": {"version": "2.0"}}',
            "newer_document",
        ),
    ],
)
def test_a_document_that_can_not_be_understood_is_never_overwritten(
    api: Api, data: bytes, code: str
) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    api.document_path(image_id).write_bytes(data)
    refused(api.client.get(f"/api/annotations/{image_id}"), 500, code, "left as it is")
    for headers in ({"If_Match": "*"}, {"If_Match": tag}, {"If_None_Match": "*"}):
        refused(api.put(image_id, document, **headers), 500, code, "left as it is")
    assert api.stored(image_id) == data


# --- what is no document ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rects": None}, "rects"),
        ({"rects": [rect(), rect(-1)]}, "rects[1].left"),
        ({"rects": [rect(60)]}, "rects[0].left"),
        ({"rects": [{**rect(), "width": -1}]}, "rects[0].width"),
        ({"rects": [{**rect(), "height": "20"}]}, "rects[0].height"),
        ({"rects": [rect(label=" ")]}, "rects[0].label"),
        ({"rects": [rect(label="x" * 101)]}, "rects[0].label"),
        ({"rects": [{"left": 1, "top": 1, "width": 1, "height": 1}]}, "rects[0].label"),
        ({"image_width": 0}, "image_width"),
        ({"metadata": {"status": "finished"}}, "metadata.status"),
        ({"metadata": {"version": "2.0"}}, "metadata.version"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_what_breaks_the_format_is_named(api: Api, change: dict[str, Any], field: str) -> None:
    image_id = api.image("a.png", png(64, 48))
    document, tag = api.read(image_id)
    before = api.stored(image_id)
    answer = api.put(image_id, document | change, If_Match=tag)
    body = refused(answer, 422, "invalid_document")
    assert body["error"]["field"] == field
    assert api.stored(image_id) == before


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"rects": [NaN]}', b"[" * 100_000, b'"\\ud800"'],
)
def test_what_is_no_document_at_all(api: Api, body: bytes) -> None:
    image_id = api.image()
    _, tag = api.read(image_id)
    before = api.stored(image_id)
    refused(api.put(image_id, body, If_Match=tag), 422, "invalid_document")
    assert api.stored(image_id) == before


def test_numbers_that_json_does_not_have_are_refused(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    for number in ("NaN", "Infinity", "1e999"):
        text = json.dumps({**document, "rects": [rect(4.25)]}).replace("4.25", number)
        answer = api.put(image_id, text.encode(), If_Match=tag)
        assert refused(answer, 422, "invalid_document")["error"]["field"] in ("rects[0].left", "")


def test_too_much_is_refused(open_api: Open) -> None:
    api = open_api()
    image_id = api.image()
    document, tag = api.read(image_id)
    body = json.dumps(document).encode() + b" " * (16 * 2**20)
    refused(api.put(image_id, body, If_Match=tag), 413, "too_large", "16 MB")
