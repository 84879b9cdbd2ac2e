"""GET and PUT /api/guide, and its pictures."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support import Api, refused
from tests.pictures import png

TEXT = "# Cars\n\nDraw *all* of a car: ![](a.png) – also the mirrors. \N{AUTOMOBILE}"


def test_an_admin_writes_the_guide_over_the_state_that_they_have_read(api: Api) -> None:
    empty = api.client.get("/api/guide")
    assert (empty.json(), empty.headers.get("ETag")) == ({"text": ""}, None)
    first = api.client.put("/api/guide", json={"text": TEXT}, headers={"If-None-Match": "*"})
    assert (first.status_code, first.json()) == (201, {"text": TEXT})
    assert (api.folder / "guide.md").read_text(encoding="utf-8") == TEXT
    read = api.client.get("/api/guide")
    assert (read.json(), read.headers["ETag"]) == ({"text": TEXT}, first.headers["ETag"])
    over = {"If-Match": first.headers["ETag"]}
    second = api.client.put("/api/guide", json={"text": "short"}, headers=over)
    assert second.status_code == 200
    late = api.client.put("/api/guide", json={"text": "late"}, headers=over)
    refused(late, 412, "version_conflict", "Somebody else")
    assert (late.json()["text"], late.json()["etag"]) == ("short", second.headers["ETag"])


@pytest.mark.parametrize("body", ["", "{}", '{"text": 1}', '{"text": null}'])
def test_what_is_no_text_is_refused(api: Api, body: str) -> None:
    answer = api.client.put("/api/guide", content=body, headers={"If-None-Match": "*"})
    refused(answer, 422, "invalid_document", "text")
    refused(api.client.put("/api/guide", json={"text": ""}), 428, "precondition_required")
    assert not (api.folder / "guide.md").exists()


@pytest.mark.parametrize("body", ['{"text": "\\ud800"}', '{"\\ud800": ""}', '{"text": NaN}'])
def test_what_json_or_utf_8_can_not_hold_is_refused(api: Api, body: str) -> None:
    answer = api.client.put("/api/guide", content=body, headers={"If-None-Match": "*"})
    refused(answer, 400, "bad_request", "The body")
    assert not (api.folder / "guide.md").exists()


def test_a_guide_from_another_editor_is_read_and_a_damaged_one_left_alone(api: Api) -> None:
    (api.folder / "guide.md").write_bytes(b"\xef\xbb\xbf# Caf\xc3\xa9\r\n")
    assert api.client.get("/api/guide").json() == {"text": "# Café\r\n"}
    (api.folder / "guide.md").write_bytes(b"\xff\xfe#\0")
    refused(api.client.get("/api/guide"), 500, "damaged_document", "UTF-8")
    written = api.client.put("/api/guide", json={"text": "new"}, headers={"If-None-Match": "*"})
    refused(written, 500, "damaged_document")
    assert (api.folder / "guide.md").read_bytes() == b"\xff\xfe#\0"


def test_pictures_come_from_the_guides_folder_alone(api: Api) -> None:
    (api.folder / "guide").mkdir()
    for name in ("a b.PNG", "x.svg", ".a.png"):
        (api.folder / "guide" / name).write_bytes(png())
    found = api.client.get("/api/guide/a%20b.PNG")
    assert (found.status_code, found.content) == (200, png())
    assert found.headers["Content-Type"] == "image/png"
    for other in ("x.svg", ".a.png", "none.png", "..%5Clabels.json", "%2e%2e%2fa.png"):
        refused(api.client.get(f"/api/guide/{other}"), 404, "not_found")


def test_labelers_read_the_guide_and_do_not_write_it(open_api: Open) -> None:
    api = open_api(LABELER_AUTH="oidc", LABELER_ADMINS="ana@example.com")
    token = api.token("ben@example.com", time.time())
    api.client.headers["Authorization"] = f"Bearer {token}"
    assert api.client.get("/api/guide").status_code == 200
    answer = api.client.put("/api/guide", json={"text": ""}, headers={"If-None-Match": "*"})
    refused(answer, 403, "not_permitted", "admin")


def add_picture(api: Api, name: str, data: bytes) -> httpx.Response:
    return api.client.put(f"/api/guide/{name}", content=data)


def test_an_admin_adds_a_picture_and_nobody_replaces_it(api: Api) -> None:
    first = add_picture(api, "a%20car.png", png(8, 6))
    assert (first.status_code, first.json()) == (201, {"picture": "a car.png"})
    assert (api.folder / "guide/a car.png").read_bytes() == png(8, 6)
    assert add_picture(api, "a%20car.png", png(8, 6)).status_code == 200
    refused(add_picture(api, "a%20car.png", png(9, 9)), 409, "image_conflict", "another name")
    shown = api.client.get("/api/guide/a%20car.png")
    assert (shown.status_code, shown.content) == (200, png(8, 6))
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("a.png", b"<svg onload='alert(1)'/>", 415, "not_an_image"),
        ("a.png", b"", 415, "not_an_image"),
        ("a.jpg", png(), 415, "not_an_image"),
        ("a.png", png(40, 40)[:-60], 422, "damaged_image"),
        ("a.svg", png(), 404, "not_found"),
        (".a.png", png(), 404, "not_found"),
        ("..%2Fa.png", png(), 404, "not_found"),
        ("a%E2%80%AEgnp.png", png(), 404, "not_found"),
        ("a%C2%9B.png", png(), 404, "not_found"),
        ("%20.png", png(), 404, "not_found"),
    ],
)
def test_what_is_no_picture_of_a_guide_is_refused(
    api: Api, name: str, data: bytes, status: int, code: str
) -> None:
    refused(add_picture(api, name, data), status, code)
    assert not (api.folder / "guide").exists()
