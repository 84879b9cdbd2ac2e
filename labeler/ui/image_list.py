"""The list of images: its filters, and a button for each image."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import streamlit as st

from labeler.model.document import NEEDS_WORK, Status
from labeler.model.labels import LabelSet
from labeler.project.image_entry import ImageEntry, place_of
from labeler.project.image_search import ImageFilters, Sort
from labeler.project.image_view import FoundImages, ImageView, Taken
from labeler.project.progress import Tally
from labeler.project.project import Project
from labeler.ui import address, visitor
from labeler.ui.address import Filters
from labeler.ui.address_parameters import put_parameters, run_again
from labeler.ui.assets import script
from labeler.ui.text import STATUS_ICONS, STATUS_NAMES, counted, plain, shortened

PAGE_SIZE: Final = 25
_LOOKED_AT: Final = 20
"""How many images are looked at for the next one that can be opened."""

_show_open = st.components.v2.component("labeler_listing", js=script("components/image_list"))
_LIST: Final = "open_list"
_PROGRESS: Final = "finished_images"
_BARS: Final = ("Finished images", "Images finished by you")
_ICON_WORDS: Final = {
    icon.partition("/")[2].partition(":")[0]: STATUS_NAMES[status]
    for status, icon in STATUS_ICONS.items()
} | {"warning": "has a problem"}
_STATUS: Final = "status_filter"
_TEXTS: Final = "status_texts"
_TEXT: Final = "text_filter"
_LABEL: Final = "label_filter"


@dataclass(frozen=True, slots=True)
class FilteredImages:
    """The `total` images that match; the labels of `left` images have not been read yet."""

    images: FoundImages
    asked: ImageFilters
    filters: Filters
    total: int
    left: int = 0


class Way(NamedTuple):
    """The images before and after the open one, and its place among all in the list, from 1."""

    previous: str | None
    following: str | None
    number: int
    total: int


NO_WAY: Final = Way(None, None, 0, 0)


def _label_names(labels: LabelSet | None) -> list[str]:
    """The label names by which images can be found."""
    return [label.name for label in labels.labels if label.merged_into is None] if labels else []


def filter_images(
    project: Project, view: ImageView, labels: LabelSet | None, filters: Filters
) -> FilteredImages:
    """The images that match the filters; StoreError if documents can't be read."""
    label = filters.label if labels and filters.label and labels.find(filters.label) else None
    asked = ImageFilters(status=filters.status, find=filters.text, label=label)
    images = project.search(asked, view)
    _, total, left = images.page(Sort.NAME, 0, 1)
    return FilteredImages(images, asked, filters, total, left)


def first_to_work_on(project: Project, view: ImageView, found: FilteredImages) -> ImageEntry | None:
    """The first image with work left; else the first that matches, else the first of all."""
    statuses = NEEDS_WORK if found.asked.status is None else NEEDS_WORK & {found.asked.status}
    left = [
        entry
        for status in statuses
        for entry in project.search(replace(found.asked, status=status), view).after(None, 20)[0]
        if not entry.problem
    ]
    if left:
        return min(left, key=place_of)
    first = found.images.after(None, 1).entries
    first = first or project.search(ImageFilters(), view).after(None, 1).entries
    return first[0] if first else None


def show_image_list(
    tally: Tally, found: FilteredImages, labels: LabelSet | None, current: ImageEntry | None
) -> Way:
    """Show the images as buttons with their statuses; returns the way from the open image.

    The open image is always in the list, whatever the filters are.
    """
    st.markdown(
        f"**Images** · {tally.finished:,} of {tally.total:,} finished",
        help="Images are finished when they are done, skipped or approved. The list is sorted by "
        "file name. A number behind a name counts the boxes.",
    )
    if not tally.total:
        st.caption("No images yet. Upload some above.")
        return NO_WAY
    with st.container(key=_PROGRESS, gap="small"):
        st.progress(tally.finished / tally.total)
        if visitor.current().name:
            st.progress(tally.mine / tally.total, f"{tally.mine:,} finished by you")
    _filters(tally, found, labels)
    is_extra = current is not None and not found.images.has(current)
    number = found.images.count(place_of(current)) if current else 0
    if is_extra:
        st.caption("The open image is not one of these; it stays in the list while it is open.")
    _buttons(found, current, number, is_extra=is_extra)
    total = found.total + is_extra
    if current is None:
        return Way(None, _next_of(found.images.after(None, _LOOKED_AT)), 0, total)
    place = place_of(current)
    return Way(
        _next_of(found.images.before(place, _LOOKED_AT)),
        _next_of(found.images.after(place, _LOOKED_AT)),
        number + 1,
        total,
    )


def _next_of(taken: Taken) -> str | None:
    """The first of them that can be opened."""
    return next((entry.image_id for entry in taken.entries if not entry.problem), None)


def _filters(tally: Tally, found: FilteredImages, labels: LabelSet | None) -> None:
    filters, counts = found.filters, tally.statuses
    texts = {"all": f"all ({tally.total:,})"} | {
        status.value: f"{STATUS_NAMES[status]} ({counts[status]:,})"
        for status in Status
        if counts[status] or status is filters.status
    }
    if st.session_state.get(_TEXTS) != texts:
        # The browser identifies an option by its text, and would show the old text for one run.
        st.session_state.pop(_STATUS, None)
        st.session_state[_TEXTS] = texts
    _set(_STATUS, filters.status.value if filters.status else "all")
    row = st.container(horizontal=True, gap="small", key="list_row")
    row.selectbox(
        "Show",
        texts,
        format_func=lambda status: texts[status],
        key=_STATUS,
        label_visibility="collapsed",
        on_change=address.clicks().to_filters,
    )
    with row.popover("Find", icon=":material/search:", type="tertiary", key="find"):
        _set(_TEXT, filters.text)
        st.text_input(
            "File name contains",
            key=_TEXT,
            max_chars=address.MAX_TEXT,
            placeholder="street, or street_*_9?.jpg",
            on_change=address.clicks().to_filters,
        )
        _set(_LABEL, filters.label)
        st.selectbox(
            "Has label",
            ["", *_label_names(labels)],
            format_func=lambda name: name or "any",
            key=_LABEL,
            on_change=address.clicks().to_filters,
        )
        if filters:
            st.button(
                "Show all images", width="stretch", key="show_all", on_click=address.clicks().to_all
            )
    if filters:
        named = f" with “{shortened(filters.text, 20)}” in their name" if filters.text else ""
        labeled = f" that have “{shortened(filters.label, 20)}”" if filters.label else ""
        count = f"{found.total:,} of {tally.total:,} images"
        st.caption(plain(f"{count}{named}{labeled}"))
    if found.left:
        _go_on_looking(found.left)


def _go_on_looking(left: int) -> None:
    @st.fragment(run_every=0.5)
    def progress() -> None:
        st.caption(f"Searching: {left:,} images left …")
        if st.session_state.get("looked_at") != left:
            st.session_state["looked_at"] = left  # the page itself asked for this run
        else:
            run_again()

    progress()


def _set(key: str, value: str) -> None:
    """Set the widget from the address if they differ; otherwise typed text would be undone."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def follow_filters() -> None:
    """Make the address contain what somebody has chosen in the filters."""
    clicks = address.clicks()
    if clicks.filters_changed:
        put_parameters(_chosen())
    if clicks.all_wanted:
        put_parameters(dict.fromkeys((address.STATUS, address.TEXT, address.LABEL)))
    if clicks.parameters:
        put_parameters(clicks.parameters)
        clicks.parameters = {}
    clicks.filters_changed = clicks.all_wanted = False


def _chosen() -> dict[str, str | None]:
    """The filters by their names in the address.

    A run may break off between two widgets. A session that has drawn only the first of them does
    not know the others, whose values stay as the address has them.
    """
    state, chosen = st.session_state, dict[str, str | None]()
    if _STATUS in state:
        chosen[address.STATUS] = _chosen_status(state[_STATUS])
    if _TEXT in state:
        chosen[address.TEXT] = " ".join(state[_TEXT].split()) or None
    if _LABEL in state:
        chosen[address.LABEL] = state[_LABEL] or None
    return chosen


def _chosen_status(chosen: str) -> Status | None:
    """The chosen status; None for all.

    The browser sends the text of an option. If its number of images has changed meanwhile,
    Streamlit does not know the option and passes the text on unchanged.
    """
    name = chosen.rpartition(" (")[0]
    texts = {STATUS_NAMES[status]: status for status in Status}
    return Status(chosen) if chosen in set(Status) else texts.get(name)


def _buttons(
    found: FilteredImages, current: ImageEntry | None, place: int, *, is_extra: bool
) -> None:
    """A page of buttons: the one with the open image, at its place, or the chosen one.

    `is_extra` says that the open image is in the list although it does not match.
    """
    total = found.total + is_extra
    pages = (total + PAGE_SIZE - 1) // PAGE_SIZE
    page = place // PAGE_SIZE
    if pages > 1:
        with st.container(
            horizontal=True, gap="small", vertical_alignment="center", key="page_row"
        ):
            st.caption("Page", width="content")
            page = int(
                st.number_input(
                    f"Page of the list (of {pages})",
                    *(1, pages, page + 1),
                    key=f"list_page_{page}",
                    label_visibility="collapsed",
                )
                - 1
            )
            st.caption(f"of {pages}", width="content")
    start = page * PAGE_SIZE
    is_here = is_extra and start <= place < start + PAGE_SIZE
    offset = start - (is_extra and place < start)
    entries = found.images.page(Sort.NAME, offset, PAGE_SIZE - is_here).entries
    if current is not None and is_here:
        entries = [*entries[: place - start], current, *entries[place - start :]]
    current_id = current.image_id if current else None
    with st.container(key=_LIST, height=420, border=True, gap=None):
        for entry in entries:
            _image_button(entry, entry.image_id == current_id)
        data = {
            "list": _LIST,
            "row": _row_key(current_id),
            "progress": _PROGRESS,
            "bars": _BARS,
            "words": _ICON_WORDS,
        }
        _show_open(key="show_open", data=json.dumps(data))


def _row_key(image_id: str | None) -> str:
    """The widget key of an image's button."""
    return f"open_{image_id}"


def _state(entry: ImageEntry) -> str:
    """The status and the number of boxes."""
    return f"{STATUS_NAMES[entry.status]}, {counted(entry.rects, 'box', 'boxes')}"


def _image_button(entry: ImageEntry, is_current: bool) -> None:
    icon = ":red[:material/warning:]" if entry.problem else STATUS_ICONS[entry.status]
    boxes = f" · {entry.rects}" if entry.rects else ""
    name = plain(shortened(entry.image_path, 30))
    st.button(
        f"{icon} {'**' + name + '**' if is_current else name}{boxes}",
        key=_row_key(entry.image_id),
        help=plain(entry.problem or f"{entry.image_path}: {_state(entry)}"),
        type="tertiary",
        width="stretch",
        on_click=address.clicks().to_image,
        args=(entry.image_id,),
    )
