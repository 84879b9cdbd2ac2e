"""Signing in and out, and the warning if nobody has to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

import streamlit as st
from streamlit.user_info import (
    AUTH_LOGIN_ENDPOINT,
    AUTH_LOGOUT_ENDPOINT,
    generate_login_redirect_url,
)

from labeler.access.hosts import is_loopback
from labeler.access.sign_in_ways import SignInWays
from labeler.errors import SettingsError
from labeler.model.people import SignIn
from labeler.settings import Settings
from labeler.ui import visitor
from labeler.ui.assets import script
from labeler.ui.context import Context

SIGN_OUT_KEY: Final = "sign_out"
"""The key of the button that signs out."""
_SIGN_OUT_OF_IAP: Final = ("gcp-iap-mode", "CLEAR_LOGIN_COOKIE")
_ADDRESS_KEY: Final = "labeler-address"
_AUTH_PATHS: Final = frozenset({AUTH_LOGIN_ENDPOINT, AUTH_LOGOUT_ENDPOINT, "/oauth2callback"})
_OPEN: Final = """
<style>
  .labeler-open {
    position: fixed; z-index: 1000000; top: 0; left: 50%; transform: translateX(-50%);
    box-sizing: border-box; max-width: calc(100vw - 8rem); padding: 0.1rem 0.8rem;
    border-radius: 0 0 0.5rem 0.5rem; font-size: 0.8rem; line-height: 1.25; text-align: center;
    pointer-events: none; background: #8a1c1c; color: #fff;
  }
  @media (max-width: 640px) {
    .labeler-open { width: 100%; font-size: 0.7rem; line-height: 1.15; }
    .labeler-open span { display: none; }
  }
</style>
<div class="labeler-open" role="alert">Nobody signs in here<span> (LABELER_AUTH=none)</span>:
whoever reaches this <span>address </span>can see and change everything.</div>
"""

_return_to_address = st.components.v2.component("labeler_address", js=script("components/address"))


def account(context: Context) -> None:
    """Show the signed-in person and the button to sign out; nothing with LABELER_AUTH=none."""
    sign_in = context.access.sign_in
    if sign_in is SignIn.NONE:
        return
    # As HTML, because Markdown would turn the address into a link.
    st.html(f"<small>Signed in as <b>{escape(visitor.current().email)}</b></small>")
    if sign_in is SignIn.IAP:
        st.caption(f"[Sign out](/?{'='.join(_SIGN_OUT_OF_IAP)})")
    else:
        _sign_out_button()
        _return_to_address(key="address", data={"key": _ADDRESS_KEY})


def warn_if_open(context: Context) -> None:
    """Show a warning above the page if strangers may reach a server without sign-in."""
    if context.access.sign_in is SignIn.NONE and (
        context.exposed or not is_loopback(urlsplit(st.context.url or "").hostname)
    ):
        st.html(_OPEN)


def provider_secrets(settings: Settings, cookie_secret: str) -> dict[str, Any]:
    """The secrets for Streamlit's sign-in; empty if it is not used.

    They come from the LABELER_OIDC_ settings or from .streamlit/secrets.toml. Raises SettingsError
    if neither has them.
    """
    if settings.auth is not SignIn.OIDC:
        return {}
    if settings.oidc_client_id:
        section: dict[str, Any] = {
            "redirect_uri": settings.oidc_redirect_uri,
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret,
            "server_metadata_url": settings.oidc_metadata_url,
        }
    elif st.secrets.load_if_toml_exists() and "auth" in st.secrets:
        section = st.secrets["auth"].to_dict()
    else:
        raise SettingsError(
            "LABELER_AUTH='oidc' is not allowed: it needs LABELER_OIDC_METADATA_URL, "
            "LABELER_OIDC_CLIENT_ID, LABELER_OIDC_CLIENT_SECRET and LABELER_OIDC_REDIRECT_URI, "
            "or [auth] in .streamlit/secrets.toml."
        )
    return {"auth": {"cookie_secret": cookie_secret, **section}}


def sign_in_ways(settings: Settings, secrets: Mapping[str, Any]) -> SignInWays:
    """How people sign in and out in a browser, with the secrets of `provider_secrets`."""
    match settings.auth:
        case SignIn.NONE:
            return SignInWays()
        case SignIn.IAP:
            return SignInWays(sign_out=("/", (_SIGN_OUT_OF_IAP,)))
        case SignIn.OIDC:
            return SignInWays(
                providers=_providers(secrets["auth"]),
                begin=lambda name: generate_login_redirect_url(name or "default"),
                sign_out=(AUTH_LOGOUT_ENDPOINT, ()),
                address_key=_ADDRESS_KEY,
                open_paths=_AUTH_PATHS,
            )


def _providers(section: Mapping[str, Any]) -> list[str]:
    """The names of the providers; a single provider needs no name."""
    named = [name for name, value in section.items() if hasattr(value, "items")]
    return [""] if "client_id" in section else sorted(set(named) - {"client_kwargs"})


def _sign_out_button() -> None:
    st.button(
        "Sign out",
        icon=":material/logout:",
        type="tertiary",
        key=SIGN_OUT_KEY,
        on_click=st.logout,
    )
