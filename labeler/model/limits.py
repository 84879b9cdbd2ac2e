"""What the project takes of each thing, at most. Above, a call is refused and nothing changes.

docs/api.md and the document at /api/openapi.json list them; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_RECTS: Final = 10_000
MAX_DEPTH: Final = 100
MAX_JSON_VALUES: Final = 500_000
"""Each takes up to a hundred times its bytes. 10,000 boxes with 40 attributes each have fewer."""
MAX_LABELS: Final = 50_000
MAX_LABEL_LENGTH: Final = 100
MAX_COMMENTS: Final = 1000
MAX_COMMENT_LENGTH: Final = 2000
DOCUMENT_BYTES: Final = 16 * 2**20
LABEL_SET_BYTES: Final = 4 * 2**20
SELECTION_BYTES: Final = 2**20
GUIDE_BYTES: Final = 2**18
GUIDE_PICTURE_BYTES: Final = 8 * 2**20
SMALL_BYTES: Final = 2**16
"""Of a body that names a version, a verdict or a claim."""
IMPORT_BYTES: Final = 2**29
MAX_VALUES: Final = 1000
MAX_PAGE: Final = 1000
MAX_FIND_LENGTH: Final = 200
MAX_BOX_IMAGES: Final = 200
MAX_BOX_PAGE: Final = 500
MAX_WIDTH: Final = 8192


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what is counted, at most how much, and how more of it is answered."""

    what: str
    most: int
    status: int
    code: str


LIMITS: Final = (
    Limit("boxes of an image", MAX_RECTS, 422, "invalid_document"),
    Limit("levels of JSON within each other", MAX_DEPTH, 422, "invalid_document"),
    Limit("values in the JSON of a document", MAX_JSON_VALUES, 422, "invalid_document"),
    Limit("characters of a label", MAX_LABEL_LENGTH, 422, "invalid_document"),
    Limit("labels of the project", MAX_LABELS, 422, "invalid_document"),
    Limit("comments on an image", MAX_COMMENTS, 422, "invalid_document"),
    Limit("characters of a comment", MAX_COMMENT_LENGTH, 422, "invalid_document"),
    Limit("bytes of a document", DOCUMENT_BYTES, 413, "too_large"),
    Limit("bytes of the list of labels", LABEL_SET_BYTES, 413, "too_large"),
    Limit("bytes of the guide", GUIDE_BYTES, 413, "too_large"),
    Limit("bytes of a picture of the guide", GUIDE_PICTURE_BYTES, 413, "too_large"),
    Limit("bytes of an export's selection", SELECTION_BYTES, 413, "too_large"),
    Limit("bytes of a claim, a review or a restore", SMALL_BYTES, 413, "too_large"),
    Limit("bytes of an import", IMPORT_BYTES, 413, "too_large"),
    Limit("values of one parameter of a selection", MAX_VALUES, 400, "bad_request"),
    Limit("images of a page of the list", MAX_PAGE, 400, "bad_request"),
    Limit("images whose boxes are asked for in one call", MAX_BOX_IMAGES, 400, "bad_request"),
    Limit("boxes of a page of one label", MAX_BOX_PAGE, 400, "bad_request"),
    Limit("characters of a search", MAX_FIND_LENGTH, 400, "bad_request"),
    Limit("pixels of a copy's width", MAX_WIDTH, 400, "bad_request"),
)
"""All that do not depend on settings: those of images are LABELER_MAX_UPLOAD_MB and _MAX_PIXELS."""

MAX_CALLS_PER_S: Final = 200
"""Of one caller to one instance, where LABELER_MAX_CALLS_PER_S names no other number."""
BURST_S: Final = 10
"""A caller who has been quiet may make the calls of so many seconds at once."""
LONGEST_WAIT_S: Final = 2
"""A call above the rate waits as long as this, and is refused if that is not enough."""

UPLOADS_AT_ONCE: Final = 4
IMAGES_AT_ONCE: Final = 4
"""An image has up to 30 MB, and saves need threads too."""
LISTS_AT_ONCE: Final = 4
"""Each takes a share of the interpreter, which saves need too."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Work of which an instance does so much at once; one caller has all but one at most."""

    what: str
    most: int


AT_ONCE: Final = (
    AtOnce("uploads", UPLOADS_AT_ONCE),
    AtOnce("images and copies that are made", IMAGES_AT_ONCE),
    AtOnce("lists and counts over many images", LISTS_AT_ONCE),
)
"""More of it waits: the caller with the fewest is next, then the longest wait."""


def size_text(size: int) -> str:
    """A number of bytes for a person: `64 kB` or `16 MB`."""
    return f"{size / 2**20:.0f} MB" if size >= 2**20 else f"{size / 2**10:.0f} kB"
