"""What a tab remembers of its canvas, so that another instance can go on with it.

Session state dies with its instance; the tab and what is drawn in it live on. With each run the
page gives the tab a memo of the canvas as the page knows it, and a fresh instance gets it back
beside the drawing itself: then it can tell what was drawn since, and go on without a new canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labeler.geometry import Box, Fit
from labeler.models import Rect
from labeler.ui.drawing import DrawnBox, Look

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


def same_ids(
    drawn: Sequence[DrawnBox], fit: Fit, shown: Sequence[Rect], stored: Sequence[Rect]
) -> tuple[DrawnBox, ...]:
    """The drawn boxes, those that the store has already under the ids that they have there.

    An instance may have stored a box and ended before the tab heard of its id: the box is in the
    store, not among `shown`, and the tab's next reading takes it for a new one. No two boxes come
    to have one id.
    """
    heard = {rect.id for rect in shown}
    known = heard | {one.id for one in drawn}
    unheard = [rect for rect in stored if rect.id not in known]
    own = heard | {rect.id for rect in stored}
    result = []
    for one in drawn:
        box = fit.to_image(one.box)
        match = next((r for r in unheard if r.label == one.label and _close(r, box)), None)
        if match is not None and one.id not in own:
            unheard.remove(match)
            one = replace(one, id=match.id)
        result.append(one)
    return tuple(result)


def _close(rect: Rect, box: Box) -> bool:
    return (
        abs(rect.left - box.left) <= _CLOSE
        and abs(rect.top - box.top) <= _CLOSE
        and abs(rect.width - box.width) <= _CLOSE
        and abs(rect.height - box.height) <= _CLOSE
    )
