"""Exports on the data page: what an export would contain, and how it differs from earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import streamlit as st

from labeler.datasets.exports.difference import ExportDifference
from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.exports.preview import preview_export
from labeler.datasets.exports.verify import Verification
from labeler.datasets.formats.registry import DEFAULT, EXPORTED, format_of_export
from labeler.datasets.selection import Selection, parse_selection
from labeler.errors import LabelerError
from labeler.model.people import Role
from labeler.project.image_search import ImageFilters
from labeler.runtime.jobs import Job, JobState, Progress
from labeler.ui import session_state, visitor
from labeler.ui.address_parameters import run_again
from labeler.ui.context import Context
from labeler.ui.export_panel import (
    WantedExport,
    ask_for_export,
    download_link,
    export_link,
    selection_fields,
)
from labeler.ui.session_state import Overview
from labeler.ui.text import counted, plain, time_left

if TYPE_CHECKING:
    from labeler.storage import ObjectInfo

COMPARISON: Final = "comparison of exports"
_NOW: Final = ""
"""Stands for the project as it is now, beside the keys of exports."""
_MOST_LISTED: Final = 20
_MOST_NAMES: Final = 100


def show_export_form(context: Context, overview: Overview) -> None:
    """Show the format, the selection with its counts, and the buttons."""
    titles = {kind.name: f"{kind.title} ({kind.suffix})" for kind in EXPORTED}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "Format", titles, format_func=lambda one: titles[one], key="data_format", width=320
        )
        kind = next(one for one in EXPORTED if one.name == name)
        originals = kind.carries_images and st.checkbox("Include the images", key="data_images")
    with st.expander("Only some images or boxes"):
        fields = selection_fields(overview.labels, "data")
    try:
        selection = parse_selection(fields)
        st.caption(_preview(context, overview, selection))
    except LabelerError as error:
        st.error(plain(error.message))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            f"Export {kind.title}",
            type="primary",
            icon=":material/save:",
            key="data_export",
            help="Write it under exports/. The sidebar shows how far it is.",
            on_click=ask_for_export,
            args=(WantedExport(kind, selection, originals),),
        )
        if kind is not DEFAULT:
            st.markdown(download_link(kind, selection, originals), width="content")


def _preview(context: Context, overview: Overview, selection: Selection) -> str:
    """How much the export would contain, in a sentence."""
    if overview.labels is None or overview.view is None:
        return ""
    names = context.project.file_name
    images = context.project.search(ImageFilters(), overview.view)
    found = preview_export(selection, overview.labels, images, names)
    boxes = counted(found.boxes, "box", "boxes")
    text = f"{counted(found.images, 'image', 'images')} with {boxes}"
    if found.parts:
        text += f": {', '.join(f'{count:,} {part}' for part, count in found.parts.items())}"
    if found.unknown:
        unknown = counted(found.unknown, "image", "images")
        text += f". The labels of {unknown} are known when their documents are read"
    return f"{text}."


# --- earlier exports ----------------------------------------------------------------------


def show_earlier_exports(context: Context) -> None:
    """Show the newest exports in the store, and the changes since one of them."""
    try:
        kept = open_exporter(context.project).kept_in_any_format()
    except LabelerError as error:
        st.error(plain(error.message))
        return
    if not kept:
        st.caption("There is no export yet.")
        return
    for info in kept[:_MOST_LISTED]:
        st.markdown(
            f"{export_link(info.key)} · {info.size / 2**20:.1f} MB · "
            f"{info.updated:%Y-%m-%d %H:%M} UTC"
        )
    if len(kept) > _MOST_LISTED:
        st.caption(f"{len(kept) - _MOST_LISTED:,} older ones are under exports/.")
    _comparison(context, [info for info in kept if _is_compared(info)])


def _is_compared(info: ObjectInfo) -> bool:
    kind = format_of_export(info.key.rpartition("/")[2])
    return kind is not None and kind.is_incremental


def _comparison(context: Context, kept: list[ObjectInfo]) -> None:
    """The choice of two states, and their differences."""
    if not kept:
        return
    keys = [info.key for info in kept]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        earlier = st.selectbox(
            "What has changed since", keys, format_func=_shown, key="compare_earlier", width=340
        )
        later = st.selectbox(
            "Compared with", [_NOW, *keys], format_func=_shown, key="compare_later", width=340
        )
        st.button(
            "Compare",
            icon=":material/difference:",
            key="compare",
            disabled=earlier == later,
            on_click=_start,
            args=(context, earlier, later),
        )
    name = visitor.current().name
    jobs = [job for job in context.jobs.of(COMPARISON) if job.by == name]
    if not jobs:
        return
    job = jobs[-1]
    if job.ended_at is None:
        _progress(job)
    elif job.state is JobState.FAILED:
        st.error(plain(job.problem))
    elif job.state is JobState.DONE:
        _result(cast("ExportDifference | Verification", job.future.result()))


def _shown(key: str) -> str:
    return key.rpartition("/")[2] or "the project now"


def _start(context: Context, earlier: str, later: str) -> None:
    exporter = open_exporter(context.project)

    def work(progress: Progress) -> ExportDifference | Verification:
        if later == _NOW:
            return exporter.verify(earlier, progress)
        return exporter.compare(earlier, later)

    try:
        context.jobs.start(COMPARISON, work, visitor.require(Role.ADMIN).name)
    except LabelerError as error:
        session_state.tell(error.message)


def _progress(job: Job[object]) -> None:
    @st.fragment(run_every=0.5)
    def line() -> None:
        if job.ended_at is not None:
            run_again()
        text = job.doing or "Waiting for another task to finish"
        st.progress(job.done / job.total if job.total else 0.0, text + time_left(job.seconds_left))
        st.button("Cancel", key="cancel_comparison", type="tertiary", on_click=job.cancel)

    line()


def _result(found: ExportDifference | Verification) -> None:
    """The differences in numbers, with the images' names to unfold."""
    if isinstance(found, ExportDifference):
        earlier, later = found.earlier, found.later
        notes = [f"{name}: {was:,} → {now:,} boxes" for name, (was, now) in found.boxes.items()]
    else:
        earlier, later = found.key, _NOW
        notes = list(found.problems)
    st.caption(plain(f"From {_shown(earlier)} to {_shown(later)}:"))
    if found.is_same:
        st.success("Nothing has changed.")
        return
    for words, names in (
        ("changed", found.changed), ("added", found.added), ("deleted", found.deleted),
    ):  # fmt: skip
        if names:
            with st.expander(f"{counted(len(names), 'image', 'images')} {words}"):
                st.markdown("\n".join(f"- {plain(name)}" for name in names[:_MOST_NAMES]))
                if len(names) > _MOST_NAMES:
                    st.caption(f"{len(names) - _MOST_NAMES:,} more")
    for note in notes:
        st.caption(plain(note))
