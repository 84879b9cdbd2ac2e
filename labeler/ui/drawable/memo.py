"""What a tab remembers of its canvas, so that another instance can go on with it.

Session state dies with its instance; the tab and what is drawn in it live on. With each run the
page gives the tab a memo of the canvas as the page knows it, and a fresh instance gets it back
beside the drawing itself: then it can tell what was drawn since, and go on without a new canvas.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labeler.model.document import Rect
from labeler.ui.drawable.drawing import DrawnBox, Look, drawn_on
from labeler.ui.drawable.geometry import CanvasBox, Fit

_CLOSE = 0.025
"""Image pixels: what rounding to two decimals can make of one box, twice: 0.02, in doubles."""


class Memo(BaseModel):
    """A mounted canvas, what was last read off it, and what of it the store had by then.

    `stored` are the rects in the store that the canvas knew of: what differs from them on the
    canvas is the person's work, whether the instance that saw it has stored it or not. `changed`
    is whether something else had been read off it than it was given; `looks` is how it shows their
    labels, `token` what opened its picture.
    """

    model_config = ConfigDict(frozen=True)

    image_id: str
    key: str
    fit: Fit
    room: tuple[int, int]
    given: tuple[Rect, ...]
    stored: tuple[Rect, ...]
    drawn: tuple[DrawnBox, ...]
    changed: bool = False
    looks: dict[str, Look] = {}
    token: str = Field("", pattern=r"^[A-Za-z0-9_.-]*$")


def parse_memo(text: object) -> Memo | None:
    """The memo in what a tab sent; None for anything else."""
    try:
        return Memo.model_validate_json(text) if isinstance(text, str) else None
    except ValidationError:
        return None


def unheard(memo: Memo, stored: Sequence[Rect]) -> tuple[Rect, ...]:
    """The stored rects that were drawn on the memo's canvas, and that the memo does not know.

    An instance has stored them and ended before the tab heard of their ids. Whatever has become of
    them on the canvas since (moved, relabeled, deleted), they are none of somebody else's.
    """
    known = {rect.id for rect in memo.given} | {box.id for box in memo.drawn}
    return tuple(r for r in stored if r.id not in known and drawn_on(memo.key, r.id))


def as_drawn(rect: Rect, fit: Fit) -> DrawnBox:
    """A stored rect as the canvas has it, as far as two decimals can tell."""
    box = fit.to_canvas(CanvasBox(rect.left, rect.top, rect.width, rect.height))
    slack = _CLOSE * max(fit.scale_x, fit.scale_y)
    return DrawnBox(rect.id, box, rect.label, rect.label, slack=slack)
