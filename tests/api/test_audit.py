"""Who did what is in the log, once, with the versions, and without anything that is nobody's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from labeler.runtime.events import EVENT, Audit
from tests.api.conftest import Open
from tests.api.support import Api, rect
from tests.pictures import png

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """The audit lines since the last call."""
    caplog.set_level(logging.INFO)

    def take() -> list[dict[str, Any]]:
        events = [getattr(record, EVENT, None) for record in caplog.records]
        caplog.clear()
        return [asdict(event) for event in events if isinstance(event, Audit)]

    return take


def line(action: str, target: str, **more: str) -> dict[str, Any]:
    empty = {"person": "", "old_version": "", "new_version": "", "code": ""}
    return {**empty, "action": action, "target": target, **more}


def test_each_change_is_logged_with_both_versions(api: Api, lines: Lines) -> None:
    image_id = api.image("a.png")
    saved, uploaded = lines()
    key = f"annotations/{image_id}.json"
    assert uploaded == line("upload", "uploads/a.png")
    assert saved == line("save", key, new_version=saved["new_version"])
    assert saved["new_version"]
    api.save(image_id, rect(label="secret label"))
    (again,) = lines()
    assert again["old_version"] == saved["new_version"]
    assert again["new_version"] not in ("", again["old_version"])
    assert "secret label" not in str(again)


def test_label_changes_exports_and_imports_are_logged(api: Api, lines: Lines) -> None:
    api.save(api.image(), rect())
    lines()
    answer = api.client.get("/api/labels")
    content = answer.json()
    content["labels"][0]["color"] = "#123456"
    api.client.put("/api/labels", json=content, headers={"If-Match": answer.headers["ETag"]})
    (labels,) = (one for one in lines() if one["old_version"])
    assert (labels["action"], labels["target"]) == ("labels", "labels.json")
    assert labels["new_version"] != labels["old_version"]
    exported = api.client.get("/api/export/coco")
    assert exported.is_success
    assert lines() == [line("export", "coco")]
    api.client.post("/api/imports?format=coco", content=exported.content)
    assert line("import", "coco") in lines()
    api.client.post("/api/imports?format=coco&dry_run=1", content=exported.content)
    assert lines() == []


def test_persons_are_named_to_the_end_of_an_answer(open_api: Open, lines: Lines) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: 1000.0)
        api = open_api(
            LABELER_AUTH="oidc", LABELER_ADMINS="ana@example.com", LABELER_OIDC_CLIENT_ID=""
        )
        ana = {"Authorization": f"Bearer {api.token('ana@example.com', 1000.0)}"}
        added = api.client.post(
            "/api/images", content=png(), headers={**ana, "X-File-Name": "a.png"}
        )
        assert added.is_success, added.text
        assert api.client.get("/api/export/coco", headers=ana).is_success
        told = lines()
        assert [one["action"] for one in told] == ["save", "upload", "labels", "export"]
        assert {one["person"] for one in told} == {"ana@example.com"}

        refused: list[httpx.Response] = [
            api.client.get("/api/images"),
            api.client.get("/api/images", headers={"Authorization": "Bearer wrong-token"}),
            httpx.post(f"{api.client.base_url}/api/exports", headers=ana),
        ]
        ben = {"Authorization": f"Bearer {api.token('ben@example.com', 1000.0)}"}
        refused.append(api.client.get("/api/export/coco", headers=ben))
        assert [answer.status_code for answer in refused] == [401, 401, 403, 403]
        told = lines()
    assert told == [
        line("refusal", "GET /api/images", code="not_signed_in"),
        line("refusal", "GET /api/images", code="invalid_token"),
        line("refusal", "POST /api/exports", code="forbidden"),
        line("refusal", "GET /api/export/coco", code="not_permitted", person="ben@example.com"),
    ]
