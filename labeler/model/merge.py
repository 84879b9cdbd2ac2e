"""Three-way merge of one image's documents over the document that both started from.

Rects are matched by id. A rect that one side alone added, changed or deleted is kept as that side
left it. If both sides touched the same rect:

* Its geometry (left, top, width and height as one), its label and each unknown key are merged
  separately. So if one side moves a box and the other relabels it, both changes are kept.
* If both sides changed one of these in different ways, the document holds their rect under the id
  and our rect right behind it. Our rect's id is made from the id and our content, so that a retry
  of the same merge finds the rect instead of adding it again.
* If one side changed the rect and the other deleted it, the changed rect stays.

The last two cases are reported as conflicts. Until a person chooses, the document holds both sides.

The order of rects is that of the side that reordered them, or theirs if both did. A rect that only
one side has stays behind the rect that it followed there. If both sides added rects in one place,
these are sorted by id.

Everything else is merged key by key, also within objects in unknown keys. image_width and
image_height count as one key, and a known key that is null counts as missing. A key that one side
changed has that side's value. If both sides changed a key differently, theirs wins. For the status,
the one that asks for more work wins. A status that a person set on one side holds even if the other
side adds rects, also if these are its first rects and put the image in progress. But a document
with rects is never unlabeled. Comments are matched by their ids and merged key by key. saved_at,
saved_by and version have no rule: the next save sets them.

So a merge gives the same result whichever side saves first. Three things are excepted: rects in
conflict, other keys that both sides changed, and rects whose order both sides changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from labeler.errors import InvalidDocument
from labeler.model.comments import comments_by_id
from labeler.model.document import (
    AnnotationDocument,
    Metadata,
    Rect,
    Status,
    derived_id,
    dump_document,
    with_ids,
)
from labeler.model.limits import MAX_RECTS

Kind = Literal["changed", "added", "deleted"]
Choice = Literal["ours", "theirs", "both"]

_GEOMETRY: Final = ("left", "top", "width", "height")
_SIZE: Final = ("image_width", "image_height")
_MISSING: Final = object()
_RANK: Final = (
    Status.RETURNED, Status.IN_PROGRESS, Status.SKIPPED,
    Status.DONE, Status.APPROVED, Status.UNLABELED,
)  # fmt: skip
"""The status that asks for the most work comes first, so that nobody's doubt is lost."""

_Keys = dict[Any, Any]
"""The values that are merged separately, by key, or by a tuple of keys that belong together."""


@dataclass(frozen=True, slots=True)
class RectConflict:
    """A rect on which a person has to decide; a side that does not have the rect is None.

    Both `changed` it, both `added` it under one id, or one changed and the other `deleted` it.
    `kept_as` is the id of the rect that holds our version beside theirs. It is empty for `deleted`:
    then the only version left is under `id`.
    """

    id: str
    kind: Kind
    base: Rect | None
    ours: Rect | None
    theirs: Rect | None
    kept_as: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged document, and its rects on which the sides disagree, in the document's order."""

    document: AnnotationDocument
    conflicts: tuple[RectConflict, ...] = ()


def merge(base: AnnotationDocument, ours: AnnotationDocument, theirs: AnnotationDocument) -> Merge:
    """Merge `ours`, which a person made from `base`, with `theirs`, which the store holds now.

    The result has every rect that one side added or changed, and can be stored as it is. Rects
    without an id get one first. Raises InvalidDocument if the result would have more rects than a
    document may hold.
    """
    base, ours, theirs = with_ids(base), with_ids(ours), with_ids(theirs)
    if dump_document(ours) in (dump_document(base), dump_document(theirs)):
        return Merge(theirs)
    if dump_document(theirs) == dump_document(base):
        return Merge(ours)
    rects, conflicts = _merge_rects(*(_by_id(side) for side in (base, ours, theirs)))
    if len(rects) > MAX_RECTS:
        raise InvalidDocument(
            f"With what others saved meanwhile the image would have {len(rects)} boxes; at most "
            f"{MAX_RECTS} are allowed: delete some.",
            "rects",
        )
    sides = base, ours, theirs
    keys, clashes = _merge_keys(
        *(_keys(side, _SIZE, without=("rects", "metadata")) for side in sides)
    )
    if "comments" in clashes:
        given = [(side.model_extra or {}).get("comments") for side in sides]
        keys["comments"] = _merge_comments(*given)
    metadata = _merge_metadata(base, ours, theirs)
    if rects and metadata.get("status") == Status.UNLABELED:
        metadata["status"] = Status.IN_PROGRESS.value
    fields = _fields(keys) | {"rects": rects}
    if "metadata" in ours.model_fields_set | theirs.model_fields_set:
        fields["metadata"] = Metadata.model_validate(metadata)
    return Merge(AnnotationDocument.model_validate(fields), conflicts)


def with_landed(
    base: AnnotationDocument, tried: Iterable[AnnotationDocument], theirs: AnnotationDocument
) -> AnnotationDocument:
    """The base of a save after `tried`: attempts that failed, but may have been stored.

    If `theirs` contains a rect or value as one of these attempts wrote it (or lacks one that it
    removed), that version is the base of the person's next change. Otherwise the person's change
    would be in conflict with their own earlier one.
    """
    rects, stored = _by_id(base), _by_id(theirs)
    status = base.metadata.status
    for ours in tried:
        own = _by_id(ours)
        for rect_id in dict.fromkeys([*rects, *own]):
            if _same_rect(own.get(rect_id), stored.get(rect_id)):
                rects.pop(rect_id, None)
                rects |= {rect_id: own[rect_id]} if rect_id in own else {}
        if ours.metadata.status == theirs.metadata.status:
            status = ours.metadata.status
    metadata = base.metadata.model_copy(update={"status": status} if status else {})
    return base.model_copy(update={"rects": tuple(rects.values()), "metadata": metadata})


def resolve(
    document: AnnotationDocument, conflict: RectConflict, choice: Choice
) -> AnnotationDocument:
    """The document after a person's choice; `both` keeps two rects, each with its own id.

    It works on the current rects, so an edit made since the conflict is kept. If one of the rects
    is gone, somebody has already chosen, and nothing changes.
    """
    rects = _by_id(document)
    involved = {conflict.id, conflict.kept_as} if conflict.kept_as else {conflict.id}
    if choice == "both" or not involved <= rects.keys():
        return document
    if conflict.kept_as:
        copy = rects.pop(conflict.kept_as)
        if choice == "ours":
            rects[conflict.id] = copy.model_copy(update={"id": conflict.id})
    elif (conflict.ours if choice == "ours" else conflict.theirs) is None:
        del rects[conflict.id]
    else:
        return document
    return document.model_copy(update={"rects": tuple(rects.values())})


# --- rects --------------------------------------------------------------------------------


def _by_id(document: AnnotationDocument) -> dict[str, Rect]:
    return {rect.id: rect for rect in document.rects}


def _merge_rects(
    base: dict[str, Rect], ours: dict[str, Rect], theirs: dict[str, Rect]
) -> tuple[list[Rect], tuple[RectConflict, ...]]:
    merged: dict[str, Rect] = {}
    conflicts: list[RectConflict] = []
    for rect_id in _order(base, ours, theirs):
        sides = base.get(rect_id), ours.get(rect_id), theirs.get(rect_id)
        rect, kind = _merge_rect(*sides)
        if rect is not None:
            merged[rect_id] = rect
        if kind is not None:
            conflicts.append(RectConflict(rect_id, kind, *sides))
    taken = dict(merged)
    behind: dict[str, Rect] = {}
    for index, conflict in enumerate(conflicts):
        if conflict.kind != "deleted" and conflict.ours is not None:
            copy = _copy(conflict.ours, taken)
            if copy.id not in taken:
                taken[copy.id] = behind[conflict.id] = copy
            conflicts[index] = replace(conflict, kept_as=copy.id)
    rects: list[Rect] = []
    for rect_id, rect in merged.items():
        rects += [rect, behind[rect_id]] if rect_id in behind else [rect]
    return rects, tuple(conflicts)


def _merge_rect(
    base: Rect | None, ours: Rect | None, theirs: Rect | None
) -> tuple[Rect | None, Kind | None]:
    """The merged rect, or None if it is deleted, and the kind of conflict."""
    before = _rect_keys(base) if base else {}
    if ours is None or theirs is None:
        left = ours or theirs
        if left is None or not base:
            return left, None
        return (None, None) if _same(_rect_keys(left), before) else (left, "deleted")
    keys, clash = _merge_keys(before, _rect_keys(ours), _rect_keys(theirs))
    if clash:
        return theirs, "changed" if base else "added"
    return Rect.model_validate(_fields(keys) | {"id": theirs.id}), None


def _same_rect(one: Rect | None, other: Rect | None) -> bool:
    """Whether both are equal as JSON, or both absent; for `==`, an attribute 1 equals true."""
    if one is None or other is None:
        return one is other
    return _same(_rect_keys(one), _rect_keys(other))


def _rect_keys(rect: Rect) -> _Keys:
    return _keys(rect, _GEOMETRY, without=("id",))


def _copy(rect: Rect, taken: dict[str, Rect]) -> Rect:
    """The rect under an id made from its id and content; from `taken` if it is already there."""
    content = json.dumps([rect.id, rect.model_dump(exclude_unset=True)], sort_keys=True)
    while True:
        copy = rect.model_copy(update={"id": derived_id(content)})
        there = taken.get(copy.id)
        if there is None or _same(_rect_keys(there), _rect_keys(rect)):
            return copy
        content += "|"


def _order(base: Collection[str], ours: Collection[str], theirs: Collection[str]) -> list[str]:
    """The ids of both sides, in the order that the module's docstring describes."""
    shared = set(ours) & set(theirs)
    spines = [[rect_id for rect_id in side if rect_id in shared] for side in (ours, theirs)]
    before = [rect_id for rect_id in base if rect_id in shared]
    moved = [[rect_id for rect_id in spine if rect_id in base] != before for spine in spines]
    spine = spines[0] if moved == [True, False] else spines[1]
    runs = [_runs(side, shared) for side in (ours, theirs)]
    order: list[str] = []
    for anchor in ("", *spine):
        if anchor:
            order.append(anchor)
        for run in sorted(found[anchor] for found in runs if anchor in found):
            order += run
    return order


def _runs(ids: Collection[str], shared: set[str]) -> dict[str, list[str]]:
    """The ids that only one side has, in order, by the shared id before them ("" at the start)."""
    runs: dict[str, list[str]] = {}
    anchor = ""
    for rect_id in ids:
        if rect_id in shared:
            anchor = rect_id
        else:
            runs.setdefault(anchor, []).append(rect_id)
    return runs


# --- keys ---------------------------------------------------------------------------------


def _merge_metadata(
    base: AnnotationDocument, ours: AnnotationDocument, theirs: AnnotationDocument
) -> _Keys:
    keys, clashes = _merge_keys(*(_keys(side.metadata) for side in (base, ours, theirs)))
    if "status" in clashes:
        sides = [side for side in (ours, theirs) if side.metadata.status is not None]
        said = [side for side in sides if not _only_begun(base, side)] or sides
        keys["status"] = min((str(side.metadata.status) for side in said), key=_urgency)
    return keys


def _only_begun(base: AnnotationDocument, side: AnnotationDocument) -> bool:
    """Whether the side is in progress only because its first rects were drawn."""
    return (
        base.status is Status.UNLABELED
        and bool(side.rects)
        and (side.metadata.status == Status.IN_PROGRESS)
    )


def _urgency(status: str) -> tuple[int, str]:
    """Lowest for the status that asks for most work; an unknown status counts as in_progress."""
    known = status if status in _RANK else Status.IN_PROGRESS
    return _RANK.index(Status(known)), status


def _merge_comments(base: Any, ours: Any, theirs: Any) -> Any:
    """The comments of both sides by their ids; theirs where a side's value is no list of them."""
    sides = [comments_by_id(value) for value in (base, ours, theirs)]
    if None in sides:
        return theirs
    before, our, their = (dict(side or {}) for side in sides)
    merged: list[Any] = []
    for comment_id in _order(before, our, their):
        was = before.get(comment_id)
        left = [side[comment_id] for side in (our, their) if comment_id in side]
        if len(left) == 2:
            merged.append(_merge_keys(dict(was or {}), dict(left[0]), dict(left[1]))[0])
        elif was is None or not _same(left[0], was):
            merged.append(left[0])
    return merged


def _keys(
    model: AnnotationDocument | Metadata | Rect,
    unit: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> _Keys:
    """The model's set keys, with those of `unit` together under `unit`."""
    keys: _Keys = {
        name: value
        for name in type(model).model_fields
        if name in model.model_fields_set and name not in without
        if (value := getattr(model, name)) is not None
    }
    if not keys.keys().isdisjoint(unit):
        keys[unit] = tuple(keys.pop(name, None) for name in unit)
    return keys | (model.model_extra or {})


def _fields(keys: _Keys) -> dict[str, Any]:
    """The inverse of `_keys`."""
    fields: dict[str, Any] = {}
    for key, value in keys.items():
        if isinstance(key, tuple):
            fields |= {
                name: part for name, part in zip(key, value, strict=True) if part is not None
            }
        else:
            fields[key] = value
    return fields


def _merge_keys(base: _Keys, ours: _Keys, theirs: _Keys) -> tuple[_Keys, list[Any]]:
    """The keys merged one by one, and those that both changed differently, where theirs wins."""
    merged: _Keys = {}
    clashes: list[Any] = []
    added = sorted((ours.keys() | theirs.keys()) - base.keys(), key=str)
    for key in (*base, *added):
        before, our, their = (side.get(key, _MISSING) for side in (base, ours, theirs))
        value = their
        if _same(their, before):
            value = our
        elif not _same(our, before) and not _same(our, their):
            clash = True
            if isinstance(our, dict) and isinstance(their, dict):
                before = before if isinstance(before, dict) else {}
                value, inner = _merge_keys(before, our, their)
                clash = bool(inner)
            if clash:
                clashes.append(key)
        if value is not _MISSING:
            merged[key] = value
    return merged, clashes


def _same(one: Any, other: Any) -> bool:
    """Whether both are equal as JSON values: 1 equals 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
