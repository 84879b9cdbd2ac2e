"""What the answers to refused calls say, and how much of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from labeler.api.responses import MOST_TOLD
from tests.api.support import Api

LONG = "x" * 30_000
Call = Callable[[httpx.Client, str], httpx.Response]


def put_status(client: httpx.Client, image_id: str) -> httpx.Response:
    found = client.get(f"/api/annotations/{image_id}")
    document = found.json()
    document["metadata"]["status"] = LONG
    condition = {"If-Match": found.headers["ETag"]}
    return client.put(f"/api/annotations/{image_id}", json=document, headers=condition)


CALLS: dict[str, tuple[Call, int, str]] = {
    "a body": (
        lambda client, _: client.post("/api/claims", json={"order": LONG}),
        400, "is not one of returned, name, newest, random.",
    ),
    "a document": (put_status, 422, "skipped, approved, returned."),
    "a parameter": (
        lambda client, _: client.get("/api/statistics", params={"by": LONG}),
        400, "is not one of label, person, day, status, warning, assigned.",
    ),
    "a path": (
        lambda client, _: client.get(f"/api/{LONG}"),
        404, "/api/openapi.json lists them all.",
    ),
    "an image ID": (
        lambda client, _: client.get(f"/api/images/{LONG}"), 404, "Choose one from the list.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS)
def test_an_answer_quotes_little_of_a_long_call_and_says_what_to_do(api: Api, what: str) -> None:
    call, status, ends = CALLS[what]
    answer = call(api.client, api.image())
    assert answer.status_code == status
    message = answer.json()["error"]["message"]
    assert len(message) == MOST_TOLD
    assert "x…x" in message
    assert message.endswith(ends)
