"""PUT /api/annotations/{id} with a change of the stored document instead of the whole."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from labeler.model.document_change import CHANGE_TYPE
from labeler.model.limits import DOCUMENT_BYTES, MAX_RECTS
from tests.api.support import Api, rect, refused


def put(api: Api, image_id: str, change: Any, **headers: str) -> httpx.Response:
    return api.put(image_id, change, Content_Type=CHANGE_TYPE, **headers)


def test_one_box_more_is_sent_in_a_few_bytes_and_answered_in_fewer(api: Api) -> None:
    image_id = api.image()
    boxes = [rect(id=f"box{number}") for number in range(60)]
    tag = api.save(image_id, *boxes, own=1)
    before, _ = api.read(image_id)
    change = {"rects": {"new": rect(3, "person", pose="standing"), "box7": {"left": 5}}}
    answer = put(api, image_id, change, If_Match=tag, Prefer="return=minimal")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Preference-Applied"] == "return=minimal"
    assert len(answer.request.content) < 200
    stored, tag = api.read(image_id)
    assert answer.headers["ETag"] == tag
    boxes[7]["left"] = 5
    boxes.append(rect(3, "person", pose="standing", id="new"))
    assert stored["rects"] == boxes
    for name in ("saved_at", "saved_by"):
        before["metadata"].pop(name, None)
        stored["metadata"].pop(name, None)
    assert {**stored, "rects": []} == {**before, "rects": []}
    whole = put(api, image_id, {"rects": {"new": None}}, If_Match=tag)
    assert (whole.json(), whole.headers["ETag"]) == api.read(image_id)
    assert whole.json()["rects"] == boxes[:-1]


def test_a_change_of_another_state_changes_nothing(api: Api) -> None:
    """A change is meant for the state that it was made from, never for what came after."""
    image_id = api.image()
    stale = api.save(image_id, rect(id="mine"))
    tag = api.save(image_id, rect(7, id="theirs"))
    before = api.stored(image_id)
    for headers in ({"If_Match": stale}, {"If_None_Match": "*"}):
        answer = put(api, image_id, {"rects": {"mine": None}}, **headers)
        body = refused(answer, 412, "version_conflict")
        assert (body["document"], body["etag"]) == (api.read(image_id)[0], tag)
    refused(put(api, image_id, {"rects": {}}), 428, "precondition_required")
    assert api.stored(image_id) == before


@pytest.mark.parametrize("kind", ["application/json", "", f"x{CHANGE_TYPE}", "application/*"])
def test_a_body_of_another_type_is_a_whole_document(api: Api, kind: str) -> None:
    image_id = api.image()
    tag = api.save(image_id, rect(id="a"))
    answer = api.put(image_id, {"rects": {"a": None}}, If_Match=tag, Content_Type=kind)
    assert refused(answer, 422, "invalid_document")["error"]["field"] == "rects"
    answer = api.put(
        image_id, {"rects": {"a": None}}, If_Match=tag, Content_Type=f"{CHANGE_TYPE.upper()} ; x=y"
    )
    assert answer.json()["rects"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rects": {"a": {"left": -1}}}, "rects[0].left"),
        ({"rects": {"a": {"label": None}}}, "rects[0].label"),
        ({"rects": {"n": {"left": 1}}}, "rects[1].top"),
        ({"rects": {f"n{number}": rect() for number in range(MAX_RECTS)}}, "rects"),
        ({"rects": None}, "rects"),
        ({"rects": []}, "rects"),
        ({"image_width": 4000}, "image_width"),
        ({"metadata": {"status": "finished"}}, "metadata.status"),
        ({"x": float("inf")}, "x"),
        ({"rects": {"a": {"left": float("nan")}}}, "rects[0].left"),
        (b'{"x": 1e999}', "x"),
        (gzip.compress(b"{}", mtime=0), ""),
    ],
)
def test_what_breaks_the_format_is_refused_as_in_a_whole_document(
    api: Api, change: Any, field: str
) -> None:
    image_id = api.image()
    tag = api.save(image_id, rect(id="a"))
    before = api.stored(image_id)
    body = refused(put(api, image_id, change, If_Match=tag), 422, "invalid_document")
    assert body["error"]["field"] == field
    assert api.stored(image_id) == before


def test_a_change_is_as_limited_as_a_document(api: Api) -> None:
    image_id = api.image()
    tag = api.save(image_id)
    refused(put(api, image_id, b" " * (DOCUMENT_BYTES + 1), If_Match=tag), 413, "too_large")
    half = "x" * (DOCUMENT_BYTES // 2)
    tag = put(api, image_id, {"one": half}, If_Match=tag).headers["ETag"]
    before = api.stored(image_id)
    refused(put(api, image_id, {"two": half}, If_Match=tag), 413, "too_large", "16 MB")
    assert api.stored(image_id) == before


def test_old_ids_name_the_rects_of_another_program(api: Api) -> None:
    """Rects without IDs are answered with some, and a change names these."""
    image_id = api.drop("scene.png")
    data = {"rects": [rect(), rect(5)], "image_path": "scene.png"}
    api.document_path(image_id).parent.mkdir(parents=True, exist_ok=True)
    api.document_path(image_id).write_text(json.dumps(data))
    document, tag = api.read(image_id)
    first, second = document["rects"]
    answer = put(api, image_id, {"rects": {first["id"]: None}}, If_Match=tag)
    assert answer.json()["rects"] == [second]
