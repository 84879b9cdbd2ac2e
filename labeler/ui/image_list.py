"""The list of images: its filters, and a button for each image."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.image_names import name_filter
from labeler.model.document import FINISHED, Status
from labeler.model.labels import LabelSet
from labeler.project.image_index import ImageEntry
from labeler.project.progress import finished_by
from labeler.project.project import Project
from labeler.ui import address, visitor
from labeler.ui.address import Filters
from labeler.ui.address_parameters import put_parameters
from labeler.ui.assets import script
from labeler.ui.text import STATUS_ICONS, STATUS_NAMES, counted, plain, shortened

PAGE_SIZE: Final = 25
MOST_READ: Final = 2000
"""Documents that one run reads when it filters by label; more would delay somebody's save."""

_show_open = st.components.v2.component("labeler_listing", js=script("components/image_list"))
_LIST: Final = "open_list"
_STATUS: Final = "status_filter"
_TEXTS: Final = "status_texts"
_TEXT: Final = "text_filter"
_LABEL: Final = "label_filter"


@dataclass(frozen=True, slots=True)
class FilteredImages:
    """The images that match the filters; the labels of `left` images have not been read yet."""

    entries: list[ImageEntry]
    filters: Filters
    left: int = 0


def _label_names(labels: LabelSet | None) -> list[str]:
    """The label names by which images can be found."""
    return [label.name for label in labels.labels if label.merged_into is None] if labels else []


def filter_images(
    project: Project, entries: list[ImageEntry], labels: LabelSet | None, filters: Filters
) -> FilteredImages:
    """The images that match the filters; StoreError if documents can't be read."""
    named = name_filter(filters.text)
    found = [
        entry
        for entry in entries
        if (filters.status is None or entry.status is filters.status) and named(entry.image_path)
    ]
    wanted = labels.find(filters.label) if labels and filters.label else None
    if labels is None or wanted is None:
        return FilteredImages(found, filters)
    with_rects = [entry for entry in found if entry.rects]
    texts = project.label_texts(with_rects, MOST_READ)
    counting = {text for some in texts.values() for text in some if labels.find(text) == wanted}
    having = [e for e in with_rects if counting & texts.get(e.image_id, frozenset())]
    return FilteredImages(having, filters, len(with_rects) - len(texts))


def show_image_list(
    entries: list[ImageEntry], found: FilteredImages, labels: LabelSet | None, current: str | None
) -> list[str]:
    """Show the images as buttons with their statuses; returns the IDs for Next, in order.

    The open image is always in the list, whatever the filters are.
    """
    counts = dict.fromkeys(Status, 0)
    for entry in entries:
        counts[entry.status] += 1
    finished = sum(counts[status] for status in FINISHED)
    st.markdown(
        f"**Images** · {finished:,} of {len(entries):,} finished",
        help="Images are finished when they are done, skipped or approved. The list is sorted by "
        "file name. A number behind a name counts the boxes.",
    )
    if not entries:
        st.caption("No images yet. Upload some above.")
        return []
    st.progress(finished / len(entries))
    if person := visitor.current().name:
        mine = finished_by(entries, person)
        st.progress(mine / len(entries), f"{mine:,} finished by you")
    _filters(entries, found, labels, counts)
    wanted = {entry.image_id for entry in found.entries} | {current}
    listed = [entry for entry in entries if entry.image_id in wanted]
    _buttons(listed, current)
    # Next skips images that can't be opened.
    return [entry.image_id for entry in listed if not entry.problem or entry.image_id == current]


def _filters(
    entries: list[ImageEntry],
    found: FilteredImages,
    labels: LabelSet | None,
    counts: dict[Status, int],
) -> None:
    filters = found.filters
    texts = {"all": f"all ({len(entries):,})"} | {
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
        count = f"{len(found.entries):,} of {len(entries):,} images"
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
            st.rerun()

    progress()


def _set(key: str, value: str) -> None:
    """Set the widget from the address if they differ; otherwise typed text would be undone."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def follow_filters() -> None:
    """Make the address contain what somebody has chosen in the filters."""
    clicks = address.clicks()
    if clicks.filters_changed:
        _say_chosen()
    if clicks.all_wanted:
        address.show_filters(Filters())
    if clicks.parameters:
        put_parameters(clicks.parameters)
        clicks.parameters = {}
    clicks.filters_changed = clicks.all_wanted = False


def _say_chosen() -> None:
    address.show_filters(
        Filters(
            _chosen_status(st.session_state[_STATUS]),
            " ".join(st.session_state[_TEXT].split()),
            st.session_state[_LABEL],
        )
    )


def _chosen_status(chosen: str) -> Status | None:
    """The chosen status; None for all.

    The browser sends the text of an option. If its number of images has changed meanwhile,
    Streamlit does not know the option and passes the text on unchanged.
    """
    name = chosen.rpartition(" (")[0]
    texts = {STATUS_NAMES[status]: status for status in Status}
    return Status(chosen) if chosen in set(Status) else texts.get(name)


def _buttons(listed: list[ImageEntry], current: str | None) -> None:
    ids = [entry.image_id for entry in listed]
    place = ids.index(current) if current in ids else 0
    pages = (len(ids) + PAGE_SIZE - 1) // PAGE_SIZE
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
    with st.container(key=_LIST, height=420, border=True, gap=None):
        for entry in listed[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]:
            _image_button(entry, entry.image_id == current)
        _show_open(key="show_open", data=json.dumps({"list": _LIST, "row": _row_key(current)}))


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
