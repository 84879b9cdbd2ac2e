"""Pages of the list of images: after a place, before a place, or around an image.

While a large project is listed for the first time, the first page comes from a look at its first
images alone. The page that follows it leaves these out, so that nobody who reads on gets an image
twice or misses one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from starlette.requests import Request

from labeler.api.preconditions import etag
from labeler.api.request_parameters import number_parameter, offset_parameter
from labeler.errors import InvalidRequest, StillListing
from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.model.limits import MAX_FIND_LENGTH, MAX_PAGE
from labeler.model.review_sample import WHOLE
from labeler.project.box_facts import BoxFacts
from labeler.project.first_images import FirstImages
from labeler.project.image_entry import ImageEntry, place_of
from labeler.project.image_search import ImageFilters, Sort, parse_day
from labeler.project.image_view import FoundImages, Place
from labeler.project.listed_images import ListedView
from labeler.project.project import Project
from labeler.storage import Version

DEFAULT_LIMIT: Final = 100
_FIRST: Final = "~"

Kind = TypeVar("Kind", bound=StrEnum)
_BOXES: Final = re.compile(r"([0-9]{1,6})(?:(-)([0-9]{1,6})?)?")


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """The images that are requested; at most one of `after`, `before`, `around` and `offset`.

    `first` says which images a page before all were listed had; they are not shown again.
    """

    filters: ImageFilters
    sort: Sort
    limit: int
    after: Place | None
    first: FirstImages | None
    before: Place | None
    around: str | None
    offset: int | None


def read_query(request: Request) -> ImageQuery:
    """The query in the address. Raises InvalidRequest."""
    given = request.query_params
    places = bool(given.get("after")), bool(given.get("before")), "around" in given
    if sum(places) + ("offset" in given) > 1:
        raise InvalidRequest("Only one of after, before, around and offset can be asked for.")
    if "sort" in given and "offset" not in given:
        raise InvalidRequest("sort goes with offset: other pages are in the order of names.")
    after, _, first = given.get("after", "").partition(_FIRST)
    return ImageQuery(
        filters=_filters(given),
        sort=_one_of(Sort, "sort", given.get("sort")) or Sort.NAME,
        limit=number_parameter(request, "limit", MAX_PAGE) or DEFAULT_LIMIT,
        after=_read_place("after", after),
        first=_read_first(first),
        before=_read_place("before", given.get("before")),
        around=given.get("around"),
        offset=offset_parameter(request),
    )


def _filters(given: Mapping[str, str]) -> ImageFilters:
    for name in ("find", "person", "assigned"):
        if len(given.get(name, "")) > MAX_FIND_LENGTH:
            raise InvalidRequest(f"{name} is longer than {MAX_FIND_LENGTH} characters.")
    since, until = given.get("since"), given.get("until")
    return ImageFilters(
        status=_one_of(Status, "status", given.get("status")),
        find=given.get("find", ""),
        label=given.get("label"),
        person=given.get("person", ""),
        assigned=given.get("assigned", ""),
        boxes=_boxes(given.get("boxes")),
        since=parse_day("since", since) if since is not None else None,
        until=parse_day("until", until, is_end=True) if until is not None else None,
        warning=_one_of(BoxWarning, "warning", given.get("warning")),
        sample=_sample(given.get("sample")),
    )


def _sample(given: str | None) -> int:
    if not given:
        return WHOLE
    if not re.fullmatch("[0-9]{1,3}", given) or not 1 <= int(given) <= WHOLE:
        raise InvalidRequest(f"sample={given!r} must be a percentage from 1 to {WHOLE}.")
    return int(given)


def find_page(project: Project, query: ImageQuery) -> dict[str, Any]:
    """The page as the API shows it. Raises NotFound if the image of `around` does not exist.

    Raises StillListing for other pages than the first one by name, and for filters that look at
    boxes, before all images are listed.
    """
    try:
        found = project.search(query.filters)
    except StillListing:
        page = _first_page(project, query)
        if page is None:
            raise
        return page
    if query.offset is not None:
        return _at(found, query, query.offset)
    if query.around is not None:
        return _around(found, query, project.find_image(query.around))
    if query.before is not None:
        taken, more = found.before(query.before, query.limit)
        last = taken[0] if taken else None
        return _shown_page(taken[::-1], last) | {"previous": _token(more)}
    if query.first is not None:
        return _after_first(found, query, query.first)
    return _shown_page(*found.after(query.after, query.limit))


def _first_page(project: Project, query: ImageQuery) -> dict[str, Any] | None:
    """The first page before all images are listed; None if the query asks for another one."""
    is_later = query.after or query.first or query.before or query.offset
    if is_later or query.filters.needs_facts or query.sort is not Sort.NAME:
        return None
    first = project.image_index.first_images(query.limit)
    found = project.search(query.filters, ListedView(first.entries, BoxFacts(project.store)))
    entries = [one for one in first.entries if found.has(one) or one.image_id == query.around]
    page = _shown_page(entries, None) | {"found": project.image_index.found}
    if query.offset is not None:
        return page | {"index": 0, "total": None, "unread": 0}
    page["next"] = _first_token("", first)
    if query.around is None:
        return page
    if query.around not in [entry.image_id for entry in entries]:
        return None
    return page | {"previous": None, "index": None, "total": None}


def _after_first(found: FoundImages, query: ImageQuery, first: FirstImages) -> dict[str, Any]:
    """The page after the place, without the images that the first page had."""
    place, more = query.after, None
    entries: list[ImageEntry] = []
    while not entries:
        taken, more = found.after(place, query.limit)
        entries = [entry for entry in taken if not first.hold(entry)]
        if more is None:
            break
        place = place_of(more)
    page = _shown_page(entries, None)
    return page | {"next": _first_token(_token(more) or "", first) if more else None}


def _at(found: FoundImages, query: ImageQuery, offset: int) -> dict[str, Any]:
    """The images at these places among all `total` that match.

    `unread` of them have documents of an older Labeler that have not been read yet; the next call
    goes on with them.
    """
    entries, total, unread = found.page(query.sort, offset, query.limit)
    return _shown_page(entries, None) | {"index": offset, "total": total, "unread": unread}


def _around(found: FoundImages, query: ImageQuery, entry: ImageEntry) -> dict[str, Any]:
    """The image with its neighbors; it is included whether it matches or not, as on the page.

    `index` is the place of the first image among all `total` that match.
    """
    place, each = place_of(entry), max(1, query.limit // 2)
    before, previous = found.before(place, each)
    after, more = found.after(place, each)
    page = _shown_page([*before[::-1], entry, *after], more) | {"previous": _token(previous)}
    if query.filters.needs_facts:
        return page
    total = found.count() + (not found.has(entry))
    return page | {"index": found.count(place) - len(before), "total": total}


# --- as text ------------------------------------------------------------------------------


def _one_of(kind: type[Kind], name: str, text: str | None) -> Kind | None:
    if text is None:
        return None
    if text not in set(kind):
        raise InvalidRequest(f"{name}={text!r} is not one of {', '.join(kind)}.")
    return kind(text)


def _boxes(text: str | None) -> tuple[int, int | None] | None:
    """The numbers in `3`, `1-5` or `10-`."""
    if not text:
        return None
    found = _BOXES.fullmatch(text)
    if found is None:
        raise InvalidRequest(f"boxes={text!r} must be a number of boxes, such as 0, 1-5 or 10-.")
    least, dash, most = found.groups()
    if not dash:
        return int(least), int(least)
    return int(least), int(most) if most else None


def _read_place(name: str, text: str | None) -> Place | None:
    """The position in the `next` or `previous` of another page."""
    if not text:
        return None
    try:
        image_id, slash, path = urlsafe_b64decode(text).decode().partition("/")
    except ValueError:
        slash = ""
    if not slash:
        of = "next" if name == "after" else "previous"
        raise InvalidRequest(f"{name}={text!r} is not what `{of}` said. List again from the start.")
    return path, image_id


def _read_first(text: str) -> FirstImages | None:
    """What `_first_token` has written."""
    if not text:
        return None
    try:
        last = urlsafe_b64decode(text).decode()
    except ValueError:
        raise InvalidRequest("after is not what `next` said. List again from the start.") from None
    return FirstImages([], last[1:], by_document=last.startswith("d"))


def _first_token(after: str, first: FirstImages) -> str:
    """The place after which to go on, and the images that are not shown again."""
    last = ("d" if first.by_document else "o") + first.last
    return after + _FIRST + urlsafe_b64encode(last.encode()).decode()


def _token(entry: ImageEntry | None) -> str | None:
    if entry is None:
        return None
    return urlsafe_b64encode(f"{entry.image_id}/{entry.image_path}".encode()).decode()


def _shown_page(entries: list[ImageEntry], more_after: ImageEntry | None) -> dict[str, Any]:
    return {"images": [_shown(entry) for entry in entries], "next": _token(more_after)}


def _shown(entry: ImageEntry) -> dict[str, Any]:
    shown = {
        "image_id": entry.image_id,
        "image_path": entry.image_path,
        "status": entry.status,
        "rects": entry.rects,
        "saved_at": entry.saved_at or None,
        "saved_by": entry.saved_by or None,
        "labeled_by": (entry.labeler if entry.status is not Status.UNLABELED else "") or None,
        "assigned_to": entry.assigned_to or None,
        "etag": etag(Version(entry.version)) if entry.version else None,
    }
    return shown | {"problem": entry.problem} if entry.problem else shown
