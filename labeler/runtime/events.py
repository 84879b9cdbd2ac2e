"""Events of the log, with fixed names and fields.

Log-based metrics and alerts (deploy/metrics/) use these names and fields, and docs/logs.md lists
them. No event holds an image, a token, a box, a label or a request's header.
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
    """An event; `NAME` is its kind for programs, `TEXT` its message for people."""

    NAME: ClassVar[str]
    TEXT: ClassVar[str]
    LEVEL: ClassVar[int] = logging.INFO

    def values(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def level(self) -> int:
        """Its level in Python's logging."""
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

    `latency_ms` is the save itself with its merges and the store's retries; `wait_ms` is the time
    from the change until it was stored. `retries` counts the failed attempts before, `conflicts`
    the boxes that somebody else had changed as well.
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
    """An attempt to store a document failed; the page keeps the boxes and tries again.

    `code` is the error's code (labeler/errors.py); `tries` counts failed attempts in a row.
    """

    NAME: ClassVar[str] = "save_failed"
    TEXT: ClassVar[str] = "Saving {image_id} failed (try {tries}, {code}): {reason}"
    LEVEL: ClassVar[int] = logging.ERROR
    image_id: str
    tries: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFailed(Event):
    """Calls of LABELER_WEBHOOK were given up: `lost` since the last such line.

    `call` is the event of the last one.
    """

    NAME: ClassVar[str] = "webhook_failed"
    TEXT: ClassVar[str] = (
        "Calling the webhook ({call}) failed after {tries} tries: {reason}. Calls lost: {lost}"
    )
    LEVEL: ClassVar[int] = logging.ERROR
    call: str
    tries: int
    reason: str
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Event):
    """Somebody else had changed the document, and the save merged both."""

    NAME: ClassVar[str] = "merge"
    TEXT: ClassVar[str] = "Merged {image_id} with what others had saved"
    image_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Event):
    """Two people changed the same boxes, or a call named an outdated state.

    `boxes` is the number of boxes that both changed; 0 if a call of the API got 412.
    """

    NAME: ClassVar[str] = "conflict"
    TEXT: ClassVar[str] = "Conflict on {image_id} ({boxes} boxes)"
    LEVEL: ClassVar[int] = logging.WARNING
    image_id: str
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Event):
    """An image was added to the project, or (`created` false) was in it already."""

    NAME: ClassVar[str] = "upload"
    TEXT: ClassVar[str] = "Took in image {image_id} in {latency_ms:.0f} ms"
    image_id: str
    latency_ms: float
    bytes: int
    width: int
    height: int
    created: bool


# --- datasets -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Event):
    """A dataset was exported."""

    NAME: ClassVar[str] = "export"
    TEXT: ClassVar[str] = "Exported {images} images, {boxes} boxes in {duration_ms:.0f} ms"
    format: str
    duration_ms: float
    images: int
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Event):
    """A dataset was imported."""

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
    """An instance ends."""

    NAME: ClassVar[str] = "stop"
    TEXT: ClassVar[str] = "Labeler ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState(Event):
    """The index of images in a database has another state now, seen by this process.

    Only with `ready` pages are answered from it; otherwise from the store.
    """

    NAME: ClassVar[str] = "index"
    TEXT: ClassVar[str] = "The index of images is {state}. {reason}"
    state: str
    reason: str

    @property
    def level(self) -> int:
        """A warning unless it is ready."""
        return logging.INFO if self.state == "ready" else logging.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady(Event):
    """This instance answered a probe that it can't work."""

    NAME: ClassVar[str] = "not_ready"
    TEXT: ClassVar[str] = "Not ready ({code}): {reason}"
    LEVEL: ClassVar[int] = logging.ERROR
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Event):
    """Requests to the bucket are repeated; `repeated` counts them, `reason` is the last one's."""

    NAME: ClassVar[str] = "retry"
    TEXT: ClassVar[str] = "Asking the bucket again ({repeated} requests): {reason}"
    LEVEL: ClassVar[int] = logging.WARNING
    repeated: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOperations(Event):
    """Answered requests to the bucket since the last such event, by price class.

    Class A is writes and pages of a listing, class B is reads; deletes are free.
    """

    NAME: ClassVar[str] = "bucket_operations"
    TEXT: ClassVar[str] = "Bucket: {class_a} class A, {class_b} class B in {seconds:.0f} s"
    class_a: int
    class_b: int
    free: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Event):
    """A call of the API was answered; `path` excludes the query, which may hold a token."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Event):
    """Somebody did something, or was refused (`code` says why); see audit.py.

    `person` is empty where nobody signs in, and "command" for a command.
    """

    NAME: ClassVar[str] = "audit"
    TEXT: ClassVar[str] = "Audit: {action} {target}"
    action: str
    person: str
    target: str
    old_version: str
    new_version: str
    code: str


EVENTS: Final[tuple[type[Event], ...]] = (
    Save, SaveFailed, Merge, Conflict, Upload, Export, Import, Start, Stop, NotReady, Retry,
    BucketOperations, Request, Audit, WebhookFailed,
)  # fmt: skip
"""All event classes."""
