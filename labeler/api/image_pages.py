"""Pages of the list of images: those after a place, those before one, or those around an image."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from starlette.requests import Request

from labeler.api.request_parameters import number_parameter
from labeler.errors import InvalidRequest
from labeler.image_names import name_filter
from labeler.model.document import Status
from labeler.model.labels import label_key
from labeler.model.limits import MAX_FIND_LENGTH, MAX_PAGE
from labeler.project.image_index import ImageEntry
from labeler.project.project import Project

DEFAULT_LIMIT: Final = 100
MAX_DOCUMENTS: Final = 2000
"""How many documents one call reads in search of a label."""

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """Which images are asked for; at most one of `after`, `before` and `around`."""

    status: Status | None
    label: str | None
    find: str
    limit: int
    after: Place | None
    before: Place | None
    around: str | None


def read_query(request: Request) -> ImageQuery:
    """The query in the address; InvalidRequest."""
    given = request.query_params
    if bool(given.get("after")) + bool(given.get("before")) + ("around" in given) > 1:
        raise InvalidRequest("Only one of after, before and around can be asked for.")
    find = given.get("find", "")
    if len(find) > MAX_FIND_LENGTH:
        raise InvalidRequest(f"find is longer than {MAX_FIND_LENGTH} characters.")
    return ImageQuery(
        status=_status(given.get("status")),
        label=given.get("label"),
        find=find,
        limit=number_parameter(request, "limit", MAX_PAGE) or DEFAULT_LIMIT,
        after=_read_place("after", given.get("after")),
        before=_read_place("before", given.get("before")),
        around=given.get("around"),
    )


class _Search:
    """What matches a query, with as little looked at as that takes."""

    def __init__(self, project: Project, query: ImageQuery) -> None:
        self.query = query
        self._project = project
        self._named = name_filter(query.find)

    def _matches(self, entry: ImageEntry) -> bool:
        status = self.query.status
        return (status is None or entry.status is status) and self._named(entry.image_path)

    def count(self, entries: list[ImageEntry], start: int, end: int) -> int:
        if self.query.status is None and not self.query.find:
            return end - start
        return sum(self._matches(entries[place]) for place in range(start, end))

    def take(
        self, entries: Iterable[ImageEntry], limit: int
    ) -> tuple[list[ImageEntry], ImageEntry | None]:
        """The first that match, and after which entry to go on; None where there is no more."""
        some = filter(self._matches, entries)
        if self.query.label is None:
            found = list(islice(some, limit + 1))
            return found[:limit], found[limit - 1] if len(found) > limit else None
        candidates = list(islice((entry for entry in some if entry.rects), MAX_DOCUMENTS + 1))
        matching: list[ImageEntry] = []
        for entry in self._with_label(candidates[:MAX_DOCUMENTS], self.query.label):
            matching.append(entry)
            if len(matching) == limit:
                return matching, entry if entry is not candidates[-1] else None
        more = candidates[MAX_DOCUMENTS - 1] if len(candidates) > MAX_DOCUMENTS else None
        return matching, more

    def _with_label(self, candidates: list[ImageEntry], label: str) -> Iterator[ImageEntry]:
        labels = self._project.labels.read()
        wanted = label_key(labels.shown(label))
        texts = {entry.image_id: entry for entry in candidates}
        for image_id, opened in self._project.documents_of(texts):
            if any(label_key(labels.shown(rect.label)) == wanted for rect in opened.document.rects):
                yield texts[image_id]


def find_page(project: Project, query: ImageQuery) -> dict[str, Any]:
    """The page as the API shows it. Raises NotFound for `around` an image that is not there."""
    entries = project.list_without_waiting()
    search = _Search(project, query)
    if query.around is not None:
        return _around(entries, search, project.find_image(query.around))
    if query.before is not None:
        end = bisect_left(entries, query.before, key=place_of)
        found, more = search.take(_backward(entries, end), query.limit)
        last = found[0] if found else None
        return _shown_page(found[::-1], last) | {"previous": _token(more)}
    start = bisect_right(entries, query.after, key=place_of) if query.after else 0
    return _shown_page(*search.take(_forward(entries, start), query.limit))


def _around(entries: list[ImageEntry], search: _Search, entry: ImageEntry) -> dict[str, Any]:
    """The image with its neighbors. It is there whether it matches or not, as in the page's list.

    `index` is the place of the first of them among all that match, of which there are `total`.
    """
    start = bisect_left(entries, place_of(entry), key=place_of)
    end = bisect_right(entries, place_of(entry), key=place_of)
    each = max(1, search.query.limit // 2)
    before, previous = search.take(_backward(entries, start), each)
    after, more = search.take(_forward(entries, end), each)
    page = _shown_page([*before[::-1], entry, *after], more) | {"previous": _token(previous)}
    if search.query.label is not None:
        return page
    matching_before = search.count(entries, 0, start)
    total = matching_before + 1 + search.count(entries, end, len(entries))
    return page | {"index": matching_before - len(before), "total": total}


def _forward(entries: list[ImageEntry], start: int) -> Iterator[ImageEntry]:
    return (entries[place] for place in range(start, len(entries)))


def _backward(entries: list[ImageEntry], end: int) -> Iterator[ImageEntry]:
    return (entries[place] for place in range(end - 1, -1, -1))


# --- as text ------------------------------------------------------------------------------


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    if text not in set(Status):
        raise InvalidRequest(f"status={text!r} is not one of {', '.join(Status)}.")
    return Status(text)


def place_of(entry: ImageEntry) -> Place:
    """The entry's position in the list, which stays valid when other entries come and go."""
    return entry.image_path, entry.image_id


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
    }
    return shown | {"problem": entry.problem} if entry.problem else shown
