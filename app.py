"""The program: it builds settings, store and project, and serves Streamlit's pages and our routes.

Start it with `python app.py`; `app` is an ASGI application as well. This module only composes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.metrics_util import Installation

from labeler import __version__, api
from labeler.access.hosts import host_names, is_loopback
from labeler.access.policy import cookie_secret, load_access_policy
from labeler.errors import LabelerError
from labeler.model.people import SignIn
from labeler.project.decoder_pool import DecoderPool
from labeler.project.project import Project, open_project
from labeler.runtime import logs
from labeler.runtime.connections import bound_connections
from labeler.runtime.descriptors import raise_limit
from labeler.runtime.events import Start, Stop, log_event
from labeler.runtime.frames import bound_frames
from labeler.runtime.garbage_collection import collect_regularly
from labeler.runtime.interpreter import take_short_turns
from labeler.runtime.jobs import Jobs
from labeler.runtime.memory import return_large_blocks
from labeler.runtime.sockets import send_at_once, wait_at_most
from labeler.settings import Settings, load_settings, logs_as_json, unknown_settings
from labeler.ui.context import Context, bind_context
from labeler.ui.cookies import account_by_cookies
from labeler.ui.first_page import first_page
from labeler.ui.kept_clicks import keep_clicks
from labeler.ui.script_loops import close_loops_after_runs
from labeler.ui.sign_in import provider_secrets, sign_in_ways

CALLERS_S = 2
"""Seconds that requests get to finish after the signal to end. Cloud Run allows 10."""
ONE_MACHINE = "labeler"
PROXIES = "127.0.0.1,169.254.0.0/16"
"""Whose X-Forwarded-For the server believes on Cloud Run, where Google's front end calls from an
address of the link alone. It appends the caller's address to what the caller says."""


def build(settings: Settings) -> st.App:
    """The application for the settings; LabelerError if the locations they name can't be used."""
    # Before Streamlit first reads its settings; all instances need the same value.
    key = os.environ.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", cookie_secret(settings))
    if settings.on_cloud_run:
        os.environ.setdefault("FORWARDED_ALLOW_IPS", PROXIES)
    raise_limit()
    take_short_turns()
    return_large_blocks()
    close_loops_after_runs()
    keep_clicks()
    bound_connections()
    bound_frames()
    project = open_project(settings, DecoderPool(settings.max_pixels))
    access = load_access_policy(settings)
    jobs = Jobs()
    exposed = not is_loopback(address(settings))
    bind_context(Context(settings, project, access, jobs, exposed))
    secrets = provider_secrets(settings, key)

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        send_at_once()
        wait_at_most(CALLERS_S)
        # A page that reaches another machine starts again and throws away the canvas with all
        # that it has not sent. So all instances claim to be one machine. This can't come earlier:
        # it makes Streamlit read its settings, which `run` below has to set first.
        Installation.instance().installation_id_v3 = ONE_MACHINE
        log_event(Start(version=__version__, storage=settings.storage.kind.value))
        # Nothing waits for this thread: a store that can't be reached must not delay the start.
        threading.Thread(target=_store_first_labels, args=(project,), daemon=True).start()
        project.image_index.is_listed(0)  # begins it, so that the first visitor waits less
        searching = asyncio.create_task(collect_regularly())
        yield
        searching.cancel()
        jobs.close()
        project.close()
        log_event(Stop())

    script = Path(__file__).parent / "labeler" / "ui" / "main.py"
    calls = api.application(project, access, settings.max_upload_bytes, settings.max_calls_per_s)
    front = Middleware(
        api.Front,
        api=calls,
        visitors=api.Visitors(access, account_by_cookies),
        sign_in=api.SignInPage(sign_in_ways(settings, secrets)),
        takes_files=settings.uploads is None,
        policy=api.content_security_policy(first_page()),
        hosts=host_names(settings, address(settings)),
    )
    before = [Middleware(api.Tracing), front]
    return st.App(script, middleware=before, lifespan=lifespan, secrets=secrets)


def _store_first_labels(project: Project) -> None:
    """Store the first labels, so that all processes have the same ones, whatever their settings."""
    with suppress(LabelerError):  # the next caller that needs the labels gets the error
        project.labels.read()


def address(settings: Settings) -> str:
    """The address that the server listens on."""
    everywhere = "0.0.0.0" if settings.on_cloud_run else "127.0.0.1"  # noqa: S104
    return os.environ.get("STREAMLIT_SERVER_ADDRESS") or everywhere


def start() -> tuple[Settings, st.App]:
    """Settings and application; ends the process with one line if a setting is wrong."""
    logs.configure(logs.log_source(os.environ), as_json=logs_as_json(os.environ))
    try:
        settings = load_settings(os.environ)
        application = build(settings)
    except LabelerError as error:
        sys.exit(error.message)
    for line in unknown_settings(os.environ):
        logging.warning("%s", line)
    if settings.auth is SignIn.NONE and not is_loopback(address(settings)):
        logging.warning(
            "LABELER_AUTH=none, and the server listens on %s: whoever reaches it can see and "
            "change everything, and nobody is asked who they are. Set LABELER_AUTH=iap or oidc, "
            "or keep everybody else out of its reach.",
            address(settings),
        )
    return settings, application


settings, app = start()

if __name__ == "__main__":
    # The server stops in order and then raises the signal again. Somebody asked for this stop.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    config: dict[str, str | int] = {
        "server.port": settings.port,
        "server.maxUploadSize": settings.max_upload_mb,
        "server.headless": True,
        "server.address": address(settings),  # Streamlit itself ignores the variable
    }
    if not settings.on_cloud_run:
        name = address(settings).replace("0.0.0.0", "localhost")  # noqa: S104
        print(f"Labeler: http://{name}:{settings.port}", flush=True)  # noqa: T201 - for a person
    app.run(config=config)
