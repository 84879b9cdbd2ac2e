"""Documents, label sets and what people do to them, for property-based tests.

Everything is small: few ids, few labels, small numbers, so that two drawn things often meet.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from labeler.model.document import AnnotationDocument, Rect, Status, check_document
from labeler.model.labels import LabelSet, clean_label

NAMES = ("person", "car", "Person", "traffic light", "猫", "قطة", '<b>"x"</b>', "👩‍🚒")
"""Labels of many kinds; two of them are the same ignoring case."""


NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})
SHARES = st.tuples(*[st.integers(0, 10_000)] * 4)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "image_path": st.sampled_from(["a.jpg", "b/a.jpg"]),
        "image_id": st.sampled_from(["a" * 32, "b" * 32]),
        "saved_at": st.sampled_from(
            ["2023-12-01T14:30:22.123456", "2024-02-29T23:59:59+05:30", "yesterday"]
        ),
        "version": st.sampled_from(["1.0", "1.7"]),
        "content_md5": st.sampled_from(["0" * 32, "1" * 32]),
        "status": st.sampled_from([status.value for status in Status]),
        "saved_by": st.sampled_from(["ana@example.com", "bo@example.com"]),
    },
)
"""Metadata of format 1.0 and of ours, every key of which may be missing."""

LABELS = st.sampled_from(NAMES) | st.text(
    st.characters(
        exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"], exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=9,
).map(clean_label)
"""Any proper label."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
"""Any value that JSON can carry, null and nested ones among them."""

UNKNOWN_NAMES = st.sampled_from(["x_note", "x_z", "x_é"])
UNKNOWN = st.dictionaries(UNKNOWN_NAMES, JSON, max_size=2)
"""Keys that no part of the format knows."""

SIZES = st.tuples(st.integers(1, 200), st.integers(1, 200))
UNKNOWN_PLAIN = st.dictionaries(UNKNOWN_NAMES, st.sampled_from([None, True, 1, "x"]), max_size=2)
"""The same with few values, so that two drawn ones are often equal."""


def label_sets() -> st.SearchStrategy[LabelSet]:
    """Label sets numbered without gaps, as the program makes them."""
    return st.lists(LABELS, max_size=6).map(LabelSet().added)


@st.composite
def rects(
    draw: st.DrawFn,
    size: tuple[int, int] = (100, 60),
    unknown: st.SearchStrategy[dict[str, Any]] = NOTHING,
    labels: st.SearchStrategy[str] = LABELS,
) -> Rect:
    """A rect without an id, to 2 decimals, within an image of that size, often on its border."""
    shares = draw(SHARES)
    left, top = (round(size[axis] * shares[axis] / 10_000, 2) for axis in (0, 1))
    values = {
        "left": left,
        "top": top,
        "width": round((size[0] - left) * shares[2] / 10_000, 2),
        "height": round((size[1] - top) * shares[3] / 10_000, 2),
        "label": draw(labels),
    }
    return Rect.model_validate(values | draw(unknown))


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    max_rects: int = 4,
    ids: bool = True,
    sized: bool = False,
    unknown: st.SearchStrategy[dict[str, Any]] = NOTHING,
) -> AnnotationDocument:
    """Documents that may be saved; metadata and, unless `sized`, the size may be missing.

    Without `ids` the rects come as format 1.0 has them, and get theirs from their content.
    """
    size = draw(SIZES if sized else st.none() | SIZES)
    drawn = draw(st.lists(rects(size or (100, 60), unknown), max_size=max_rects))
    dumped = [rect.model_dump(exclude_unset=True) for rect in drawn]
    if ids:
        dumped = [rect | {"id": f"r{number}"} for number, rect in enumerate(dumped)]
    values: dict[str, Any] = draw(unknown) | {
        "rects": dumped,
        "image_path": draw(st.sampled_from(["a.jpg", "ä b.jpg", "dir/猫.png"])),
    }
    if size:
        values |= {"image_width": size[0], "image_height": size[1]}
    if draw(st.booleans()):
        values["metadata"] = draw(KNOWN) | draw(unknown)
    return check_document(values)


@st.composite
def edited(
    draw: st.DrawFn, document: AnnotationDocument, new_ids: tuple[str, ...] = ("n0", "n1", "n2")
) -> AnnotationDocument:
    """What one person may make of `document`: rects moved, renamed, deleted, added, reordered."""
    fresh = rects((document.image_width or 100, document.image_height or 60), UNKNOWN_PLAIN)
    kept: list[Rect] = []
    for rect in document.rects:
        what = draw(st.sampled_from(["keep", "keep", "delete", "move", "rename", "note", "all"]))
        if what == "keep":
            kept.append(rect)
        elif what != "delete":
            kept.append(_changed(rect, draw(fresh), what))
    for name in draw(st.lists(st.sampled_from(new_ids), unique=True)):
        new = draw(fresh).model_copy(update={"id": name})
        kept.insert(draw(st.integers(0, len(kept))), new)
    if draw(st.integers(0, 4)) == 4:
        kept = draw(st.permutations(kept))
    values = document.model_dump(exclude_unset=True)
    values["rects"] = [rect.model_dump(exclude_unset=True) for rect in kept]
    if draw(st.booleans()):
        values["metadata"] = draw(KNOWN) | draw(UNKNOWN_PLAIN)
    if draw(st.integers(0, 4)) == 4:
        values |= {"image_width": draw(st.sampled_from([200, 300])), "image_height": 200}
    if draw(st.integers(0, 4)) == 4:
        values |= draw(UNKNOWN_PLAIN)
    return check_document(values)


def _changed(rect: Rect, other: Rect, what: str) -> Rect:
    """`rect` with the place, the label or the unknown keys of `other`, or with all of them."""
    place = {name: getattr(other, name) for name in ("left", "top", "width", "height")}
    known = {name: getattr(rect, name) for name in type(rect).model_fields}
    unknown = rect.model_extra or {}
    if what in ("move", "all"):
        known |= place
    if what in ("rename", "all"):
        known["label"] = other.label
    if what in ("note", "all"):
        unknown = other.model_extra or {}
    return Rect.model_validate(known | unknown)
