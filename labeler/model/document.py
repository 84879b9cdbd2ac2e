"""The annotation document: its rects, its status, its metadata, and the file format.

Format 1.0 of existing buckets, with the keys that Labeler adds:

    {"rects": [{"left", "top", "width", "height", "label", "id"}],
     "image_path", "image_width", "image_height",
     "metadata": {"image_path", "image_id", "saved_at", "version",
                  "content_md5", "status", "saved_by"}}

Coordinates are pixels of the image as displayed (EXIF orientation applied), the origin at its top
left corner. Unknown keys are kept at every level. All models are immutable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, FailFast, Field, StrictInt, StrictStr, ValidationError

from labeler.errors import DamagedDocument, InvalidDocument
from labeler.model.labels import new_label
from labeler.model.limits import MAX_RECTS
from labeler.model.stored_json import (
    StoredModel,
    check_value_count,
    check_version,
    damage,
    refusal,
)

FORMAT_VERSION: Final = "1.0"
MAX_SIDE: Final = 2**31 - 1
"""Pixels; the largest integer that readers of datasets hold in four bytes."""


class Status(StrEnum):
    r"""How far the work on an image has come; `done` without rects means checked and empty.

    A new one has to be placed in `NEEDS_WORK` or not, here and in ui/workbench/document.js, and in
    the tables that tests/model/test_every_status.py walks: ranks, names, icons and colors. What
    treats one status differently names it: `grep -rn "Status\." labeler` shows model/edits.py,
    model/reviews.py, datasets/selection.py and the pages, and its text in quotes the scripts.
    """

    UNLABELED = "unlabeled"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    SKIPPED = "skipped"
    APPROVED = "approved"
    RETURNED = "returned"


NEEDS_WORK: Final = frozenset({Status.UNLABELED, Status.IN_PROGRESS, Status.RETURNED})
FINISHED: Final = frozenset(Status) - NEEDS_WORK


Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Rect(StoredModel):
    """One labeled box: left, top, width and height in pixels of the displayed image."""

    left: Finite
    top: Finite
    width: Annotated[Finite, Field(ge=0)]
    height: Annotated[Finite, Field(ge=0)]
    label: StrictStr
    id: StrictStr = ""


class Metadata(StoredModel):
    """The document's metadata; every key may be missing in an existing bucket."""

    image_path: StrictStr | None = None
    image_id: StrictStr | None = None
    saved_at: StrictStr | None = None
    version: StrictStr | None = None
    content_md5: StrictStr | None = None
    status: StrictStr | None = None
    saved_by: StrictStr | None = None


class AnnotationDocument(StoredModel):
    """The boxes of one image. `image_width` and `image_height` are pixels as displayed."""

    rects: Annotated[tuple[Rect, ...], Field(max_length=MAX_RECTS), FailFast()]
    image_path: StrictStr
    image_width: Annotated[StrictInt, Field(ge=1, le=MAX_SIDE)] | None = None
    image_height: Annotated[StrictInt, Field(ge=1, le=MAX_SIDE)] | None = None
    metadata: Metadata = Metadata()

    @property
    def status(self) -> Status:
        """The status; if it is missing or unknown, in_progress with rects and unlabeled without."""
        try:
            return Status(self.metadata.status or "")
        except ValueError:
            return Status.IN_PROGRESS if self.rects else Status.UNLABELED


class _VersionProbe(BaseModel):
    """Only the fields that tell whether a newer program wrote the document."""

    class _Metadata(BaseModel):
        version: StrictStr | None = None

    metadata: _Metadata = _Metadata()


def parse_document(data: bytes, key: str) -> AnnotationDocument:
    """The document in `data`, every rect with an id.

    Errors name `key`. A rect without an id, or with the id of an earlier rect, gets an id made from
    its position and content. So everybody who reads the same bytes gets the same ids, and a merge
    recognizes the rects. Rects outside the image are kept as they are; nothing is repaired.

    Raises NewerDocument for a newer major version, DamagedDocument for anything else that is not
    a document of format 1.
    """
    try:
        document = AnnotationDocument.model_validate_json(data)
    except ValidationError as error:
        _check_for_newer(data, key)
        raise DamagedDocument(damage(key, error)) from error
    check_version(document.metadata.version, key)
    return with_ids(document)


def check_document(data: Any) -> AnnotationDocument:
    """A document that somebody wants to save, from JSON text or bytes, or from plain values.

    Raises InvalidDocument, which names the first field that breaks the format: a wrong type, a
    number that is not finite, a rect outside the image, an invalid label, an unknown status.
    """
    try:
        if isinstance(data, bytes | str):
            check_value_count(data, "The document")
            document = AnnotationDocument.model_validate_json(data)
        else:
            document = AnnotationDocument.model_validate(data)
    except ValidationError as error:
        raise refusal("The document", error) from error
    try:
        check_version(document.metadata.version, "The document")
    except DamagedDocument as error:
        raise InvalidDocument(error.message, "metadata.version") from error
    status = document.metadata.status
    if status is not None and status not in set(Status):
        raise InvalidDocument(
            f"metadata.status: {status!r} is not one of {', '.join(Status)}.", "metadata.status"
        )
    check_rects(document, document.rects)
    return with_ids(document)


def check_rects(document: AnnotationDocument, rects: Iterable[Rect]) -> None:
    """Raise InvalidDocument if one of `rects` leaves the document's image or has an invalid label.

    Sums of two-decimal numbers may pass an edge by a rounding error, so 0.005 px is allowed.
    """
    width, height = document.image_width, document.image_height
    for index, rect in enumerate(rects):
        place = f"rects[{index}]"
        try:
            new_label(rect.label)
        except InvalidDocument as error:
            raise InvalidDocument(f"{place}.label: {error.message}", f"{place}.label") from error
        for name, start, length, limit in (
            ("left", rect.left, rect.width, width),
            ("top", rect.top, rect.height, height),
        ):
            if start < 0 or (limit is not None and start + length > limit + 0.005):
                raise InvalidDocument(
                    f"{place}.{name}: the box from {start:g} to {start + length:g} leaves the "
                    f"image, which goes from 0 to {limit}.",
                    f"{place}.{name}",
                )


def dump_document(document: AnnotationDocument) -> bytes:
    """The document as UTF-8 JSON without unset keys; equal documents give equal bytes."""
    return document.model_dump_json(exclude_unset=True).encode()


def new_document(
    image_id: str, image_path: str, size: tuple[int, int], content_md5: str, now: datetime, by: str
) -> AnnotationDocument:
    """The empty document of an image that nobody has labeled; `size` is width and height."""
    metadata = Metadata(
        image_path=image_path,
        image_id=image_id,
        saved_at=iso_time(now),
        version=FORMAT_VERSION,
        content_md5=content_md5,
        status=Status.UNLABELED.value,
    )
    return AnnotationDocument(
        rects=(),
        image_path=image_path,
        image_width=size[0],
        image_height=size[1],
        metadata=metadata.model_copy(update={"saved_by": by}) if by else metadata,
    )


def stamped(
    document: AnnotationDocument, image_id: str, now: datetime, by: str
) -> AnnotationDocument:
    """The document to store, with time, person and the keys that format 1.0 requires.

    Raises InvalidDocument for more rects than a document may have.
    """
    if len(document.rects) > MAX_RECTS:
        raise InvalidDocument(
            f"The image would have {len(document.rects)} boxes; at most {MAX_RECTS} are allowed: "
            "delete some.",
            "rects",
        )
    update = {
        "image_path": document.metadata.image_path or document.image_path,
        "image_id": image_id,
        "saved_at": iso_time(now),
        "version": document.metadata.version or FORMAT_VERSION,
    }
    if by or document.metadata.saved_by is not None:
        update["saved_by"] = by
    return document.model_copy(update={"metadata": document.metadata.model_copy(update=update)})


def iso_time(moment: datetime) -> str:
    """The time as documents have it: ISO 8601 in UTC, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def with_metadata(document: AnnotationDocument, **changes: Any) -> AnnotationDocument:
    """The document with these values in its metadata; None takes a key away."""
    gone = {name for name, value in changes.items() if value is None}
    metadata = document.metadata
    if gone & (metadata.model_fields_set | (metadata.model_extra or {}).keys()):
        metadata = Metadata.model_validate(metadata.model_dump(exclude_unset=True, exclude=gone))
    kept = {name: value for name, value in changes.items() if value is not None}
    if not kept and metadata is document.metadata:
        return document
    return document.model_copy(update={"metadata": metadata.model_copy(update=kept)})


def with_ids(document: AnnotationDocument) -> AnnotationDocument:
    """The document with a unique id on every rect; the same input gives the same ids."""
    given = {rect.id for rect in document.rects}
    if len(given) == len(document.rects) and "" not in given:
        return document
    taken: set[str] = set()
    rects: list[Rect] = []
    for index, rect in enumerate(document.rects):
        if not rect.id or rect.id in taken:
            rect = rect.model_copy(update={"id": _content_id(rect, index, given, taken)})
        taken.add(rect.id)
        rects.append(rect)
    return document.model_copy(update={"rects": tuple(rects)})


def derived_id(seed: str) -> str:
    """Eight characters of [0-9a-z] made from `seed` alone."""
    number = int.from_bytes(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:8])
    digits = ""
    for _ in range(8):
        number, digit = divmod(number, 36)
        digits += "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
    return digits


def saved_time(document: AnnotationDocument) -> datetime | None:
    """The time of the save in UTC; no offset counts as UTC, an invalid time gives None."""
    text = document.metadata.saved_at
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _content_id(rect: Rect, index: int, given: set[str], taken: set[str]) -> str:
    """Eight characters of [0-9a-z] from the rect's position and content, in neither set."""
    seed = f"{index}|{rect.left!r}|{rect.top!r}|{rect.width!r}|{rect.height!r}|{rect.label}"
    while (found := derived_id(seed)) in given or found in taken:
        seed += "|"
    return found


def _check_for_newer(data: bytes, key: str) -> None:
    """Raise NewerDocument if `data`, which this program can't read, names a newer version."""
    try:
        version = _VersionProbe.model_validate_json(data).metadata.version
    except ValidationError:
        return
    check_version(version, key)
