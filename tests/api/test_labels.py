"""The label set over HTTP: conditional like documents, and nothing of it can be lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from labeler.model.labels import LabelSet, dump_label_set
from tests.api.conftest import Open
from tests.api.support import Api, named, refused


def read(api: Api) -> tuple[dict[str, Any], str | None]:
    answer = api.client.get("/api/labels")
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers.get("ETag")


def put(api: Api, labels: Any, **headers: str) -> httpx.Response:
    content = labels if isinstance(labels, bytes) else json.dumps(labels)
    return api.client.put("/api/labels", content=content, headers=named(headers))


def stored(open_api: Open) -> tuple[Api, dict[str, Any], str]:
    """The API over a label set that is stored: person, car."""
    api = open_api(LABELER_LABELS="person,car")
    labels, tag = read(api)
    assert tag
    return api, labels, tag


def test_labels_are_stored_before_they_are_answered(open_api: Open) -> None:
    api, labels, tag = stored(open_api)
    assert [one["name"] for one in labels["labels"]] == ["person", "car"]
    assert json.loads((api.folder / "labels.json").read_bytes()) == labels
    other = open_api(folder=api.folder, LABELER_LABELS="something,else")
    assert read(other) == (labels, tag)
    body = refused(put(api, labels, If_None_Match="*"), 412, "version_conflict", "has changed")
    assert (body["labels"], body["etag"]) == (labels, tag)


def test_labels_that_nobody_has_seen_can_be_created(open_api: Open) -> None:
    api = open_api(LABELER_LABELS="person,car")
    first = LabelSet().added(["person", "car", "bus"])
    content = dump_label_set(first)
    refused(put(api, content, If_Match='"1"'), 412, "version_conflict", "is not stored")
    answer = put(api, content, If_None_Match="*")
    assert (answer.status_code, answer.content) == (201, content)
    assert (api.folder / "labels.json").read_bytes() == content
    assert read(api) == (answer.json(), answer.headers["ETag"])


def test_a_change_names_what_it_replaces(open_api: Open) -> None:
    api, labels, tag = stored(open_api)
    refused(put(api, labels), 428, "precondition_required")
    labels["labels"][1]["name"] = "vehicle"
    labels["labels"].append({"number": 3, "name": "bus", "color": "#000000", "merged_into": 2})
    answer = put(api, labels, If_Match=tag)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["labels"][1]["former"] == ["car"]
    assert read(api) == (changed, answer.headers["ETag"])
    body = refused(put(api, labels, If_Match=tag), 412, "version_conflict", "has changed")
    assert (body["labels"], body["etag"]) == (changed, answer.headers["ETag"])
    assert api.project.labels.read().shown("bus") == "vehicle"


def test_who_has_it_is_not_sent_it_again(open_api: Open) -> None:
    api, _, tag = stored(open_api)
    answer = api.client.get("/api/labels", headers={"If-None-Match": f"W/{tag}"})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == tag
    other = api.client.get("/api/labels", headers={"If-None-Match": '"x"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        (b"", "", "EOF"),
        (b"[]", "", "object"),
        ({"labels": []}, "labels", "number 1 ('person') is missing"),
        ({"labels": [{"number": 1}]}, "labels[0].name", "required"),
        ({"version": "2.0", "labels": []}, "version", "newer"),
    ],
)
def test_what_would_lose_a_label_or_is_no_label_set(
    open_api: Open, body: Any, field: str, word: str
) -> None:
    api, labels, tag = stored(open_api)
    error = refused(put(api, body, If_Match=tag), 422, "invalid_document", word)
    assert error["error"]["field"] == field
    assert read(api) == (labels, tag)


def test_a_damaged_label_set_is_left_as_it_is(api: Api) -> None:
    (api.folder / "labels.json").write_bytes(b"{")
    refused(api.client.get("/api/labels"), 500, "damaged_document", "left as it is")
    refused(put(api, {"labels": []}, If_Match="*"), 500, "damaged_document")
    assert (api.folder / "labels.json").read_bytes() == b"{"


def test_many_at_once_lose_no_change(open_api: Open) -> None:
    api, _, _ = stored(open_api)

    def add(name: str) -> None:
        while True:
            labels, tag = read(api)
            number = len(labels["labels"]) + 1
            labels["labels"].append({"number": number, "name": name, "color": "#000000"})
            if put(api, labels, If_Match=tag or "").status_code == 200:
                return

    names = [f"label {number}" for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, names))
    found = [one["name"] for one in read(api)[0]["labels"]]
    assert found[:2] == ["person", "car"]
    assert sorted(found[2:]) == names


def test_a_body_that_is_too_large(open_api: Open) -> None:
    api, _, tag = stored(open_api)
    refused(put(api, b" " * (4 * 2**20 + 1), If_Match=tag), 413, "too_large", "The list of labels")
