"""The one home of session state: which image is open, on which canvas, and what to tell."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from labeler.errors import LabelerError
from labeler.images import ImageInfo
from labeler.model import edits
from labeler.model.document import AnnotationDocument, Rect
from labeler.model.labels import LabelSet
from labeler.model.people import Role
from labeler.project.image_index import ImageEntry
from labeler.project.project import Project
from labeler.ui import visitor
from labeler.ui.context import Context, page_context
from labeler.ui.drawable.callbacks import rerun_safe
from labeler.ui.drawable.drawing import (
    DrawnBox,
    Look,
    Looks,
    Reading,
    looks_of,
    read_drawing,
    was_sent,
)
from labeler.ui.drawable.geometry import Fit
from labeler.ui.drawable.guard import Room
from labeler.ui.drawable.memo import Memo, as_drawn, unheard
from labeler.ui.drawable.saver import Draft, Edit, SaveState

SAVE_WAIT_S = 0.7
"""How long a run waits for a save, so that it can say "saved" at once."""

LEAVE_WAIT_S = 3.0
"""How long "next" waits for a save; one that fails is waited for no longer."""


@dataclass
class Canvas:
    """One mounted canvas: its key, its size, the rects it was given, what was read off it last.

    It is never given other rects, or other looks for them: a canvas that is to show something else
    is another canvas.
    """

    key: str
    fit: Fit
    room: Room
    given: tuple[Rect, ...]
    looks: Looks
    shown: tuple[Rect, ...]
    drawn: tuple[DrawnBox, ...] = ()
    raw: Any = None
    differs: bool = False
    read: bool = True
    """False while what is drawn on a canvas of another instance has not been looked at."""
    changed: bool = False
    """Whether something else has been read off it than it was given, by any instance."""
    token: str = ""
    """What opened its picture: a canvas keeps the address that it was mounted with."""


@dataclass
class OpenImage:
    """The image that the page shows: the draft of its document and the canvas it is drawn on."""

    image_id: str
    draft: Draft
    info: ImageInfo | None
    problem: str = ""
    canvas: Canvas | None = None

    @property
    def stale(self) -> bool:
        """Whether the canvas shows other rects than the draft has, or not as they look today."""
        canvas = self.canvas
        return (
            canvas is not None
            and canvas.read
            and (
                canvas.differs
                or _by_id(canvas.shown) != _by_id(self.draft.wanted.rects)
                or _look_changed(canvas)
            )
        )


@dataclass
class Overview:
    """The label set and the images as this session has read them last; None before it could.

    `problems` say what could not be read anew. The page goes on with what it had: a store that
    fails for a while must not take away the canvas that somebody draws on.
    """

    labels: LabelSet | None = None
    entries: list[ImageEntry] | None = None
    problems: list[str] = field(default_factory=list)


@dataclass
class _Session:
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    overview: Overview = field(default_factory=Overview)
    open: OpenImage | None = None
    left: dict[str, Draft] = field(default_factory=dict)
    retired: tuple[OpenImage, Canvas] | None = None
    """The canvas that was given up last: the tab may still have it, and draw on it."""
    label: str = ""
    place_of_label: int = -1
    """Of the label in the picker; -1 while none is chosen."""
    offered: dict[str, str] = field(default_factory=dict)
    """The labels for the next box as the picker has shown them last: text by name."""
    label_added: bool = False
    on_the_way: str = ""
    asked_to_leave: bool = False
    """The address names something else; the open canvas was asked whether it has sent all."""
    leaving_since: float = 0.0
    """The image to go to when the canvas of another one, which the tab still has, has been read."""
    runs: int = 0
    canvases: int = 0
    renewals: int = 0
    messages: list[tuple[str, str]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    uploads: int = 0


def session() -> _Session:
    """This session's state."""
    if "session" not in st.session_state:
        st.session_state["session"] = _Session()
    found: _Session = st.session_state["session"]
    return found


def tell(text: str, icon: str = ":material/info:") -> None:
    """Say something in passing, once, in the next page that is drawn."""
    session().messages.append((text, icon))


def read_overview(project: Project) -> Overview:
    """The label set and the images, each as it is now or, where that fails, as it was."""
    overview = session().overview
    problems: dict[str, None] = {}  # a store that fails may say the same of both
    try:
        overview.labels = project.labels.read()
    except LabelerError as error:
        problems[error.message] = None
    try:
        overview.entries = project.list_without_waiting()
    except LabelerError as error:
        problems[error.message] = None
    overview.problems = list(problems)
    return overview


def opened(context: Context, image_id: str) -> OpenImage:
    """The image as this session has it open; opens it where it has not.

    Raises LabelerError where the document can't be opened. An image whose picture can't be shown
    is opened all the same, with the problem named.
    """
    leave(image_id)
    state = session()
    image = state.open
    if image is None:
        context.project.find_image(image_id)  # says best what is wrong with an address
        draft = next((draft for draft in unsaved() if draft.image_id == image_id), None)
        if draft is None:
            draft = Draft(
                image_id, context.project.open_document(image_id), visitor.current().email
            )
        image = state.open = OpenImage(image_id, draft, None)
    if image.info is None:
        _see_picture(context.project, image)
    return image


def leave(image_id: str | None) -> None:
    """Close the open image where another one is to be shown, or none."""
    state = session()
    if state.open is not None and state.open.image_id != image_id:
        # As long as the tab has the canvas, an instance that ends loses nothing.
        state.open.draft.wait(LEAVE_WAIT_S)
        give_up_canvas(state.open)
        state.left[state.open.image_id] = state.open.draft
        state.open = None


def unsaved() -> list[Draft]:
    """What was left before it was saved, and is not saved yet."""
    state = session()
    for draft in list(state.left.values()):
        if draft.state is SaveState.SAVED:
            del state.left[draft.image_id]
    return list(state.left.values())


def all_stored() -> bool:
    """Whether the store has everything that this session's person has done."""
    image = session().open
    return not unsaved() and (image is None or image.draft.state is SaveState.SAVED)


def give_up_canvas(image: OpenImage) -> None:
    """Have the next canvas of the image be a new one, which shows the draft as it is."""
    if image.canvas is not None:
        session().retired = image, image.canvas
        image.canvas = None


def lose_canvas(image: OpenImage) -> None:
    """Give up a canvas that the tab has lost: what it still sends is not what was drawn on it."""
    image.canvas = None
    session().retired = None


def mount(image: OpenImage, room: Room) -> Canvas:
    """The canvas for this image and room; a new one where what it shows has to change."""
    state = session()
    if image.info is None:
        raise ValueError("an image without its picture has no canvas")
    if image.canvas is not None and image.canvas.read and image.canvas.room != room:
        give_up_canvas(image)
    if image.canvas is None:
        state.canvases += 1
        rects = image.draft.wanted.rects
        image.canvas = Canvas(
            key=f"canvas_{image.image_id[:16]}_{state.id}_{state.canvases}",
            fit=Fit.into(image.info.width, image.info.height, room.width, room.height),
            room=room,
            given=rects,
            looks=looks_of(rects, state.overview.labels or LabelSet()),
            shown=rects,
            token=visitor.picture_token(image.image_id),
        )
    return image.canvas


def memo_of(image: OpenImage, canvas: Canvas) -> str:
    """What the tab is to remember of the canvas."""
    seen = {rect.id for rect in canvas.given} | {box.id for box in canvas.drawn}
    return Memo(
        image_id=image.image_id,
        key=canvas.key,
        fit=canvas.fit,
        room=(canvas.room.width, canvas.room.height),
        given=canvas.given,
        looks=dict(canvas.looks),
        stored=tuple(r for r in image.draft.stored.document.rects if r.id in seen),
        drawn=canvas.drawn,
        changed=canvas.changed,
        token=canvas.token,
    ).model_dump_json(exclude_defaults=True)


def resume(image: OpenImage, memo: Memo) -> None:
    """Go on with a canvas that another instance mounted, as far as this one can know it."""
    if memo.image_id != image.image_id or image.info is None:
        return
    if (memo.fit.image_width, memo.fit.image_height) != (image.info.width, image.info.height):
        return
    labels = session().overview.labels or LabelSet()
    # A memo of a version that knew no looks: then a box showed the label that is stored with it.
    plain = {rect.label: Look(rect.label, labels.color(rect.label)) for rect in memo.given}
    more = unheard(memo, image.draft.wanted.rects)
    image.canvas = Canvas(
        key=memo.key,
        fit=memo.fit,
        room=Room(*memo.room),
        given=memo.given,
        looks=plain | memo.looks,
        shown=(*memo.stored, *more),
        drawn=(*memo.drawn, *(as_drawn(rect, memo.fit) for rect in more)),
        read=False,
        changed=memo.changed or bool(more),
        token=memo.token,
    )


def take_drawing(canvas_key: str, raw: Any) -> bool:
    """Take over what the canvas sent, whenever it arrives; whether that changed anything."""
    state = session()
    shown = (state.open, state.open.canvas) if state.open and state.open.canvas else None
    found = next((f for f in (shown, state.retired) if f and f[1].key == canvas_key), None)
    if found is None:
        return False
    image, canvas = found
    if raw is None or raw == canvas.raw:
        return False
    if not was_sent(raw) and (canvas.read or canvas.changed):
        return False  # no news of the canvas, least of all that boxes were deleted
    # Nothing of Streamlit's from here on: the run could be cut short there, and what is noted as
    # read would never be stored.
    reading = read_drawing(raw, canvas.fit, canvas.given, canvas.looks, canvas.drawn, canvas.key)
    canvas.read = True
    canvas.raw = raw
    state.messages += [(message, ":material/front_hand:") for message in reading.messages]
    changed = _take_reading(image, canvas, reading)
    if changed and image is not state.open:
        state.left[image.image_id] = image.draft  # as unsaved as when it was left
    return changed


def listen() -> None:
    """Take over what the open image's canvas has sent, whatever became of its callback."""
    image = session().open
    if image is not None and image.canvas is not None:
        hear(image.canvas.key)


@rerun_safe
def hear(canvas_key: str) -> None:
    """Take over what the canvas of that key has sent, before the page is drawn."""
    component = st.session_state.get(canvas_key)
    drawing = component.get("drawing") if component else None
    if drawing:
        take_drawing(canvas_key, drawing.get("raw"))


def change(image: OpenImage, edit: Edit) -> None:
    """Apply a person's edit to the open image, if they may, and have it stored."""
    # A click may come together with the box that was drawn before it, and buttons are called back
    # before canvases: a box that came second would take the click for older than itself.
    if image.canvas is not None:
        hear(image.canvas.key)
    try:
        visitor.require(Role.LABELER)
    except LabelerError as error:
        tell(error.message, ":material/error:")
    else:
        _change(image, edit)


def _change(image: OpenImage, edit: Edit) -> None:
    """Apply an edit and have it stored, with the picture's facts filled in."""
    info = image.info

    def complete(document: AnnotationDocument) -> AnnotationDocument:
        changed = edit(document)
        if changed == document or info is None:
            return changed
        return edits.with_image_facts(changed, info.width, info.height, info.md5)

    saver = page_context().saver
    saver.change(image.draft, complete)
    image.draft.wait(SAVE_WAIT_S)


def _take_reading(image: OpenImage, canvas: Canvas, reading: Reading) -> bool:
    before = canvas.shown
    canvas.drawn = reading.drawn
    canvas.changed |= bool(reading.drawn) or reading.rects != canvas.given
    canvas.differs |= reading.differs
    if reading.rects == before:
        return False
    canvas.shown = reading.rects
    # Whoever is signed in by now: it was drawn on the canvas of the one whom the draft names.
    _change(image, lambda document: edits.with_drawn_rects(document, before, reading.rects))
    return True


def _see_picture(project: Project, image: OpenImage) -> None:
    """Look at the picture itself; a document of another picture is not edited on it."""
    image.problem = ""
    try:
        info = project.image_info(image.image_id)
    except LabelerError as error:
        image.problem = error.message
        return
    document = image.draft.wanted
    if document.metadata.content_md5 not in (None, info.md5):
        # What was seen of the picture is from before another one took its place.
        image.problem = (
            "The boxes were drawn on another picture of this name and size than this one. They "
            "are left as they are."
        )
        return
    size = (document.image_width, document.image_height)
    if None not in size and size != (info.width, info.height):
        image.problem = (
            f"The document's boxes were drawn on a picture of {size[0]} x {size[1]} pixels, but "
            f"this one has {info.width} x {info.height} as displayed. They are left as they are."
        )
        return
    image.info = info


def _look_changed(canvas: Canvas) -> bool:
    """Whether the label set says by now that what is on the canvas is to look otherwise."""
    labels = session().overview.labels
    if labels is None:
        return False
    # What was drawn or relabeled on the canvas stands there under the name that it got.
    named = {rect.label for rect in canvas.shown} - canvas.looks.keys()
    return canvas.looks != looks_of(canvas.given, labels) or any(
        labels.shown(name) != name for name in named
    )


def _by_id(rects: Sequence[Rect]) -> dict[str, Rect]:
    return {rect.id: rect for rect in rects}
