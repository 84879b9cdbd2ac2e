"""What the program tells its log about its own work: events with fixed names and fields.

Log-based metrics and alerts (deploy/metrics/) are made from these names and fields, and
docs/logs.md lists them. No event holds a picture, a token, a box, a label or a request's header.
Times are in milliseconds, sizes in bytes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

logger = logging.getLogger(__name__)

EVENT: Final = "event"
"""The attribute of a log record that holds the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; `NAME` tells its kind to programs, `TEXT` tells it to people."""

    NAME: ClassVar[str]
    TEXT: ClassVar[str]
    LEVEL: ClassVar[int] = logging.INFO

    def values(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def level(self) -> int:
        """How serious it is, as Python's logging counts."""
        return self.LEVEL


def log_event(event: Event) -> None:
    """Write the event to the log."""
    if logger.isEnabledFor(event.level):
        text = event.TEXT.format_map(event.values())
        logger.log(event.level, "%s", text, extra={EVENT: event}, stacklevel=2)


# --- documents ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Event):
    """A document was stored for a person or a program.

    `latency_ms` is the save itself with its merges and the store's retries; `wait_ms` goes from the
    change to the moment when it was stored. `retries` counts the tries that had failed before,
    `conflicts` the boxes that somebody else had changed as well.
    """

    NAME: ClassVar[str] = "save"
    TEXT: ClassVar[str] = "Saved {image_id} in {latency_ms:.0f} ms"
    image_id: str
    latency_ms: float
    wait_ms: float
    bytes: int
    retries: int
    merged: bool
    conflicts: int
    saved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFailed(Event):
    """A try to store a document failed; the page keeps the boxes and tries again.

    `code` is the error's (labeler/errors.py), `tries` counts those that failed in a row.
    """

    NAME: ClassVar[str] = "save_failed"
    TEXT: ClassVar[str] = "Saving {image_id} failed (try {tries}, {code}): {reason}"
    LEVEL: ClassVar[int] = logging.ERROR
    image_id: str
    tries: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Event):
    """A save found the document changed by somebody else, and was merged with it."""

    NAME: ClassVar[str] = "merge"
    TEXT: ClassVar[str] = "Merged {image_id} with what others had saved"
    image_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Event):
    """Two people changed the same boxes, or a call named a state that is gone.

    `boxes` is how many both changed; 0 where a call of the API was answered by 412.
    """

    NAME: ClassVar[str] = "conflict"
    TEXT: ClassVar[str] = "Conflict on {image_id} ({boxes} boxes)"
    LEVEL: ClassVar[int] = logging.WARNING
    image_id: str
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Event):
    """An image was taken into the project, or (`created` false) was there already."""

    NAME: ClassVar[str] = "upload"
    TEXT: ClassVar[str] = "Took in image {image_id} in {latency_ms:.0f} ms"
    image_id: str
    latency_ms: float
    bytes: int
    width: int
    height: int
    created: bool


# --- data sets ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Event):
    """A data set was written."""

    NAME: ClassVar[str] = "export"
    TEXT: ClassVar[str] = "Exported {images} images, {boxes} boxes in {duration_ms:.0f} ms"
    format: str
    duration_ms: float
    images: int
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Event):
    """A data set was read in."""

    NAME: ClassVar[str] = "import"
    TEXT: ClassVar[str] = "Imported {images} images, {boxes} boxes in {duration_ms:.0f} ms"
    format: str
    duration_ms: float
    images: int
    boxes: int


# --- the service --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Event):
    """An instance is ready to answer."""

    NAME: ClassVar[str] = "start"
    TEXT: ClassVar[str] = "Labeler {version} has started on a {storage}"
    version: str
    storage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Event):
    """An instance ends; `flushed` drafts were stored on the way, `left` could not be."""

    NAME: ClassVar[str] = "stop"
    TEXT: ClassVar[str] = "Labeler ends: {flushed} drafts stored, {left} left"
    flushed: int
    left: int

    @property
    def level(self) -> int:
        return logging.ERROR if self.left else logging.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady(Event):
    """A probe was told that this instance can't work."""

    NAME: ClassVar[str] = "not_ready"
    TEXT: ClassVar[str] = "Not ready ({code}): {reason}"
    LEVEL: ClassVar[int] = logging.ERROR
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Event):
    """Requests to the bucket are repeated; `repeated` is how many, `reason` why the last one is."""

    NAME: ClassVar[str] = "retry"
    TEXT: ClassVar[str] = "Asking the bucket again ({repeated} requests): {reason}"
    LEVEL: ClassVar[int] = logging.WARNING
    repeated: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOperations(Event):
    """Requests that the bucket has answered since the last such event, by what they cost.

    Class A are writes and pages of a listing, class B reads; deletes are free.
    """

    NAME: ClassVar[str] = "bucket_operations"
    TEXT: ClassVar[str] = "Bucket: {class_a} class A, {class_b} class B in {seconds:.0f} s"
    class_a: int
    class_b: int
    free: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Event):
    """A call of the API was answered; `path` is without its query, which may hold a token."""

    NAME: ClassVar[str] = "request"
    TEXT: ClassVar[str] = "{method} {path} {status} {latency_ms:.0f} ms"
    method: str
    path: str
    status: int
    bytes: int
    latency_ms: float

    @property
    def level(self) -> int:
        return logging.WARNING if self.status >= 500 else logging.INFO


EVENTS: Final[tuple[type[Event], ...]] = (
    Save, SaveFailed, Merge, Conflict, Upload, Export, Import, Start, Stop, NotReady, Retry,
    BucketOperations, Request,
)  # fmt: skip
"""All of them."""
