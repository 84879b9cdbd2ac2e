"""The program: settings, store and data set put together under Streamlit's pages and our routes.

Started with `python app.py`; `app` is an ASGI application as well. Decides nothing by itself.
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
from labeler.access.policy import cookie_secret, load_access_policy
from labeler.errors import LabelerError
from labeler.model.people import SignIn
from labeler.project.project import Project, open_project
from labeler.runtime import logs
from labeler.runtime.descriptors import raise_limit
from labeler.runtime.events import Start, Stop, log_event
from labeler.runtime.frames import bound_frames
from labeler.runtime.garbage_collection import collect_regularly
from labeler.runtime.jobs import Jobs
from labeler.runtime.sockets import send_at_once, wait_at_most
from labeler.settings import Settings, load_settings, logs_as_json, unknown_settings
from labeler.ui.context import Context, bind_context
from labeler.ui.cookies import person_by_cookies
from labeler.ui.drawable.saver import Saver
from labeler.ui.first_page import first_page
from labeler.ui.script_loops import close_loops_after_runs
from labeler.ui.sign_in import is_loopback, provider_secrets

CALLERS_S = 2
"""How long callers have to take their answers after the signal to end."""
SHUTDOWN_S = 6.0
"""How long saving may take after that. Cloud Run gives 10 seconds for both."""
ONE_MACHINE = "labeler"


def build(settings: Settings) -> st.App:
    """The application over what the settings name; LabelerError where that can't be used."""
    # Before Streamlit first reads its settings; all instances need the same.
    key = os.environ.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", cookie_secret(settings))
    raise_limit()
    close_loops_after_runs()
    bound_frames()
    project = open_project(settings)
    saver = Saver(project, interval_s=1.0 if settings.storage.bucket else 0.0)
    access = load_access_policy(settings)
    jobs = Jobs()
    exposed = not is_loopback(address(settings))
    bind_context(Context(settings, project, saver, access, jobs, exposed))
    secrets = provider_secrets(settings, key)

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        send_at_once()
        wait_at_most(CALLERS_S)
        # A page that comes to another machine takes itself for a new one, and throws away the
        # canvas with all that it has not sent: to the page, all instances are one machine. Not
        # sooner: it has Streamlit read its settings, and `run` below has to set them first.
        Installation.instance().installation_id_v3 = ONE_MACHINE
        storage = "bucket" if settings.storage.bucket else "folder"
        log_event(Start(version=__version__, storage=storage))
        # Nobody waits for it: a store that can't be reached must not delay the start.
        threading.Thread(target=_store_first_labels, args=(project,), daemon=True).start()
        searching = asyncio.create_task(collect_regularly())
        yield
        searching.cancel()
        # Script threads are killed at once; what they handed to the saver is stored first.
        waiting = saver.pending()
        left = saver.flush(SHUTDOWN_S)
        jobs.close()
        project.close()
        log_event(Stop(flushed=waiting - left, left=left))

    script = Path(__file__).parent / "labeler" / "ui" / "main.py"
    calls = api.application(project, access, settings.max_upload_bytes)
    front = Middleware(
        api.Front,
        api=calls,
        visitors=api.Visitors(access, person_by_cookies),
        takes_files=settings.uploads is None,
        policy=api.content_security_policy(first_page()),
    )
    before = [Middleware(api.Tracing), front]
    return st.App(script, middleware=before, lifespan=lifespan, secrets=secrets)


def _store_first_labels(project: Project) -> None:
    """Commands and other processes find the same labels from now on, whatever their settings."""
    with suppress(LabelerError):  # whoever needs the labels is told
        project.labels.read()


def address(settings: Settings) -> str:
    """Where the server listens."""
    everywhere = "0.0.0.0" if settings.on_cloud_run else "127.0.0.1"  # noqa: S104
    return os.environ.get("STREAMLIT_SERVER_ADDRESS") or everywhere


def start() -> tuple[Settings, st.App]:
    """Settings and application; ends the process with one line where a setting is wrong."""
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
    # The server ends in good order and then gives the signal on: it was a stop that was asked for.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: sys.exit(0))
    config: dict[str, str | int] = {
        "server.port": settings.port,
        "server.maxUploadSize": settings.max_upload_mb,
        "server.headless": True,
        "server.address": address(settings),  # by itself, Streamlit does not look at the variable
    }
    app.run(config=config)
