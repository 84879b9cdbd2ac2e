"""The main part: one image, what to do with it, its canvas and its boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from labeler.errors import LabelerError
from labeler.model import edits
from labeler.model.document import AnnotationDocument, Rect, Status
from labeler.model.labels import LabelSet
from labeler.model.merge import Choice, RectConflict, resolve
from labeler.model.people import Role
from labeler.ui import address, session_state, visitor
from labeler.ui.components.presence import SAVE_STATE
from labeler.ui.context import Context
from labeler.ui.drawable import canvas
from labeler.ui.drawable.callbacks import rerun_safe
from labeler.ui.drawable.guard import LEAVE
from labeler.ui.drawable.saver import SaveState
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

MOST_LISTED = 100
DONE_WIDTH = 172
"""In CSS pixels: as wide as the longer of its two texts."""
LOOK_AGAIN_S = 60.0


def show_image_page(
    context: Context, image_id: str, listed: list[str], labels: LabelSet, label: str
) -> None:
    """The image with its canvas, or why its document can't be opened; and the way on."""
    place = listed.index(image_id) if image_id in listed else None
    previous = listed[place - 1] if place else None
    after = 0 if place is None else place + 1
    following = listed[after] if after < len(listed) else None
    try:
        image = session_state.opened(context, image_id)
    except LabelerError as error:
        st.error(plain(error.message))
        with st.container(horizontal=True, gap="small"):
            _steps(previous, following)
        return
    _heading(image, [f"{place + 1:,} of {len(listed):,}"] if place is not None else [])
    _actions(image, previous, following)
    _save_state(image)
    # Each part in one element of the page, whatever is in it: where the number of elements
    # before the canvas changes, the browser keeps the old canvas beside the new one for a while.
    with st.container():
        _conflicts(context, image, labels)
    with st.container(key="next_label"):
        chosen = labels.find(label) if image.info else None
        if chosen is not None:
            st.caption(f"next box: {colored(chosen, 24)}")
    with st.container():
        if image.info is None:
            st.warning(plain(image.problem))
        else:
            canvas.show_canvas(image, labels, label, following)
    _unknown_labels(context, image, labels)
    _box_list(image, labels)


def _heading(image: session_state.OpenImage, place: list[str]) -> None:
    document = image.draft.wanted
    count = len(document.rects)
    parts = [STATUS_NAMES[document.status], counted(count, "box", "boxes")]
    if image.info:
        parts.append(f"{image.info.width} x {image.info.height}")
    name = unlinked(shortened(document.image_path, 60))
    st.markdown(
        f"{STATUS_ICONS[document.status]} **{name}** &nbsp; :gray[{' · '.join([*place, *parts])}]"
    )


def _actions(image: session_state.OpenImage, previous: str | None, following: str | None) -> None:
    status = image.draft.wanted.status
    with st.container(horizontal=True, gap="small", key="actions"):
        _steps(previous, following)
        # Done and Skip stay where they are from image to image, and whatever comes and goes stands
        # behind them: nobody who clicks on one spot again and again hits another button.
        _marking(
            image,
            "done",
            "Done" if image.draft.wanted.rects else "Done – no objects",
            icon=":material/check:",
            type="primary",
            width=DONE_WIDTH,
            disabled=status in (Status.DONE, Status.APPROVED),
            args=(image, Status.DONE, following),
            help="Mark as done and open the next image (Space)",
        )
        _marking(
            image,
            "skip",
            "Skip",
            icon=":material/skip_next:",
            disabled=status is Status.SKIPPED,
            args=(image, Status.SKIPPED, following),
            help="Exclude from exports and open the next image (S)",
        )
        if status in (Status.DONE, Status.APPROVED, Status.SKIPPED):
            _marking(
                image,
                "reopen",
                "Reopen",
                icon=":material/undo:",
                args=(image, Status.IN_PROGRESS, None),
                help="Set back to “in progress”",
            )
        with st.popover("Keys", icon=":material/keyboard:", type="tertiary"):
            st.markdown(KEYS)


def _marking(image: session_state.OpenImage, name: str, text: str, **options: Any) -> None:
    """A button that marks this image, and no other one.

    Where its run comes late, a second click may be on its way: under a key of the image's own, it
    means nothing to the page of the next image.
    """
    with st.container(width="content", key=f"{LEAVE}{name}"):
        st.button(text, key=f"{name}_{image.image_id}", on_click=_mark, **options)


def _steps(previous: str | None, following: str | None) -> None:
    st.button(
        "Previous",
        icon=":material/arrow_back:",
        key=f"{LEAVE}previous",
        disabled=previous is None,
        on_click=address.go_to,
        args=(previous,),
        help="Key A",
    )
    st.button(
        "Next",
        icon=":material/arrow_forward:",
        key=f"{LEAVE}next",
        disabled=following is None,
        on_click=address.go_to,
        args=(following,),
        help="Key D",
    )


KEYS = """
| key | what it does |
|---|---|
| D, A | next image, previous image |
| Space | done, and go on |
| S | skip, and go on |
| 1 to 9 | label of the next box |
| E | edit boxes: move, resize, relabel (click a chosen box again), or back to drawing |
| Delete | delete the chosen box (in edit) |
| Ctrl+Z, Ctrl+Y | undo, redo |
"""


@rerun_safe
def _mark(image: session_state.OpenImage, status: Status, following: str | None) -> None:
    """Give the image that state and go on."""
    # By hand: in_progress without rects is "opened again", not "not started".
    session_state.change(image, lambda document: edits.with_status(document, status))
    if following:
        image.draft.wait(session_state.LEAVE_WAIT_S)  # or an instance that ends here takes it along
        address.go_to(following)


def _save_state(image: session_state.OpenImage) -> None:
    """What was saved when, or what went wrong; looked at again while something is pending."""
    pending = image.draft.state is not SaveState.SAVED

    # Never without: it makes a browser that has reached another instance run the page anew.
    @st.fragment(run_every=1.0 if pending else LOOK_AGAIN_S)
    def line() -> None:
        draft = image.draft
        with st.container(key=SAVE_STATE):
            match draft.state:
                case SaveState.SAVED:
                    if pending:
                        st.rerun()
                    st.caption(_saved_text(image))
                case SaveState.PENDING:
                    st.caption("saving …")
                case SaveState.FAILED:
                    st.error(
                        "Not saved: "
                        + plain(draft.error)
                        + " Your boxes are kept here and are tried again; leave this page open.",
                        icon=":material/error:",
                    )

    line()


def _saved_text(image: session_state.OpenImage) -> str:
    document = image.draft.stored.document
    saved_at = image.draft.saved_at
    if saved_at is None or (document.status is Status.UNLABELED and not document.rects):
        return "nothing drawn yet; changes are saved automatically"
    by = document.metadata.saved_by
    time = clock_time(saved_at, st.context.timezone)
    return f"saved {time} by {unlinked(by)}" if by else f"saved {time}"


def _unknown_labels(context: Context, image: session_state.OpenImage, labels: LabelSet) -> None:
    """Labels that were typed on the canvas and are not in the label set."""
    names = dict.fromkeys(rect.label for rect in image.draft.wanted.rects)
    for name in [name for name in names if labels.find(name) is None][:5]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"The label “{plain(name)}” is not in the label set.")
            if visitor.may(Role.ADMIN) and st.button("Add it", key=f"add_label_{name}"):
                visitor.require(Role.ADMIN)
                context.project.labels.add([name])
                st.rerun()


def _box_list(image: session_state.OpenImage, labels: LabelSet) -> None:
    rects = image.draft.wanted.rects
    if not rects:
        return
    names = [label.name for label in labels.offered]
    # Rows only on demand: with hundreds of boxes they make every run of the page slow.
    if st.toggle(f"List the boxes ({len(rects)})", key="list_boxes"):
        for number, rect in enumerate(rects[:MOST_LISTED], 1):
            shown = labels.shown(rect.label)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(
                    f':color[■]{{foreground="{labels.color(rect.label)}"}} {number}', width=48
                )
                options = names if shown in names else [shown, *names]
                st.selectbox(
                    "Label",
                    options,
                    index=options.index(shown),
                    key=f"{LEAVE}label_{image.image_id}_{rect.id}_{shown}",
                    label_visibility="collapsed",
                    width=220,
                    on_change=_relabel,
                    args=(image, rect.id, shown),
                )
                st.caption(
                    f"{rect.left:g}, {rect.top:g} · {rect.width:g} x {rect.height:g}", width=220
                )
                st.button(
                    "Delete",
                    key=f"{LEAVE}delete_{image.image_id}_{rect.id}",
                    on_click=_delete,
                    args=(image, rect.id),
                )
        if len(rects) > MOST_LISTED:
            st.caption(f"{len(rects) - MOST_LISTED} more are on the picture.")


@rerun_safe
def _relabel(image: session_state.OpenImage, rect_id: str, shown: str) -> None:
    label = st.session_state[f"{LEAVE}label_{image.image_id}_{rect_id}_{shown}"]
    if label == shown:
        return  # a run that was cut short can report a change that is none

    def relabeled(rects: list[Rect]) -> list[Rect]:
        return [r.model_copy(update={"label": label}) if r.id == rect_id else r for r in rects]

    _edit_rects(image, relabeled)


@rerun_safe
def _delete(image: session_state.OpenImage, rect_id: str) -> None:
    _edit_rects(image, lambda rects: [r for r in rects if r.id != rect_id])


def _edit_rects(image: session_state.OpenImage, edit: Callable[[list[Rect]], list[Rect]]) -> None:
    """Change rects outside the canvas; a new canvas shows them."""

    def apply(document: AnnotationDocument) -> AnnotationDocument:
        return edits.with_rects(document, edit(list(document.rects)))

    session_state.change(image, apply)
    session_state.give_up_canvas(image)


def _conflicts(context: Context, image: session_state.OpenImage, labels: LabelSet) -> None:
    """Rects that somebody else changed at the same time, both versions, and the choice."""
    for number, conflict in enumerate(image.draft.conflicts):
        name = f"{number}_{conflict.id}"  # one box may stand there twice
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
                        key=f"{LEAVE}resolve_{choice}_{name}",
                        on_click=_resolve,
                        args=(context, image, conflict, choice),
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


@rerun_safe
def _resolve(
    context: Context, image: session_state.OpenImage, conflict: RectConflict, choice: Choice
) -> None:
    session_state.change(image, lambda document: resolve(document, conflict, choice))
    context.saver.resolved(image.draft, conflict)
    session_state.give_up_canvas(image)
