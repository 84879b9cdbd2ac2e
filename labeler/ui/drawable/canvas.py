"""The canvas of the open image: mounted, read, and taken over from an instance that ended."""

from __future__ import annotations

import functools
import time
from typing import Final
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from labeler.model.labels import LabelSet
from labeler.ui import address, session_state, visitor
from labeler.ui.drawable import guard
from labeler.ui.drawable.drawing import FONT_SIZE, STROKE, fill, to_drawing, was_sent
from labeler.ui.drawable.memo import Memo, parse_memo

COPY_WIDTHS: Final = (640, 1024, 1600, 2400, 3600)
MEMO_TRIES: Final = 150  # a tenth of a second each: a busy machine must not lose a canvas


def show_canvas(
    image: session_state.OpenImage, labels: LabelSet, label: str, following: str | None
) -> None:
    """The canvas of the image, or what has to come before it; boxes drawn next get `label`."""
    place = st.empty()  # always there, so that the canvas keeps its own place
    session = session_state.session()
    if guard.session() != session.id:
        # Whatever cuts this run short, be it a box that was drawn just now: the next one does the
        # same until the tab has answered, and no other canvas comes before its memo is here.
        _meet_tab(place)
        return  # the tab comes back at once with its measures, and with its memo if it has one
    room = guard.room()
    memo = parse_memo(guard.memo())
    if memo is not None and not session.canvases:
        _take_up(image, memo)
    renewals = guard.renewals()
    if renewals != session.renewals:
        session.renewals = renewals
        if image.stale:
            session_state.give_up_canvas(image)
    if image.canvas is not None and image.canvas.key == guard.failed():
        session_state.lose_canvas(image)
    canvas = session_state.mount(image, room) if room else None
    fetch = []
    if canvas and following:
        token = visitor.picture_token(following)
        fetch.append(_picture_url(following, canvas.fit.canvas_width, token))
    if canvas is None:
        guard.mount_guard(session=session.id, run=session.runs)
        return
    picture = _picture_url(image.image_id, canvas.fit.canvas_width, canvas.token)
    guard.mount_guard(
        session=session.id,
        run=session.runs,
        image=image.image_id,
        canvas=canvas.key,
        picture=picture,
        boxes=len(canvas.given),
        renew=image.stale or session.asked_to_leave,
        label=(session.place_of_label, label),
        prefetch=fetch,
        memo=session_state.memo_of(image, canvas),
    )
    color = labels.color(label)
    given = to_drawing(canvas.given, canvas.fit, canvas.looks)
    result = st_canvas(
        drawing_mode="labeled_rect",
        label=label,
        stroke_width=STROKE,
        stroke_color=color,
        fill_color=fill(color),
        font_size=FONT_SIZE,
        background_image=picture,
        initial_drawing=given,
        width=canvas.fit.canvas_width,
        height=canvas.fit.canvas_height,
        max_display_height=guard.mark(session.place_of_label),
        key=canvas.key,
        on_change=functools.partial(session_state.hear, canvas.key),
    )
    known = canvas.read
    if canvas.changed and not was_sent(result.json_data):
        # The browser has taken the canvas away, and what was drawn on it, and mounted it anew.
        session_state.lose_canvas(image)
        _go_on()
        st.rerun()
    if session_state.take_drawing(canvas.key, result.json_data) or not known:
        canvas.read = True
        _go_on()
        st.rerun()  # what stands above was written without it


def _meet_tab(place: DeltaGenerator) -> None:
    """The start of a session: what the tab knows can be read only once its guard is there.

    A tab that was with another instance is given time to send its memo: its answer cuts this run
    short, before the browser takes the canvas for gone.
    """
    session = session_state.session()
    guard.mount_guard(session=session.id, run=session.runs)
    if guard.session() not in ("", session.id):
        for _ in range(MEMO_TRIES):
            time.sleep(0.1)
            place.empty()


def _take_up(image: session_state.OpenImage, memo: Memo) -> None:
    """Go on with the canvas of the instance before, as the tab remembers it."""
    session = session_state.session()
    if memo.image_id != image.image_id and not session.on_the_way:
        # That instance ended on the way to this image: its canvas is still the other one's, and
        # may hold what nobody has stored.
        session.on_the_way = image.image_id
        address.go_to(memo.image_id)
        st.rerun()
    session.canvases = 1
    session_state.resume(image, memo)
    if image.canvas is None:
        _go_on()


def _go_on() -> None:
    """Go where the address named before the canvas of another image was read."""
    session = session_state.session()
    if session.on_the_way:
        address.go_to(session.on_the_way)
        session.on_the_way = ""


def _picture_url(image_id: str, shown_width: int, token: str) -> str:
    """The picture's absolute address, in a size that is no waste for the canvas."""
    parts = urlsplit(st.context.url or "")
    wide = next((width for width in COPY_WIDTHS if width >= shown_width), None)
    given = {"width": wide, "token": token}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{parts.scheme}://{parts.netloc}/api/images/{image_id}?{query}"
