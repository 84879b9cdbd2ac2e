"""The labels page for admins: every label with its counts and its actions.

A callback makes each edit on the newest label set and names the label that the person saw. So the
edit does not undo changes that another admin has made meanwhile.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from labeler.errors import LabelerError, LabelRefused
from labeler.model.label_counts import Count
from labeler.model.label_edits import (
    acknowledged,
    merged,
    offered_again,
    recolored,
    renamed,
    retired,
    separated,
)
from labeler.model.labels import Label, LabelSet
from labeler.model.people import Role
from labeler.project.label_store import LabelEdit
from labeler.ui import label_counts_panel, visitor
from labeler.ui.context import Context, page_context
from labeler.ui.session_state import Overview
from labeler.ui.text import counted, plain, shortened, why_there

PAGE_SIZE = 50
_EDITED = "edited_label"
_PROBLEM = "label_problem"
ADD = 0
"""The number that stands for the field of a new label."""


def show_labels_page(context: Context, overview: Overview) -> None:
    """Draw the page."""
    labels = overview.labels
    if labels is None:
        for problem in overview.problems:
            st.error(plain(problem))
        return
    st.caption(
        "Changes apply to the whole project at once and can be undone. Boxes are not rewritten."
    )
    _rebuilt(labels)
    _add(labels)
    counts = label_counts_panel.show_label_counts(context, overview.view)
    if counts is not None:
        _unknown(counts.unknown(labels))
    own = counts.own(labels) if counts else None
    total = counts.counted(labels) if counts else None
    page = _page(labels)
    with st.container(key="label_rows", gap=None):
        for label in page:
            is_open = st.session_state.get(_EDITED) == label.number
            with st.container(border=is_open, gap="small", key=f"label_row_{label.number}"):
                count = (
                    None
                    if own is None or total is None
                    else (own if label.merged_into else total).get(label.number, Count())
                )
                _row(labels, label, count, is_open)
                if is_open:
                    _panel(labels, label, count)


def _rebuilt(labels: LabelSet) -> None:
    if labels.rebuilt_from:
        st.warning(
            plain(
                "labels.json was missing. These labels and their numbers were taken from "
                f"{labels.rebuilt_from}. Colors and which labels were archived are not in an "
                "export; former names and merges are as they were then. Set them again, or "
                "restore labels.json."
            )
        )
        st.button("Dismiss", key="rebuilt_seen", on_click=_edit, args=(ADD, "", acknowledged))


# --- one label ----------------------------------------------------------------------------


def _page(labels: LabelSet) -> tuple[Label, ...]:
    """The labels to show: all, or one page of those that match the search."""
    found = labels.labels
    if len(found) <= PAGE_SIZE:
        return found
    with st.container(
        horizontal=True, gap="small", vertical_alignment="bottom", key="label_search"
    ):
        wanted = st.text_input("Find a label", key="find_label", width=320).casefold().strip()
        found = tuple(
            label for label in found if any(wanted in name.casefold() for name in label.names)
        )
        pages = max(1, (len(found) + PAGE_SIZE - 1) // PAGE_SIZE)
        page = 1
        if pages > 1:
            key = f"label_page_{pages}"
            st.caption("Page", width="content")
            page = int(
                st.number_input(
                    f"Page of the labels (of {pages})",
                    *(1, pages),
                    key=key,
                    width=150,
                    label_visibility="collapsed",
                )
            )
            st.caption(f"of {pages}", width="content")
    return found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def _row(labels: LabelSet, label: Label, count: Count | None, is_open: bool) -> None:
    notes = []
    if label.merged_into is not None:
        into = labels.get(label.merged_into)
        notes.append(f"merged into “{shortened(into.name if into else '', 40)}”")
    if label.retired:
        notes.append("archived")
    if label.former:
        notes.append("formerly " + ", ".join(shortened(name, 40) for name in label.former))
    name = plain(shortened(label.name, 60))
    shown = name if label.offered else f":gray[{name}]"
    note = f" :gray[· {plain(' · '.join(notes))}]" if notes else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        color = f':color[■]{{foreground="{label.color}"}}'
        st.markdown(f"{color} {label.number} &nbsp; **{shown}**{note}", width="stretch")
        st.caption(_told(count) if count is not None else "", width="content")
        st.button(
            "Close" if is_open else "Change",
            key=f"open_label_{label.number}",
            type="tertiary",
            on_click=_open,
            args=(None if is_open else label.number,),
        )


def _told(count: Count) -> str:
    if not count.boxes:
        return "no boxes"
    boxes = counted(count.boxes, "box", "boxes")
    return f"{boxes} in {counted(count.images, 'image', 'images')}"


def _panel(labels: LabelSet, label: Label, count: Count | None) -> None:
    number = label.number
    images = counted(count.images, "image", "images") if count else ""
    its = f"All its boxes ({count.boxes} in {images})" if count and count.boxes else "All its boxes"
    key = f"name_{number}_{label.name}"
    with (
        st.form(f"rename_{number}", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input("Name", label.name, max_chars=200, key=key, width=320)
        st.form_submit_button("Rename", on_click=_rename, args=(number, label.name, key))
    _problem(number, "name")
    st.caption(f"{its} get the new name. The category ID in exports stays the same.")
    key = f"color_{number}_{label.color}"
    st.color_picker("Color", label.color, key=key, on_change=_recolor, args=(number, key))
    _problem(number, "color")
    if label.merged_into is not None:
        st.button(
            "Undo merge",
            icon=":material/call_split:",
            key=f"separate_{number}",
            on_click=_edit,
            args=(number, "merge", partial(separated, number=number)),
        )
        st.caption(f"{its} become “{plain(label.name)}” again.")
    else:
        _merging(labels, label, its)
    _problem(number, "merge")
    if label.merged_into is None:
        _archiving(labels, label)


def _merging(labels: LabelSet, label: Label, its: str) -> None:
    names = {
        one.number: one.name
        for one in labels.labels
        if one.merged_into is None and one.number != label.number
    }
    if not names:
        return
    key = f"into_{label.number}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Merge into",
            names,
            index=None,
            format_func=lambda number: names.get(number, ""),
            placeholder="another label",
            key=key,
            width=320,
        )
        st.button(
            "Merge",
            icon=":material/merge:",
            key=f"merge_{label.number}",
            on_click=_merge,
            args=(label.number, key),
        )
    st.caption(
        f"{its} become the other label, on images, in lists and in exports. Its category ID stays "
        "reserved. You can undo this."
    )


def _archiving(labels: LabelSet, label: Label) -> None:
    number = label.number
    if label.retired:
        st.button(
            "Unarchive",
            icon=":material/visibility:",
            key=f"unarchive_{number}",
            on_click=_edit,
            args=(number, "archive", partial(offered_again, number=number)),
        )
        st.caption("Show it in the picker again.")
    else:
        st.button(
            "Archive",
            icon=":material/visibility_off:",
            key=f"archive_{number}",
            on_click=_edit,
            args=(number, "archive", partial(retired, number=number)),
        )
        last = labels.offered == (label,)
        st.caption(
            "Hide it from the picker. Existing boxes are kept and exported."
            + (" **It is the last one there: nobody can draw a box then.**" if last else "")
        )
    _problem(number, "archive")


# --- unknown labels -------------------------------------------------------------------------


def _add(labels: LabelSet) -> None:
    # The key has the number of labels, so that the field is empty after a label was added.
    key = f"added_{len(labels.labels)}"
    with (
        st.form("add_label_here", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        st.text_input("New label", max_chars=200, key=key, width=320)
        st.form_submit_button("Add", icon=":material/add:", on_click=_add_named, args=(key,))
    _problem(ADD, "name")


def _unknown(boxes: dict[str, int]) -> None:
    """Show the labels of boxes that the set lacks."""
    for name, count in list(boxes.items())[:10]:
        with st.container(horizontal=True, vertical_alignment="center"):
            have = counted(count, "box has", "boxes have")
            st.warning(f"{have} the label “{plain(shortened(name, 60))}”, which the project lacks.")
            st.button(
                "Add it",
                key=f"add_unknown_{name}",
                on_click=_edit,
                args=(ADD, "unknown", lambda labels, name=name: labels.added([name])),
            )
    if len(boxes) > 10:
        st.caption(f"{len(boxes) - 10} more labels are missing.")
    _problem(ADD, "unknown")


# --- edits ----------------------------------------------------------------------------------


def _open(number: int | None) -> None:
    st.session_state[_EDITED] = number
    st.session_state.pop(_PROBLEM, None)


def _rename(number: int, shown: str, key: str) -> None:
    name: str = st.session_state[key]
    if name != shown:
        _edit(number, "name", partial(renamed, number=number, name=name))


def _recolor(number: int, key: str) -> None:
    _edit(number, "color", partial(recolored, number=number, color=st.session_state[key]))


def _merge(number: int, key: str) -> None:
    into: int | None = st.session_state[key]
    if into is None:
        st.session_state[_PROBLEM] = number, "merge", "Choose the other label first."
    else:
        _edit(number, "merge", partial(merged, number=number, into=into))


def _add_named(key: str) -> None:
    name: str = st.session_state[key]

    def added(labels: LabelSet) -> LabelSet:
        there = labels.named(name)
        if there is not None:
            raise LabelRefused(why_there(labels, there, name))
        return labels.added([name])

    _edit(ADD, "name", added)


def _edit(number: int, field: str, edit: LabelEdit) -> None:
    """Make the edit if the person may; an error is shown at the field until the next edit."""
    st.session_state.pop(_PROBLEM, None)
    try:
        visitor.require(Role.ADMIN)
        page_context().project.labels.edit(edit)
    except LabelerError as error:
        st.session_state[_PROBLEM] = number, field, error.message


def _problem(number: int, field: str) -> None:
    """Show the last edit's error, if it belongs to this field."""
    problem = st.session_state.get(_PROBLEM)
    if problem and problem[:2] == (number, field):
        st.error(plain(problem[2]))
