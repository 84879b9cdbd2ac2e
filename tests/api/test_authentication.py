"""Who may call: tokens, the header that other sites can't send, and where a call comes from."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import httpx
import pytest

from labeler.access.policy import TOKEN_HEADER
from labeler.datasets.formats.registry import EXPORTED
from tests.api.support import Api, named, refused
from tests.pictures import png

READS: Final = (
    "/api/images", "/api/annotations/{id}", "/api/images/{id}", "/api/labels",
    *(f"/api/export/{kind.name}" for kind in EXPORTED),
)  # fmt: skip
GOOGLE = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2EucnVuLmFwcCJ9.c2lnbmF0dXJl"


def writes(api: Api, **headers: str) -> list[httpx.Response]:
    """Each call that writes, with these headers on top of what it needs."""
    more = named(headers)
    image_id = "0" * 32
    return [
        api.client.post("/api/images", content=png(), headers={"X-File-Name": "w.png", **more}),
        api.client.put(f"/api/annotations/{image_id}", headers={"If-Match": "*", **more}),
        api.client.put("/api/labels", headers={"If-None-Match": "*", **more}),
        api.client.post("/api/exports", headers=more),
    ]


def all_refused(api: Api, status: int, code: str, word: str, **headers: str) -> None:
    for answer in writes(api, **headers):
        refused(answer, status, code, word)
    assert api.client.get("/api/images").json()["images"] == []
    assert not (api.folder / "uploads" / "w.png").exists()
    assert not (api.folder / "exports").exists()


# --- foreign pages ------------------------------------------------------------------------


def test_a_write_without_our_header_is_refused(api: Api) -> None:
    del api.client.headers["X-Labeler-Client"]
    all_refused(api, 403, "forbidden", "X-Labeler-Client")


@pytest.mark.parametrize("value", ["", "1", "labeler-ui/1.0"])
def test_any_value_of_it_does(api: Api, value: str) -> None:
    answer = api.add(X_Labeler_Client=value)
    assert answer.status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site", "whatever", ""])
def test_a_write_from_another_site_s_page_is_refused(api: Api, site: str) -> None:
    all_refused(api, 403, "forbidden", "another site", Sec_Fetch_Site=site)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1",
        "http://localhost:{port}", "http://127.0.0.1.evil.example:{port}", "http://[::1",
        "http://evil.example/127.0.0.1:{port}", "http://127.0.0.1:{port}@evil.example",
        "127.0.0.1:{port}", "http://127.0.0.1:{port}0",
    ],
)  # fmt: skip
def test_a_write_from_another_origin_is_refused(api: Api, origin: str) -> None:
    there = origin.format(port=api.served.port)
    host = there.rpartition("/")[2]
    all_refused(api, 403, "forbidden", "another site", Origin=there, X_Forwarded_Host=host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:{port}", "127.0.0.1:{port}"),
        ("https://labels.example", "labels.example"),
        ("https://labels.example", "labels.example:443"),
        ("http://labels.example", "labels.example:80"),
        ("https://Labels.Example", "labels.example"),
        ("https://labels.example:8443", "labels.example:8443"),
        ("http://[::1]:8501", "[::1]:8501"),
    ],
)
@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_a_write_from_our_own_page_passes(
    api: Api, origin: str, host: str, site: str | None
) -> None:
    """TLS may end before us: the page is https, what we are asked by is not."""
    port = api.served.port
    headers = {"Origin": origin.format(port=port), "Host": host.format(port=port)}
    if site:
        headers["Sec-Fetch-Site"] = site
    assert api.add("a.png", None, **headers).status_code == 201


def test_a_proxy_may_change_the_host_where_the_browser_vouches_for_the_page(api: Api) -> None:
    headers = {"Origin": "http://localhost:8080", "Host": "labels-x.run.app"}
    refused(api.add("a.png", None, **headers), 403, "forbidden", "Host")
    headers["Sec-Fetch-Site"] = "same-origin"
    assert api.add("a.png", None, **headers).status_code == 201


@pytest.mark.parametrize("path", READS)
def test_reading_needs_none_of_it(api: Api, path: str) -> None:
    """A link to an image or an export may stand anywhere."""
    path = path.format(id=api.image())
    del api.client.headers["X-Labeler-Client"]
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    answer = api.client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_browser_is_allowed_to_ask_across_sites(api: Api) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = api.client.options("/api/images", headers=headers)
    refused(answer, 405, "method_not_allowed")
    assert not [name for name in answer.headers if name.startswith("access-control")]


# --- tokens -------------------------------------------------------------------------------


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}".strip()}


def test_a_token_for_calls_names_the_caller_at_each(api: Api) -> None:
    image_id = api.image()
    headers = bearer(api.token("ana", time.time()))
    for path in READS:
        assert api.client.get(path.format(id=image_id), headers=headers).status_code == 200
    assert api.client.post("/api/exports", headers=headers).status_code == 201


Spoil = Callable[[Api, str], str]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda api, image_id: "nonsense",
        lambda api, image_id: "",
        lambda api, image_id: api.token("ana", time.time() - 7200),
        lambda api, image_id: api.token("ana", time.time())[:-1],
        lambda api, image_id: api.token("ana", time.time(), image_id),
    ],
    ids=["nonsense", "empty", "expired", "changed", "for a picture"],
)
@pytest.mark.parametrize("header", ["Authorization", TOKEN_HEADER])
def test_a_wrong_token_is_refused_at_each_call(api: Api, header: str, spoil: Spoil) -> None:
    image_id = api.image()
    headers = bearer(spoil(api, image_id))
    if header != "Authorization":
        headers = {header: spoil(api, image_id)}
    answers = [api.client.get(path.format(id=image_id), headers=headers) for path in READS]
    for answer in [*answers, *writes(api, **headers)]:
        refused(answer, 401, "invalid_token", "Reload the page")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("other", ["Basic dXNlcjpwYXNz", f"Bearer {GOOGLE}", "Negotiate YII="])
def test_what_is_for_somebody_before_us_is_left_alone(api: Api, other: str) -> None:
    """A proxy's password, or the identity that Cloud Run itself has asked for."""
    assert api.client.get("/api/images", headers={"Authorization": other}).status_code == 200


def test_a_token_in_the_address_opens_that_image(api: Api) -> None:
    image_id = api.image()
    token = api.token("ana", time.time(), image_id)
    for width in ("", "&width=10"):
        answer = api.client.get(f"/api/images/{image_id}?token={token}{width}")
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda api, image_id: "nonsense",
        lambda api, image_id: "",
        lambda api, image_id: api.token("ana", time.time() - 1200, image_id),
        lambda api, image_id: api.token("ana", time.time(), "0" * 32),
        lambda api, image_id: api.token("ana", time.time()),
    ],
    ids=["nonsense", "empty", "expired", "of another image", "for calls"],
)
def test_a_wrong_token_in_the_address_opens_nothing(api: Api, spoil: Spoil) -> None:
    image_id = api.image()
    path = f"/api/images/{image_id}"
    tag = api.client.get(path).headers["ETag"]
    for headers in ({}, {"If-None-Match": tag}):
        answer = api.client.get(path, params={"token": spoil(api, image_id)}, headers=headers)
        refused(answer, 401, "invalid_token")


def test_a_token_in_the_address_means_nothing_elsewhere(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    token = api.token("ana", time.time(), image_id)
    path = f"/api/annotations/{image_id}"
    saved = api.client.put(path, params={"token": token}, json=document, headers={"If-Match": tag})
    assert "saved_by" not in saved.json()["metadata"]


def test_probes_ask_for_no_token(api: Api) -> None:
    for path in ("/api/health", "/api/ready", "/api/openapi.json"):
        assert api.client.get(path, headers=bearer("nonsense")).status_code == 200
