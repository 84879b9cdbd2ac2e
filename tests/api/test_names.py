"""How people are named in what is stored and logged: by address, by a hash, or not at all."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import asdict
from typing import Any

import pytest

from labeler.access.policy import load_access_policy
from labeler.errors import SettingsError
from labeler.model.people import Person
from labeler.runtime.events import EVENT
from labeler.settings import load_settings
from tests.api.conftest import Open
from tests.api.support import Api, rect
from tests.pictures import png

ANA = "ana@example.com"
KEY = "the secret of the API's tests, long enough"


def work(api: Api) -> None:
    """Everything that names a person: upload, save, comment, claim, review, labels, import."""
    api.client.headers["Authorization"] = f"Bearer {api.token(ANA, time.time())}"
    image_id = api.image("a.png")
    document, tag = api.read(image_id)
    document["rects"] = [rect()]
    document["comments"] = [{"id": "c1", "text": "look", "by": ANA, "at": ""}]
    document["metadata"]["saved_by"] = ANA
    answer = api.put(image_id, document, If_Match=tag)
    assert answer.status_code == 200, answer.text
    api.image("b.png", png(8, 8))
    assert api.client.post("/api/claims", json={}).status_code == 200
    review = api.client.post(
        f"/api/annotations/{image_id}/review",
        json={"verdict": "return", "comment": "again"},
        headers={"If-Match": answer.headers["ETag"]},
    )
    assert review.status_code == 200, review.text
    assert api.client.get("/api/export/coco").status_code == 200
    assert api.client.post("/api/exports", content=b"{}").status_code == 201


def kept(api: Api, caplog: pytest.LogCaptureFixture) -> str:
    """All that is in the folder, and all events of the log."""
    files = [path.read_bytes() for path in sorted(api.folder.rglob("*")) if path.is_file()]
    events: list[Any] = [getattr(record, EVENT, None) for record in caplog.records]
    told = [str(asdict(event)) for event in events if event is not None]
    return b"\n".join(files).decode("utf-8", "replace") + "\n".join(told)


def opened(open_api: Open, saved_by: str) -> Api:
    return open_api(LABELER_AUTH="oidc", LABELER_SAVED_BY=saved_by)


@pytest.mark.parametrize("saved_by", ["email", "hash", "off"])
def test_nothing_that_is_kept_names_a_person_otherwise(
    open_api: Open, caplog: pytest.LogCaptureFixture, saved_by: str
) -> None:
    caplog.set_level(logging.INFO)
    api = opened(open_api, saved_by)
    work(api)
    text = kept(api, caplog)
    assert ("ana" in text) == (saved_by == "email")
    [image_id, *_] = [
        one["image_id"] for one in api.client.get("/api/images?status=returned").json()["images"]
    ]
    document, _ = api.read(image_id)
    names = {
        document["metadata"]["saved_by"],
        document["metadata"]["review"]["by"],
        *(comment["by"] for comment in document["comments"]),
    }
    if saved_by == "hash":
        [name] = names
        assert re.fullmatch("[0-9a-f]{16}", name)
        assert f"'person': '{name}'" in text
        counted = api.client.get("/api/statistics?by=person").json()
        assert name in str(counted)
    else:
        assert names == {ANA if saved_by == "email" else ""}


def test_a_hash_is_the_persons_and_the_keys() -> None:
    def name(email: str, key: str = KEY) -> str:
        settings = load_settings({"LABELER_SECRET_KEY": key, "LABELER_SAVED_BY": "hash"})
        return load_access_policy(settings).named(Person(email)).name

    assert name(ANA) == name(ANA)
    assert len({name(ANA), name("ben@example.com"), name(ANA, KEY + "!")}) == 3
    assert name("") == ""


def test_a_hash_needs_the_key_that_all_instances_share() -> None:
    environ = {"LABELER_STORAGE": "gs://labels", "LABELER_SAVED_BY": "hash"}
    with pytest.raises(SettingsError, match="LABELER_SECRET_KEY"):
        load_settings(environ)
    with pytest.raises(SettingsError, match="must be one of email, hash, off"):
        load_settings({"LABELER_SAVED_BY": "name"})
