"""Who is let in to the page, what each may do there, and what the page signs for its parts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from labeler.access.hosts import is_loopback
from labeler.access.tokens import LIFETIME_S, Purpose
from labeler.errors import SettingsError
from labeler.model.people import Roles, parse_people
from labeler.settings import load_settings
from labeler.ui.context import Context, bind_context
from labeler.ui.sign_in import provider_secrets, sign_in_ways
from tests.ui.visit import NewPlace, Place, Visit, box

ROOT = Path(__file__).parents[2]
LISTS = {"ADMINS": "ana@example.com", "LABELERS": "ben@example.com"}


def account(name: str, **claims: Any) -> dict[str, Any]:
    return {"is_logged_in": True, "email": f"{name}@example.com", **claims}


def visit(place: Place, user: dict[str, Any], image_id: str = "") -> Visit:
    """A session of the one whom Streamlit's sign-in tells."""
    visit = Visit(place.project, image_id, runs=False)
    visit.app.user = user
    visit.run()
    return visit


def buttons(visit: Visit) -> list[str]:
    return [button.label for button in visit.app.button]


def with_roles(place: Place, roles: Roles) -> None:
    """From now on these lists count, as after a deployment."""
    access = place.workspace.access
    bind_context(
        Context(
            place.workspace.settings,
            place.project,
            type(access)(access.sign_in, roles, access.signer),
            place.jobs,
        )
    )


# --- let in -------------------------------------------------------------------------------


def test_nobody_sees_anything_before_signing_in(new_place: NewPlace) -> None:
    place = new_place(AUTH="oidc")
    [image_id] = place.add("secret.png")
    for user in ({}, {"is_logged_in": False}, {"email": "ana@example.com"}):
        guest = visit(place, user, image_id)
        assert guest.errors() == ["Sign in to label images."]
        assert "secret" not in guest.shown()
        assert "session" not in guest.app.session_state


def test_several_providers_are_offered_by_name() -> None:
    """Those of secrets.toml; the settings name one."""
    settings = load_settings({"LABELER_AUTH": "oidc"})
    named = {
        "client_kwargs": {"prompt": "login"},
        "google": {"client_id": "1"},
        "entra": {"client_id": "2"},
    }
    assert sign_in_ways(settings, {"auth": named}).providers == ["entra", "google"]
    assert sign_in_ways(settings, {"auth": {"client_id": "1"}}).providers == [""]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (account("eve"), "eve@example.com isn't allowed to do this. It needs the labeler role"),
        (account("ana", email_verified=False), "was never verified"),
        (account("ana", email_verified="false"), "was never verified"),
        (account("ana", email_verified=None), "was never verified"),
        ({"is_logged_in": True}, "names no e-mail address"),
        ({"is_logged_in": True, "email": "ana"}, "names no e-mail address"),
        ({"is_logged_in": True, "email": "ana@example.com, x@y.org"}, "names no e-mail address"),
    ],
)
def test_who_is_not_let_in_hears_why(new_place: NewPlace, user: dict[str, Any], why: str) -> None:
    place = new_place(AUTH="oidc", **LISTS)
    [image_id] = place.add("secret.png")
    guest = visit(place, user, image_id)
    assert why in guest.errors()[0]
    assert buttons(guest) == []
    assert "secret" not in guest.shown()


@pytest.mark.parametrize("verified", [{}, {"email_verified": True}, {"email_verified": "true"}])
def test_who_is_let_in_labels_under_their_name(
    new_place: NewPlace, verified: dict[str, Any]
) -> None:
    place = new_place(AUTH="oidc", **LISTS)
    [image_id] = place.add("a.png")
    ben = visit(place, {**account("ben", **verified), "email": "Ben@Example.com"}, image_id)
    ben.draw(box(1, 2, 10, 8, "object"))
    stored = place.project.stored_document(image_id).document
    assert stored.metadata.saved_by == "ben@example.com"
    assert "by ben@example.com" in ben.shown()


def test_a_session_never_becomes_somebody_else_s(new_place: NewPlace) -> None:
    place = new_place(AUTH="oidc")
    [image_id] = place.add("a.png")
    ana = visit(place, account("ana"), image_id)
    ana.app.user = account("ben")
    ana.run()
    assert "ana@example.com has opened this page, and ben@example.com" in ana.errors()[0]
    assert ana.app.main.button == ana.app.button  # nothing in the sidebar
    ana.app.user = {"is_logged_in": False}
    ana.run()
    assert ana.errors() == ["Sign in to label images."]
    ana.app.user = account("ana")
    ana.run()
    assert "a.png" in ana.shown()


def test_nobody_is_asked_with_none(new_place: NewPlace) -> None:
    place = new_place(**LISTS)
    [image_id] = place.add("a.png")
    someone = place.visit(image_id)
    someone.draw(box(1, 2, 10, 8, "object"))
    assert "Export COCO" in buttons(someone)
    assert "Signed in" not in someone.shown()
    assert place.project.stored_document(image_id).document.metadata.saved_by is None


def test_an_action_of_somebody_else_changes_nothing(new_place: NewPlace) -> None:
    """It may come over a new connection before the page has been drawn for that person."""
    place = new_place(AUTH="oidc")
    [image_id] = place.add("a.png")
    ana = visit(place, account("ana"), image_id)
    before = place.workspace.objects()
    ana.app.user = account("ben")
    ana.mark("done")
    assert "ana@example.com has opened this page" in ana.errors()[0]
    assert place.workspace.objects() == before


def test_a_canvas_keeps_the_address_of_its_image(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the token in it has expired: another one would load the image anew."""
    place = new_place(AUTH="oidc")
    [image_id] = place.add("a.png")
    ana = visit(place, account("ana"), image_id)
    key, token = ana.canvas(), ana.app.session_state["drawable"].open.canvas.token
    assert place.workspace.access.signer.check(token, Purpose.IMAGE, time.time(), image_id)
    now = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: now)
    ana.draw(box(1, 2, 10, 8, "object"))
    assert (ana.canvas(), ana.app.session_state["drawable"].open.canvas.token) == (key, token)
    ana.mark("done")
    ana.app.session_state["drawable"].open.canvas = None
    ana.run()
    fresh = ana.app.session_state["drawable"].open.canvas.token
    assert place.workspace.access.signer.check(fresh, Purpose.IMAGE, now, image_id)


# --- what each may do ---------------------------------------------------------------------


def test_what_somebody_may_not_do_is_not_offered(new_place: NewPlace) -> None:
    place = new_place(AUTH="oidc", **LISTS)
    [image_id] = place.add("a.png")
    admins = {"Export COCO", "Add"}
    assert admins <= set(buttons(visit(place, account("ana"), image_id)))
    assert not admins & set(buttons(visit(place, account("ben"), image_id)))
    pages = set(visit(place, account("ben"), image_id).links())
    assert "Label" in pages
    assert not {"Labels", "Data", "Dashboard"} & pages
    assert {"Labels", "Data"} <= set(visit(place, account("ana"), image_id).links())


def test_a_button_that_is_still_there_does_nothing_for_who_lost_the_role(
    new_place: NewPlace,
) -> None:
    place = new_place(AUTH="oidc")
    [image_id] = place.add("a.png")
    eve = visit(place, account("eve"), image_id)
    before = place.workspace.objects()
    with_roles(place, Roles(True, admins=parse_people("ana@example.com")))
    eve.press("export")
    with_roles(place, Roles(True, labelers=parse_people("ana@example.com")))
    eve.mark("done")
    assert "isn't allowed to do this" in eve.errors()[0]
    assert place.workspace.objects() == before


def test_the_label_set_is_the_admins(new_place: NewPlace) -> None:
    """By the address too, and by a button that was drawn for somebody who was an admin then."""
    place = new_place(AUTH="oidc", **LISTS)
    [image_id] = place.add("a.png")
    eve = visit(place, account("ana"), image_id)
    eve.follow("labels")
    eve.press("open_label_1")
    before = place.workspace.objects()
    with_roles(place, Roles(True, admins=parse_people("zoe@example.com")))
    eve.press("archive_1")
    assert "ana@example.com isn't allowed to do this. It needs the admin role" in eve.errors()[0]
    assert "archive_1" not in {button.key for button in eve.app.button}
    eve.app.query_params["view"] = "labels"
    eve.run()
    assert "It needs the admin role" in eve.errors()[0]
    assert place.workspace.objects() == before


# --- tokens -------------------------------------------------------------------------------


def test_the_address_of_an_image_stays_while_it_opens_the_image(new_place: NewPlace) -> None:
    def script(start: float, lifetime: int, one: str) -> None:
        from unittest import mock

        from labeler.access.tokens import Purpose
        from labeler.ui import visitor
        from labeler.ui.context import page_context

        check = page_context().access.signer.check
        # Of this module alone: who waits for this script looks at the clock too.
        with mock.patch.object(visitor, "time") as clock:
            now = clock.time
            now.return_value = start
            visitor.enter()
            first = visitor.picture_token(one)
            now.return_value = start + lifetime / 2 - 121
            assert visitor.picture_token(one) == first
            check(first, Purpose.IMAGE, now.return_value + 120, one)
            now.return_value = start + lifetime
            later = visitor.picture_token(one)
            assert later != first
            for number in range(20):
                visitor.picture_token(f"image{number}")
            import streamlit as st

            assert len(st.session_state["person"].pictures) == 16

    new_place()
    app = AppTest.from_function(
        script,
        kwargs={"start": time.time(), "lifetime": LIFETIME_S[Purpose.IMAGE], "one": "abc"},
        default_timeout=120,
    ).run()
    assert [error.value for error in app.exception] == []


# --- set up -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        (None, True),
        ("", True),
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.7", False),
        ("labels.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_which_addresses_are_this_machine_alone(host: str | None, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_a_provider_by_settings() -> None:
    environ = {
        "LABELER_AUTH": "oidc",
        "LABELER_OIDC_METADATA_URL": "https://id.example.com/.well-known/openid-configuration",
        "LABELER_OIDC_CLIENT_ID": "me",
        "LABELER_OIDC_CLIENT_SECRET": "hush",
        "LABELER_OIDC_REDIRECT_URI": "https://labels.example.com/oauth2callback",
    }
    assert provider_secrets(load_settings(environ), "key") == {
        "auth": {
            "cookie_secret": "key",
            "server_metadata_url": environ["LABELER_OIDC_METADATA_URL"],
            "client_id": "me",
            "client_secret": "hush",
            "redirect_uri": environ["LABELER_OIDC_REDIRECT_URI"],
        }
    }
    assert provider_secrets(load_settings({}), "key") == {}


SECRETS = """
[auth]
redirect_uri = "https://labels.example.com/oauth2callback"
{more}
[auth.google]
client_id = "me"
"""
LOOK = """
import json, sys
from labeler.settings import load_settings
from labeler.ui.sign_in import provider_secrets
print(json.dumps(provider_secrets(load_settings({"LABELER_AUTH": "oidc"}), "made"), sort_keys=True))
"""


@pytest.mark.parametrize(
    ("more", "cookie_secret"), [("", "made"), ('cookie_secret = "its own"', "its own")]
)
def test_a_provider_by_a_file(tmp_path: Path, more: str, cookie_secret: str) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS.format(more=more))
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert f'"cookie_secret": "{cookie_secret}", "google": {{"client_id": "me"}}' in done.stdout


def test_a_way_to_sign_in_without_a_provider_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"LABELER_OIDC_CLIENT_ID.*or \[auth\] in"):
        provider_secrets(load_settings({"LABELER_AUTH": "oidc"}), "key")


START = "import app; print('started')"


def set_up(storage: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The start of the server in a process of its own; it is only set up, and nothing listens."""
    return subprocess.run(
        [sys.executable, "-c", START], cwd=ROOT,
        env={"LABELER_STORAGE": str(storage), "HOME": str(storage), **environ},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "LABELER_AUTH=none, and the server listens on"),
        ({"K_SERVICE": "labeler"}, "LABELER_AUTH=none, and the server listens on 0.0.0.0"),
        ({"LABELER_ADMINS": "ana@example.com"}, "LABELER_ADMINS has no effect"),
        ({}, ""),
    ],
)
def test_the_start_says_where_strangers_may_change_everything(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    done = set_up(tmp_path, environ)
    assert "started" in done.stdout
    assert said in done.stderr + done.stdout
    assert ("whoever" in done.stderr + done.stdout) == bool(said)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"LABELER_AUTH": "iap"}, "LABELER_IAP_AUDIENCE='' is not allowed"),
        ({"LABELER_AUTH": "oidc"}, "LABELER_AUTH='oidc' is not allowed"),
    ],
)
def test_a_start_without_what_signing_in_needs_ends_with_one_line(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    done = set_up(tmp_path, environ)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
