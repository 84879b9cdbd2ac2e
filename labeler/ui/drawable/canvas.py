"""The canvas of the open image: mounted once under its key, and read back.

A canvas keeps the boxes and the looks that it was mounted with. To show others, another canvas is
mounted under another key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from labeler.model.document import Rect
from labeler.model.labels import LabelSet
from labeler.ui import visitor
from labeler.ui.drawable.drawing import (
    FONT_SIZE,
    STROKE,
    DrawnBox,
    Looks,
    Reading,
    fill,
    looks_of,
    read_drawing,
    to_drawing,
    was_sent,
)
from labeler.ui.drawable.geometry import Fit

COPY_WIDTHS: Final = (640, 1024, 1600, 2400, 3600)
_PREFIX: Final = "canvas_"
_STYLE: Final = f"""
<style>
  [class*="st-key-{_PREFIX}"] {{ padding-top: 1.2rem; pointer-events: none; }}
  [class*="st-key-{_PREFIX}"].st-key-%s {{ --canvas: ready; pointer-events: auto; }}
</style>
"""
"""Every canvas but the one for drawing is held; a new one is held from its first moment."""


@dataclass
class Canvas:
    """One mounted canvas: the rects that it was given, and what was last read from it.

    `width` is the width that the person wants for images. `token` opens the image: a canvas keeps
    the address that it was mounted with. `shown` are the rects that the document has got from it.
    """

    key: str
    image_id: str
    fit: Fit
    width: int
    given: tuple[Rect, ...]
    looks: Looks
    token: str
    shown: tuple[Rect, ...] = ()
    drawn: tuple[DrawnBox, ...] = ()
    raw: Any = None
    differs: bool = False
    has_picture: bool = False

    def __post_init__(self) -> None:
        self.shown = self.given

    def read(self) -> Reading | None:
        """What it shows now; None if nothing has been done on it since the last reading."""
        state = st.session_state.get(self.key) or {}
        # The canvas reports the size of the image once that is painted. Before, a drag draws
        # nothing.
        self.has_picture = bool(state.get("backgroundFit"))
        raw: dict[str, Any] = (state.get("drawing") or {}).get("raw") or {}
        if raw == self.raw or not was_sent(raw):
            # A canvas that the browser has mounted again is in its first state: no box was
            # deleted.
            self.differs |= self.raw is not None and not was_sent(raw)
            return None
        reading = read_drawing(raw, self.fit, self.given, self.looks, self.drawn, self.key)
        self.raw = raw
        self.drawn = reading.drawn
        self.differs |= reading.differs
        return reading

    def is_stale(self, rects: Sequence[Rect], labels: LabelSet, width: int) -> bool:
        """Whether it shows anything else than those rects, in that width, as they look today."""
        named = {rect.label for rect in self.shown} - self.looks.keys()
        return (
            self.differs
            or width != self.width
            or {rect.id: rect for rect in self.shown} != {rect.id: rect for rect in rects}
            or self.looks != looks_of(self.given, labels)
            # Boxes that were drawn or relabeled on the canvas have the name that they got there.
            or any(labels.shown(name) != name for name in named)
        )


def new_canvas(
    number: str, image_id: str, rects: tuple[Rect, ...], fit: Fit, width: int, labels: LabelSet
) -> Canvas:
    """A canvas that shows those rects; `number` makes its key different from all before."""
    return Canvas(
        key=f"{_PREFIX}{image_id[:16]}_{number}",
        image_id=image_id,
        fit=fit,
        width=width,
        given=rects,
        looks=looks_of(rects, labels),
        token=visitor.picture_token(image_id),
    )


def show_canvas(canvas: Canvas, color: str, label: str, *, is_held: bool) -> None:
    """Show the canvas; new boxes get `label`. Nothing can be drawn while it `is_held`."""
    st.html(_STYLE % (canvas.key if canvas.has_picture and not is_held else "none"))
    st_canvas(
        drawing_mode="labeled_rect",
        label=label,
        stroke_width=STROKE,
        stroke_color=color,
        fill_color=fill(color),
        font_size=FONT_SIZE,
        background_image=_picture_url(canvas),
        initial_drawing=to_drawing(canvas.given, canvas.fit, canvas.looks),
        width=canvas.fit.canvas_width,
        height=canvas.fit.canvas_height,
        key=canvas.key,
    )


def _picture_url(canvas: Canvas) -> str:
    """The absolute address of the image, in a size that fits the canvas without waste."""
    parts = urlsplit(st.context.url or "")
    shown = canvas.fit.canvas_width
    wide = next((width for width in COPY_WIDTHS if width >= shown), None)
    given = {"width": wide, "token": canvas.token}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{parts.scheme}://{parts.netloc}/api/images/{canvas.image_id}?{query}"
