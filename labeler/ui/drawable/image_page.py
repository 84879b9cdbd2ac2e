"""One image on the simple canvas: its actions, its canvas and its boxes."""

from __future__ import annotations

from typing import Final

import streamlit as st

from labeler.errors import LabelerError
from labeler.model import edits
from labeler.model.document import Rect, Status, saved_time
from labeler.model.labels import LabelSet
from labeler.model.merge import RectConflict
from labeler.model.people import Role
from labeler.ui import address, visitor
from labeler.ui.address_parameters import run_again
from labeler.ui.components.presence import SAVE_STATE
from labeler.ui.context import Context
from labeler.ui.drawable import open_image
from labeler.ui.drawable.canvas import show_canvas
from labeler.ui.drawable.open_image import QUIET_S, OpenImage, run_in
from labeler.ui.drawable.saving import Edit, Work
from labeler.ui.image_list import Way
from labeler.ui.text import (
    STATUS_ICONS,
    STATUS_NAMES,
    clock_time,
    colored,
    counted,
    plain,
    shortened,
    unlinked,
)

MOST_LISTED: Final = 100
DONE_WIDTH: Final = 172
"""In CSS pixels: the width of the longer of its two texts."""
SIZES: Final = {"small": 340, "medium": 800, "large": 1400, "very large": 2400}
"""The widths that the canvas may have, in CSS pixels."""
MAX_RETRY_S: Final = 15.0


def show_image_page(
    context: Context,
    image_id: str,
    way: Way,
    labels: LabelSet,
    label: str,
    *,
    is_leaving: bool,
) -> None:
    """The image with its canvas, or the reason why its document can't be opened; and the way on.

    `way` are the images before and after it, `label` is the label of the next box. The canvas is
    held while the page `is_leaving` the image.
    """
    previous, following = way.previous, way.following
    size = st.session_state.get("image_size", "medium")
    try:
        image = open_image.opened(context.project, image_id, labels, SIZES[size])
    except LabelerError as error:
        st.error(plain(error.message))
        with st.container(horizontal=True, gap="small"):
            _steps(previous, following)
        return
    _heading(image, [f"{way.number:,} of {way.total:,}"] if way.number else [])
    _actions(image, previous, following)
    # Each part is in one element of the page, whatever it contains: if the number of elements
    # before the canvas changes, the browser keeps the old canvas beside the new one for a while.
    with st.container(key=SAVE_STATE):
        _save_state(image.work)
    with st.container():
        _conflicts(image.work, labels)
    with st.container():
        _show_canvas(image, labels, label, SIZES[size], is_leaving=is_leaving)
    _unknown_labels(context, image.work, labels)
    _box_list(image, labels)


def _heading(image: OpenImage, place: list[str]) -> None:
    document = image.work.wanted
    parts = [STATUS_NAMES[document.status], counted(len(document.rects), "box", "boxes")]
    if image.info:
        parts.append(f"{image.info.width} x {image.info.height}")
    name = unlinked(shortened(document.image_path, 60))
    st.markdown(
        f"{STATUS_ICONS[document.status]} **{name}** &nbsp; :gray[{' · '.join([*place, *parts])}]"
    )


def _actions(image: OpenImage, previous: str | None, following: str | None) -> None:
    """The row of buttons. Optional buttons are last, so that no other button moves."""
    document = image.work.wanted
    clicks = address.clicks()

    def mark(status: Status, image_id: str | None) -> None:
        image.mark_as(status)
        if image_id:
            clicks.to_image(image_id)

    # If a run is late, a second click may be on its way. Its key belongs to this image, so the
    # page of the next image ignores it.
    key = image.work.image_id
    with st.container(horizontal=True, gap="small", key="actions"):
        _steps(previous, following)
        st.button(
            "Done" if document.rects else "Done – no objects",
            icon=":material/check:",
            type="primary",
            width=DONE_WIDTH,
            disabled=document.status in (Status.DONE, Status.APPROVED),
            key=f"done_{key}",
            help="Mark as done and open the next image",
            on_click=mark,
            args=(Status.DONE, following),
        )
        st.button(
            "Skip",
            icon=":material/skip_next:",
            disabled=document.status in (Status.SKIPPED, Status.APPROVED),
            key=f"skip_{key}",
            help="Exclude from exports and open the next image",
            on_click=mark,
            args=(Status.SKIPPED, following),
        )
        st.selectbox(
            "Size of the image",
            SIZES,
            index=1,
            format_func=lambda name: f"{name} image",
            key="image_size",
            width=180,
            label_visibility="collapsed",
        )
        if document.status in (Status.DONE, Status.SKIPPED):
            st.button(
                "Reopen",
                icon=":material/undo:",
                key=f"reopen_{key}",
                help="Set back to “in progress”",
                on_click=mark,
                args=(Status.IN_PROGRESS, None),
            )


def _steps(previous: str | None, following: str | None) -> None:
    for key, text, icon, image_id in (
        ("previous", "Previous", ":material/arrow_back:", previous),
        ("next", "Next", ":material/arrow_forward:", following),
    ):
        st.button(
            text,
            icon=icon,
            key=key,
            disabled=image_id is None,
            on_click=address.clicks().to_image,
            args=(image_id,),
        )


def _save_state(work: Work) -> None:
    """When the work was saved, or what went wrong; a failed save is tried again."""
    if not work.is_saved:
        st.error(
            f"Not saved: {plain(work.error)} We'll keep trying. Please keep this page open.",
            icon=":material/error:",
        )
        with st.container(horizontal=True, gap="small"):
            st.button("Try again", key="save_again")
            st.button("Discard my changes", on_click=open_image.session().discard)
        run_in(min(2.0 ** (work.failures - 1), MAX_RETRY_S))
        return
    document = work.stored.document
    if _is_locked(work):
        st.caption("Approved: this image can't be changed until a reviewer reopens it.")
        return
    saved_at = saved_time(document)
    if saved_at is None or (document.status is Status.UNLABELED and not document.rects):
        st.caption("No boxes yet. Changes are saved automatically.")
        return
    by = document.metadata.saved_by
    time = clock_time(saved_at, st.context.timezone)
    st.caption(f"saved {time} by {unlinked(by)}" if by else f"saved {time}")


def _show_canvas(
    image: OpenImage, labels: LabelSet, label: str, width: int, *, is_leaving: bool
) -> None:
    canvas, work = image.canvas, image.work
    if canvas is None:
        st.warning(plain(image.problem))
    else:
        is_stale = canvas.is_stale(work.wanted.rects, labels, width)
        waits = is_stale or image.mark is not None or (is_leaving and work.is_saved)
        chosen = labels.find(label)
        st.caption(f"Drawing: {colored(chosen, 24)}" if chosen else "No label selected.")
        is_held = waits or is_leaving or _is_locked(work)
        show_canvas(canvas, labels.color(label), label, is_held=is_held)
        if waits:
            run_in(QUIET_S, open_image.session().ring)


def _is_locked(work: Work) -> bool:
    """Whether a reviewer has approved the image, so that saves would be rejected."""
    return work.wanted.status is Status.APPROVED


def _unknown_labels(context: Context, work: Work, labels: LabelSet) -> None:
    """Labels that were typed on the canvas and are not in the label set."""
    names = dict.fromkeys(rect.label for rect in work.wanted.rects)
    for name in [name for name in names if labels.find(name) is None][:5]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"The label “{plain(name)}” is not one of the project's labels.")
            if visitor.may(Role.ADMIN) and st.button("Add it", key=f"add_label_{name}"):
                visitor.require(Role.ADMIN)
                context.project.labels.add([name])
                run_again()


def _box_list(image: OpenImage, labels: LabelSet) -> None:
    rects = () if _is_locked(image.work) else image.work.wanted.rects
    # Rows only on demand: with hundreds of boxes they slow every run of the page.
    if not rects or not st.toggle(f"Boxes ({len(rects)})", key="list_boxes"):
        return
    names = [label.name for label in labels.offered]
    for number, rect in enumerate(rects[:MOST_LISTED], 1):
        shown = labels.shown(rect.label)
        key = f"{image.work.image_id}_{rect.id}"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f':color[■]{{foreground="{labels.color(rect.label)}"}} {number}', width=48)
            options = names if shown in names else [shown, *names]
            chosen = st.selectbox(
                "Label",
                options,
                index=options.index(shown),
                key=f"relabel_{key}_{shown}",
                label_visibility="collapsed",
                width=220,
            )
            st.caption(f"{rect.left:g}, {rect.top:g} · {rect.width:g} x {rect.height:g}", width=220)
            st.button("Delete", key=f"delete_{key}", on_click=image.edit, args=(_without(rect),))
        if chosen != shown:
            image.edit(_relabeled(rect, chosen))
            run_again()
    if len(rects) > MOST_LISTED:
        st.caption(f"{len(rects) - MOST_LISTED} more not listed.")


def _without(rect: Rect) -> Edit:
    return lambda document: edits.with_rects(
        document, [other for other in document.rects if other.id != rect.id]
    )


def _relabeled(rect: Rect, label: str) -> Edit:
    def relabel(other: Rect) -> Rect:
        return other.model_copy(update={"label": label}) if other.id == rect.id else other

    return lambda document: edits.with_rects(document, [relabel(one) for one in document.rects])


def _conflicts(work: Work, labels: LabelSet) -> None:
    """Rects that somebody else changed at the same time, both versions, and the choice."""
    for number, conflict in enumerate(work.conflicts):
        with st.container(border=True):
            st.warning(plain(_conflict_text(conflict, labels)))
            with st.container(horizontal=True):
                for choice, text in (
                    ("ours", "Keep mine"),
                    ("theirs", "Keep theirs"),
                    ("both", "Keep both"),
                ):
                    st.button(
                        text,
                        key=f"resolve_{choice}_{number}_{conflict.id}",  # one may be there twice
                        on_click=work.choose,
                        args=(conflict, choice),
                    )


def _conflict_text(conflict: RectConflict, labels: LabelSet) -> str:
    def told(rect: Rect | None) -> str:
        if rect is None:
            return "deleted"
        name = labels.shown(rect.label)
        return f"“{name}” at {rect.left:g}, {rect.top:g}, {rect.width:g} x {rect.height:g}"

    return (
        "Somebody else changed the same box at the same time. Yours: "
        f"{told(conflict.ours)}. Theirs: {told(conflict.theirs)}. Both are kept until you choose."
    )
