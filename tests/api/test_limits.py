"""Each limit is kept by a call, told to programs and told to people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from labeler.model import limits
from labeler.model.limits import AT_ONCE, LIMITS, AtOnce, Limit, size_text
from tests.api.support import Api, rect, refused

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_documentation_lists_the_limits_as_they_are() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| (.+) \| (\d+) `(\w+)` \|$", DOCS.read_text(), re.MULTILINE)
    listed = [
        Limit(what, int(most.replace(",", "")), int(status), code)
        for most, what, status, code in rows
    ]
    assert listed == list(LIMITS)


def test_the_documentation_lists_what_is_done_at_once() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|$", DOCS.read_text(), re.MULTILINE)
    listed = [AtOnce(what, int(most)) for most, what in rows]
    assert listed[: len(AT_ONCE)] == list(AT_ONCE)


def test_programs_are_told_the_limits(api: Api) -> None:
    told = api.client.get("/api/openapi.json").json()
    assert [AtOnce(**one) for one in told["x-at-once"]] == list(AT_ONCE)
    assert [Limit(**one) for one in told["x-limits"]] == list(LIMITS)
    schemas = told["components"]["schemas"]
    assert schemas["WantedDocument"]["properties"]["rects"]["maxItems"] == limits.MAX_RECTS
    assert schemas["WantedDocument"]["properties"]["comments"]["maxItems"] == limits.MAX_COMMENTS
    assert schemas["LabelSet"]["properties"]["labels"]["maxItems"] == limits.MAX_LABELS


def saved(api: Api, **changes: Any) -> httpx.Response:
    """The answer to a save of a new image's document with these changes."""
    image_id = api.image()
    document, tag = api.read(image_id)
    return api.put(image_id, document | changes, If_Match=tag)


def comments(count: int, length: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"c{number}", "text": "x" * length} for number in range(count)]


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def values(api: Api, most: int) -> httpx.Response:
    """A save of a document with so many values; commas in a text are none."""
    image_id = api.image()
    document, tag = api.read(image_id)
    document["theirs"] = [",[{" * 1000, 0]
    text = json.dumps(document).replace(",[{", "")
    document["theirs"] += [0] * (most - sum(map(text.count, ",[{")))
    return api.put(image_id, document, If_Match=tag)


def label_set(api: Api, count: int) -> httpx.Response:
    labels = [{"number": n, "name": f"l{n}", "color": "#000000"} for n in range(1, count + 1)]
    content = json.dumps({"labels": labels}, separators=(",", ":"))
    return api.client.put("/api/labels", content=content, headers={"If-None-Match": "*"})


def body(method: str, path: str, **headers: str) -> Callable[[Api, int], httpx.Response]:
    def call(api: Api, size: int) -> httpx.Response:
        target = path.format(api.image() if "{" in path else "")
        return api.client.request(method, target, content=b" " * size, headers=headers)

    return call


ANY = {"If-Match": '"x"'}
CALLS: dict[str, Callable[[Api, int], httpx.Response]] = {
    "boxes of an image": lambda api, most: saved(api, rects=[rect()] * most),
    "levels of JSON within each other": lambda api, most: saved(api, theirs=nested(most)),
    "values in the JSON of a document": values,
    "characters of a label": lambda api, most: saved(api, rects=[rect(label="x" * most)]),
    "labels of the project": label_set,
    "comments on an image": lambda api, most: saved(api, comments=comments(most)),
    "characters of a comment": lambda api, most: saved(api, comments=comments(1, most)),
    "bytes of a document": body("PUT", "/api/annotations/{}", **ANY),
    "bytes of the list of labels": body("PUT", "/api/labels", **ANY),
    "bytes of the guide": body("PUT", "/api/guide", **ANY),
    "bytes of a picture of the guide": body("PUT", "/api/guide/a.png"),
    "bytes of an export's selection": body("POST", "/api/exports"),
    "bytes of a claim, a review or a restore": body("POST", "/api/claims"),
    "images whose boxes are asked for in one call": lambda api, most: api.client.get(
        "/api/boxes?images=" + ",".join(["a"] * most)
    ),
    "boxes of a page of one label": lambda api, most: api.client.get(
        f"/api/crops?label=object&limit={most}"
    ),
    "values of one parameter of a selection": lambda api, most: api.client.get(
        "/api/export/coco?" + "&".join(["label=object"] * most)
    ),
    "images of a page of the list": lambda api, most: api.client.get(f"/api/images?limit={most}"),
    "characters of a search": lambda api, most: api.client.get("/api/images?find=" + "x" * most),
    "pixels of a copy's width": lambda api, most: api.client.get(
        f"/api/images/{api.image()}?width={most}"
    ),
}


def test_each_limit_has_a_call_that_keeps_it() -> None:
    """An import of 512 MB is cut off as all bodies are (test_every_call.py)."""
    assert CALLS.keys() | {"bytes of an import"} == {limit.what for limit in LIMITS}


@pytest.mark.parametrize(
    "limit", [one for one in LIMITS if one.what in CALLS], ids=lambda one: one.what
)
def test_more_is_refused_with_the_limit(api: Api, limit: Limit) -> None:
    answer = refused(CALLS[limit.what](api, limit.most + 1), limit.status, limit.code)
    message = answer["error"]["message"]
    most = size_text(limit.most) if limit.what.startswith("bytes") else str(limit.most)
    assert re.search(rf"\b{most}\b", message), message


@pytest.mark.parametrize("what", [what for what in CALLS if not what.startswith("bytes")])
def test_as_much_is_accepted(api: Api, what: str) -> None:
    limit = next(one for one in LIMITS if one.what == what)
    answer = CALLS[what](api, limit.most)
    assert answer.is_success, answer.text[:300]
