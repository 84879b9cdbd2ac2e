"""Each call that writes, or that gives a dataset away, has its one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from labeler.api import Signed
from labeler.datasets.formats.registry import EXPORTED
from labeler.runtime.events import EVENT, Audit
from tests.api.support import Api, rect
from tests.pictures import png

NO_LINE = {
    ("POST", "/api/claims"): "a claim says who looks at an image, and ends on its own",
    ("PUT", "/api/claims/{image_id}"): "as above",
    ("DELETE", "/api/claims/{image_id}"): "as above",
}


def _saved(api: Api) -> str:
    image_id = api.image()
    api.save(image_id, rect(label="object"))
    return image_id


def _upload(api: Api) -> Any:
    return lambda: api.add("new.png", png(8, 8))


def _save(api: Api) -> Any:
    image_id = _saved(api)
    document, tag = api.read(image_id)
    document["rects"] = []
    return lambda: api.put(image_id, document, If_Match=tag)


def _restore(api: Api) -> Any:
    image_id = _saved(api)
    address = f"/api/annotations/{image_id}"
    oldest = api.client.get(f"{address}/versions").json()["versions"][-1]["version"]
    _, tag = api.read(image_id)
    return lambda: api.client.post(
        f"{address}/restore", json={"version": oldest}, headers={"If-Match": tag}
    )


def _review(api: Api) -> Any:
    image_id = _saved(api)
    _, tag = api.read(image_id)
    return lambda: api.client.post(
        f"/api/annotations/{image_id}/review",
        json={"verdict": "return"},
        headers={"If-Match": tag},
    )


def _assign(api: Api) -> Any:
    image_id = _saved(api)
    return lambda: api.client.post(
        f"/api/annotations/{image_id}/assign",
        json={"person": "lea@example.com"},
        headers={"If-Match": "*"},
    )


def _delete(api: Api) -> Any:
    image_id = _saved(api)
    _, tag = api.read(image_id)
    return lambda: api.client.delete(f"/api/images/{image_id}", headers={"If-Match": tag})


def _bring_back(api: Api) -> Any:
    image_id = _saved(api)
    _, tag = api.read(image_id)
    api.client.delete(f"/api/images/{image_id}", headers={"If-Match": tag})
    return lambda: api.client.post(f"/api/images/{image_id}/restore")


def _labels(api: Api) -> Any:
    answer = api.client.get("/api/labels")
    content, tag = answer.json(), answer.headers["ETag"]
    content["labels"][0]["color"] = "#123456"
    return lambda: api.client.put("/api/labels", json=content, headers={"If-Match": tag})


def _guide(api: Api) -> Any:
    return lambda: api.client.put(
        "/api/guide", json={"text": "Draw."}, headers={"If-None-Match": "*"}
    )


def _guide_picture(api: Api) -> Any:
    return lambda: api.client.put("/api/guide/car.png", content=png(8, 8))


def _import(api: Api) -> Any:
    _saved(api)
    data = api.client.get("/api/export/coco").content
    return lambda: api.client.post("/api/imports?format=coco", content=data)


def _write_export(api: Api) -> Any:
    _saved(api)
    return lambda: api.client.post("/api/exports")


def _fetch_export(api: Api) -> Any:
    _saved(api)
    key = api.client.post("/api/exports").json()["object"]
    return lambda: api.client.get(f"/api/{key}")


def _download(name: str) -> Callable[[Api], Any]:
    def prepare(api: Api) -> Any:
        _saved(api)
        return lambda: api.client.get(f"/api/export/{name}")

    return prepare


LINES: dict[tuple[str, str], tuple[str, Callable[[Api], Any]]] = {
    ("POST", "/api/images"): ("upload", _upload),
    ("DELETE", "/api/images/{image_id}"): ("delete", _delete),
    ("POST", "/api/images/{image_id}/restore"): ("restore", _bring_back),
    ("PUT", "/api/annotations/{image_id}"): ("save", _save),
    ("POST", "/api/annotations/{image_id}/restore"): ("save", _restore),
    ("POST", "/api/annotations/{image_id}/review"): ("save", _review),
    ("POST", "/api/annotations/{image_id}/assign"): ("assign", _assign),
    ("PUT", "/api/labels"): ("labels", _labels),
    ("PUT", "/api/guide"): ("guide", _guide),
    ("PUT", "/api/guide/{picture}"): ("guide", _guide_picture),
    ("POST", "/api/imports"): ("import", _import),
    ("POST", "/api/exports"): ("export", _write_export),
    ("GET", "/api/exports/{name}"): ("export", _fetch_export),
    **{("GET", f"/api/export/{kind.name}"): ("export", _download(kind.name)) for kind in EXPORTED},
}


def test_each_call_that_writes_is_known(api: Api) -> None:
    calls = {
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Signed)
        for method in route.roles
        if method != "GET" or "/export" in route.path
    }
    assert calls == LINES.keys() | NO_LINE.keys()


@pytest.mark.parametrize("call", list(LINES), ids=" ".join)
def test_a_call_has_one_line(
    api: Api, call: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    action, prepare = LINES[call]
    api.client.get("/api/labels")  # makes the first label set
    run = prepare(api)
    caplog.set_level(logging.INFO)
    caplog.clear()
    assert run().is_success
    told = [getattr(record, EVENT, None) for record in caplog.records]
    found = [event for event in told if isinstance(event, Audit) and event.action == action]
    assert len(found) == 1
    # An upload makes the empty document too.
    others = {event.action for event in told if isinstance(event, Audit)} - {action}
    assert others <= ({"save"} if action == "upload" else set())
