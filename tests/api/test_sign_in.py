"""Who may call what: the role of each call, under each way to sign in, and every other way in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey
from starlette.routing import Route

from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER
from labeler.access.tokens import LIFETIME_S, Purpose
from labeler.api import Signed
from labeler.datasets.formats.registry import EXPORTED
from labeler.model.people import Role
from tests.access import iap_proxy
from tests.access.iap_proxy import AUDIENCE, KeyServer
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.pictures import png

ROLES = {
    ("GET", "/api/images"): Role.LABELER,
    ("POST", "/api/images"): Role.LABELER,
    ("GET", "/api/boxes"): Role.LABELER,
    ("GET", "/api/crops"): Role.LABELER,
    ("GET", "/api/images/{image_id}"): Role.LABELER,
    ("DELETE", "/api/images/{image_id}"): Role.ADMIN,
    ("POST", "/api/images/{image_id}/restore"): Role.ADMIN,
    ("GET", "/api/annotations/{image_id}"): Role.LABELER,
    ("PUT", "/api/annotations/{image_id}"): Role.LABELER,
    ("GET", "/api/annotations/{image_id}/versions"): Role.LABELER,
    ("POST", "/api/annotations/{image_id}/restore"): Role.LABELER,
    ("POST", "/api/annotations/{image_id}/review"): Role.REVIEWER,
    ("POST", "/api/annotations/{image_id}/assign"): Role.ADMIN,
    ("GET", "/api/statistics"): Role.LABELER,
    ("GET", "/api/claims"): Role.LABELER,
    ("POST", "/api/claims"): Role.LABELER,
    ("GET", "/api/claims/{image_id}"): Role.LABELER,
    ("PUT", "/api/claims/{image_id}"): Role.LABELER,
    ("GET", "/api/guide"): Role.LABELER,
    ("PUT", "/api/guide"): Role.ADMIN,
    ("GET", "/api/guide/{picture}"): Role.LABELER,
    ("PUT", "/api/guide/{picture}"): Role.ADMIN,
    ("DELETE", "/api/claims/{image_id}"): Role.LABELER,
    ("GET", "/api/labels"): Role.LABELER,
    ("PUT", "/api/labels"): Role.ADMIN,
    **{("GET", f"/api/export/{kind.name}"): Role.ADMIN for kind in EXPORTED},
    ("POST", "/api/exports"): Role.ADMIN,
    ("POST", "/api/imports"): Role.ADMIN,
    ("GET", "/api/exports/{name}"): Role.ADMIN,
}
SCRIPTS = "/api/workbench/{version}/{name:path}"
OPEN = {"/api/health", "/api/ready", "/api/openapi.json", "/_stcore/host-config"}
ANA, ROB, LEA, EVE = (f"{name}@example.com" for name in ("ana", "rob", "lea", "eve"))
LISTS = {"LABELER_ADMINS": ANA, "LABELER_REVIEWERS": ROB, "LABELER_LABELERS": f"{LEA},@lab.org"}
MAY = {
    ANA: {Role.LABELER, Role.REVIEWER, Role.ADMIN},
    ROB: {Role.LABELER, Role.REVIEWER},
    LEA: {Role.LABELER},
    "somebody@lab.org": {Role.LABELER},
    EVE: set(),
    "eve@sub.lab.org": set(),
}
Headers = Mapping[str, str]


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with KeyServer() as started:
        yield started


@pytest.fixture
def by_iap(open_api: Open, keys: KeyServer) -> Api:
    return open_api(None, None, **iap_settings(keys), **LISTS)


@pytest.fixture
def by_oidc(open_api: Open) -> Api:
    return open_api(None, None, LABELER_AUTH="oidc", **LISTS)


def iap_settings(keys: KeyServer) -> dict[str, str]:
    return {
        "LABELER_AUTH": "iap",
        "LABELER_IAP_AUDIENCE": AUDIENCE,
        "LABELER_IAP_KEYS_URL": keys.url,
    }


def bearer(api: Api, person: str, now: float | None = None) -> Headers:
    return {"Authorization": f"Bearer {api.token(person, time.time() if now is None else now)}"}


def call(api: Api, method: str, path: str, headers: Headers) -> httpx.Response:
    path = path.format(image_id="0" * 32, name="dataset_coco_20260101_000000.json", picture="a.png")
    if path == "/api/images" and method == "POST":
        headers = {"X-File-Name": "a.png", **headers}
    content = png() if (method, path) == ("POST", "/api/images") else b""
    return api.client.request(method, path, headers=headers, content=content)


def all_calls(api: Api, headers: Headers) -> dict[tuple[str, str], httpx.Response]:
    return {key: call(api, *key, headers) for key in ROLES}


def nothing_was_done(api: Api) -> None:
    assert not [*api.folder.glob("annotations/*"), *api.folder.glob("uploads/*")]
    assert not [*api.folder.glob("exports/*")]


# --- roles --------------------------------------------------------------------------------


def test_each_call_is_in_the_table(api: Api) -> None:
    """A call without a role here is one that nobody has thought about."""
    routes = [route for route in api.app.routes if isinstance(route, Route)]
    assert len(routes) == len(api.app.routes)
    told = {
        (method, route.path): role
        for route in routes
        if isinstance(route, Signed)
        for method, role in route.roles.items()
    }
    assert told == ROLES
    assert {route.path for route in routes if not isinstance(route, Signed)} == {
        *OPEN,
        SCRIPTS,
    }
    for route in routes:
        assert route.methods is not None
        taken = route.methods - {"HEAD"}
        assert taken == ({m for m, path in ROLES if path == route.path} or {"GET"})


def test_the_docs_list_each_call_under_its_role() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Z]+) (/api/\S+)` \| (\w+) \|$", text, re.MULTILINE)
    each_format = "/api/export/{format}"
    exports = {("GET", f"/api/export/{kind.name}") for kind in EXPORTED}
    told = {(method, path): Role(role) for method, path, role in listed}
    assert len(told) == len(listed)
    assert told.pop(("GET", each_format)) is Role.ADMIN
    assert told == {call: role for call, role in ROLES.items() if call not in exports}


@pytest.mark.parametrize("person", MAY)
@pytest.mark.parametrize("way", ["token", "own header", "assertion", "both"])
def test_a_person_may_do_what_their_roles_allow(by_iap: Api, person: str, way: str) -> None:
    headers: dict[str, str] = {}
    if way == "own header":
        headers[TOKEN_HEADER] = by_iap.token(person, time.time())
    if way in ("token", "both"):
        headers |= bearer(by_iap, person)
    if way in ("assertion", "both"):
        headers |= iap_proxy.headers(person)
    for (method, path), answer in all_calls(by_iap, headers).items():
        if ROLES[method, path] in MAY[person]:
            assert answer.status_code not in (401, 403), (method, path, answer.text)
        else:
            setting = f"{ROLES[method, path].upper()}S"
            refused(answer, 403, "not_permitted", person, f"LABELER_{setting}")
    if not MAY[person]:
        nothing_was_done(by_iap)


@pytest.mark.parametrize("way", ["iap", "oidc"])
def test_nobody_may_do_anything_without_signing_in(by_iap: Api, by_oidc: Api, way: str) -> None:
    api = by_iap if way == "iap" else by_oidc
    for answer in all_calls(api, {}).values():
        refused(answer, 401, "not_signed_in", "sign in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Cache-Control"] == "no-store"
    nothing_was_done(api)
    for path in OPEN:
        assert api.client.get(path).status_code == 200


def test_a_head_is_asked_like_a_get(by_oidc: Api) -> None:
    for path in ("/api/images", "/api/export/coco", "/api/exports/x.json"):
        assert by_oidc.client.head(path).status_code == 401
    assert by_oidc.client.head("/api/export/coco", headers=bearer(by_oidc, LEA)).status_code == 403
    assert by_oidc.client.head("/api/export/coco", headers=bearer(by_oidc, ANA)).status_code == 200


def test_whoever_is_taken_off_a_list_can_do_no_more_with_an_old_token(open_api: Open) -> None:
    before = open_api(LABELER_AUTH="oidc", LABELER_ADMINS=EVE)
    headers = bearer(before, EVE)
    assert call(before, "POST", "/api/exports", headers).status_code == 201
    after = open_api(LABELER_AUTH="oidc", LABELER_ADMINS=ANA)
    refused(call(after, "POST", "/api/exports", headers), 403, "not_permitted")


# --- saved by -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["token", "assertion"])
def test_a_save_is_signed_with_the_person_s_address(by_iap: Api, way: str) -> None:
    def headers(person: str) -> Headers:
        return bearer(by_iap, person) if way == "token" else iap_proxy.headers(person.upper())

    by_iap.client.headers.update(headers(LEA))
    image_id = by_iap.image()
    assert by_iap.read(image_id)[0]["metadata"].get("saved_by") == LEA
    by_iap.client.headers.update(headers(ROB))
    by_iap.save(image_id, rect(), saved_by="eve@example.com")
    assert by_iap.read(image_id)[0]["metadata"]["saved_by"] == ROB
    [listed] = by_iap.client.get("/api/images").json()["images"]
    assert listed["saved_by"] == ROB


# --- plain headers, repeated ones, other people's ------------------------------------------

PLAIN = {
    "X-Goog-Authenticated-User-Email": f"accounts.google.com:{ANA}",
    "X-Goog-Authenticated-User-Id": "accounts.google.com:1",
    "X-Goog-IAP-JWT-Assertion-Email": ANA,
    "X-Forwarded-Email": ANA,
    "X-Forwarded-User": ANA,
    "X-Remote-User": ANA,
    "Remote-User": ANA,
    "X-Serverless-Authorization": f"Bearer {ANA}",
    "Cookie": f"_streamlit_user={ANA}; user={ANA}",
    "From": ANA,
}


@pytest.mark.parametrize("way", ["iap", "oidc"])
def test_what_nobody_has_signed_counts_for_nothing(by_iap: Api, by_oidc: Api, way: str) -> None:
    api = by_iap if way == "iap" else by_oidc
    for answer in all_calls(api, PLAIN).values():
        refused(answer, 401, "not_signed_in")
    nothing_was_done(api)


def test_plain_headers_change_nothing_beside_an_assertion(by_iap: Api) -> None:
    headers = {**PLAIN, **iap_proxy.headers(LEA)}
    refused(call(by_iap, "POST", "/api/exports", headers), 403, "not_permitted", LEA)


@pytest.mark.parametrize("first", [LEA, ANA])
def test_two_assertions_are_none(by_iap: Api, first: str) -> None:
    texts = [iap_proxy.headers(person)[ASSERTION_HEADER] for person in (first, ANA)]
    twice = [(ASSERTION_HEADER, text) for text in texts]
    answer = by_iap.client.get("/api/images", headers=twice)
    refused(answer, 401, "not_signed_in", "several assertions")
    joined = {ASSERTION_HEADER: ", ".join(texts)}
    refused(by_iap.client.get("/api/images", headers=joined), 401, "not_signed_in")


@pytest.mark.parametrize(
    "assertion",
    [
        lambda: "",
        lambda: "nonsense",
        lambda: iap_proxy.signed(iap_proxy.claims(now=time.time() - 3600)),
        lambda: iap_proxy.signed(iap_proxy.claims(aud="/projects/123/locations/x/services/other")),
        lambda: iap_proxy.signed(iap_proxy.claims(), ECKey.generate_key("P-256", {"kid": "k1"})),
    ],
    ids=["empty", "nonsense", "expired", "for another service", "another key"],
)
def test_a_wrong_assertion_never_passes_not_even_beside_a_right_token(
    by_iap: Api, assertion: Callable[[], str]
) -> None:
    headers = {ASSERTION_HEADER: assertion(), **bearer(by_iap, ANA)}
    for answer in all_calls(by_iap, headers).values():
        refused(answer, 401, "not_signed_in", "does not prove who it comes from")
    nothing_was_done(by_iap)


def test_an_assertion_means_nothing_where_it_is_not_asked_for(by_oidc: Api, api: Api) -> None:
    refused(by_oidc.client.get("/api/images", headers=iap_proxy.headers(ANA)), 401, "not_signed_in")
    assert api.add("a.png", None, **{ASSERTION_HEADER: "nonsense"}).status_code == 201


def test_a_token_of_somebody_else_than_who_is_signed_in_is_refused(by_iap: Api) -> None:
    headers = {**iap_proxy.headers(LEA), **bearer(by_iap, ANA)}
    for answer in all_calls(by_iap, headers).values():
        refused(answer, 401, "not_signed_in", "Reload it")
    nothing_was_done(by_iap)


def test_keys_that_can_t_be_had_let_nobody_in(open_api: Open) -> None:
    with KeyServer() as broken:
        broken.broken = b"{"
        api = open_api(None, None, **iap_settings(broken))
        for answer in all_calls(api, iap_proxy.headers()).values():
            refused(answer, 503, "sign_in_unavailable", "Try again")
        nothing_was_done(api)
        assert call(api, "POST", "/api/exports", bearer(api, ANA)).status_code == 201


def test_a_token_from_where_nobody_was_asked_names_nobody(by_oidc: Api) -> None:
    for answer in all_calls(by_oidc, bearer(by_oidc, "")).values():
        refused(answer, 401, "not_signed_in")
    nothing_was_done(by_oidc)


# --- tokens in addresses ------------------------------------------------------------------


def test_a_token_in_an_address_opens_one_image_and_nothing_else(by_oidc: Api) -> None:
    api = by_oidc
    api.client.headers.update(bearer(api, LEA))
    image_id, other = api.image("a.png"), api.image("b.png", png(9, 9))
    del api.client.headers["Authorization"]
    token = {"token": api.token(LEA, time.time(), image_id)}
    assert api.client.get(f"/api/images/{image_id}", params=token).status_code == 200
    refused(api.client.get(f"/api/images/{other}", params=token), 401, "invalid_token")
    for (method, path), role in ROLES.items():
        if (method, path) == ("GET", "/api/images/{image_id}"):
            continue
        address = path.format(image_id=image_id, name=image_id, picture="a.png")
        answer = api.client.request(method, address, params=token, headers={"X-File-Name": "c.png"})
        assert answer.status_code == 401, (method, path, role)
    headers = {"Authorization": f"Bearer {token['token']}"}
    refused(api.client.get(f"/api/images/{image_id}", headers=headers), 401, "invalid_token")


def test_a_token_in_an_address_opens_one_export_and_nothing_else(by_oidc: Api) -> None:
    api = by_oidc
    keys = [call(api, "POST", "/api/exports", bearer(api, ANA)).json()["object"] for _ in range(2)]
    name, other = (key.removeprefix("exports/") for key in keys)
    now = time.time()
    token = {"token": api.token(ANA, now, name, export=True)}
    answer = api.client.get(f"/api/exports/{name}", params=token)
    assert answer.status_code == 200
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert api.client.get(f"/api/images/{name}", params=token).status_code == 401
    for path in (f"exports/{other}", "export/coco", "images", f"annotations/{name}"):
        assert api.client.get(f"/api/{path}", params=token).status_code == 401, path
    old = {"token": api.token(ANA, now - LIFETIME_S[Purpose.EXPORT], name, export=True)}
    refused(api.client.get(f"/api/exports/{name}", params=old), 401, "invalid_token", "expired")
    of_lea = {"token": api.token(LEA, now, name, export=True)}
    refused(api.client.get(f"/api/exports/{name}", params=of_lea), 403, "not_permitted")


def test_several_tokens_in_an_address_are_none(by_oidc: Api) -> None:
    token = by_oidc.token(LEA, time.time(), "abc")
    answer = by_oidc.client.get(f"/api/images/abc?token=nonsense&token={token}")
    refused(answer, 401, "invalid_token")
    answer = by_oidc.client.get(f"/api/images/abc?token={token}&token={token}")
    refused(answer, 401, "invalid_token")


def test_nobody_is_asked_with_none_whatever_the_lists_say(open_api: Open) -> None:
    api = open_api(None, None, **LISTS)
    for answer in all_calls(api, {}).values():
        assert answer.status_code not in (401, 403)
