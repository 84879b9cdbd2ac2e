"""The export panel of the sidebar: button, options, progress, and the link to the file."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode

import streamlit as st

from labeler.access.tokens import Purpose
from labeler.datasets.formats.registry import DEFAULT, EXPORTED, DatasetFormat
from labeler.datasets.selection import ALL, Selection, parse_selection
from labeler.errors import LabelerError
from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.model.people import Role
from labeler.runtime.jobs import Job, JobState
from labeler.ui import visitor
from labeler.ui.address_parameters import put_parameters, run_again
from labeler.ui.context import Context
from labeler.ui.text import STATUS_NAMES, counted, plain, time_left

if TYPE_CHECKING:
    from labeler.datasets.exports.exporter import Export
    from labeler.datasets.rules import ExportSummary

KIND: Final = "export"
EXPORT_KEY: Final = "export"
"""The key of the button that exports."""
JOB: Final = "export"
"""The address parameter with the shown export, so that a reload shows it again."""
WAIT_S: Final = 0.7
"""Seconds that a run waits for an export, so that a small one is shown immediately."""
_MOST_OFFERED: Final = 5
_SHOWN: Final = "show_exports"
_STATE: Final = "export_state"


def show_export_panel(context: Context, labels: LabelSet | None) -> None:
    """Show the panel to people who may export."""
    if not visitor.may(Role.ADMIN):
        return
    state = _state()
    with st.container(horizontal=True, gap="small", key="export_row"):
        st.button(
            f"Export {DEFAULT.title}",
            icon=":material/download:",
            width="stretch",
            key=EXPORT_KEY,
            on_click=state.ask,
        )
        with st.popover("Options", icon=":material/tune:", type="tertiary"):
            fields = selection_fields(labels, "export")
            _downloads(fields)
    with st.container(horizontal=True, gap="small", key="project_row"):
        if not st.session_state.get(_SHOWN):
            st.button(
                "Earlier exports", type="tertiary", key="earlier_exports", on_click=_show_earlier
            )
    try:
        selection = parse_selection(fields)
        _start_if_asked(context, selection, state)
        if state.problem:
            st.error(plain(state.problem))
        if state.started:
            put_parameters({JOB: state.started})
            state.started = ""
    except LabelerError as error:
        st.error(plain(error.message))
        return
    if selection != ALL:
        st.caption(f"Exports only {plain(_in_words(selection))}.")
    job = _job(context)
    if job is None:
        if JOB in st.query_params:
            st.caption("This export can't be found. Latest exports:")
            st.session_state[_SHOWN] = True
    elif job.ended_at is None:
        _progress(job)
    else:
        _ended(job)
    if st.session_state.get(_SHOWN):
        _earlier(context)


# --- selection ----------------------------------------------------------------------------


def selection_fields(labels: LabelSet | None, prefix: str) -> dict[str, list[str]]:
    """The selection as its fields; the keys of the widgets begin with `prefix`."""
    statuses = st.multiselect(
        "Status",
        [status.value for status in Status],
        format_func=lambda status: STATUS_NAMES[Status(status)],
        placeholder="done or with boxes",
        key=f"{prefix}_status",
        help="Leave empty to export the images that have boxes or are done. Images with boxes "
        "are exported even if nobody pressed Done. Skipped images are not exported.",
    )
    names = [label.name for label in labels.labels] if labels else []
    wanted = st.multiselect(
        "Labels", names, format_func=plain, placeholder="all labels", key=f"{prefix}_label"
    )
    name = st.text_input("File name", placeholder="all, or e.g. street/*.jpg", key=f"{prefix}_name")
    split = st.text_input(
        "Split into train, val, test",
        placeholder="no split, or e.g. 80/10/10",
        key=f"{prefix}_split",
        help="Images stay in their part when others are added.",
    )
    seed = (
        st.text_input("Seed of the split", placeholder="0", key=f"{prefix}_seed") if split else ""
    )
    return {"status": statuses, "label": wanted, "name": [name], "split": [split], "seed": [seed]}


def _downloads(fields: dict[str, list[str]]) -> None:
    """The same export in another format: made while it is fetched, by any instance."""
    try:
        selection = parse_selection(fields)
    except LabelerError:
        return  # the message is shown beside the button
    carrying = sorted({kind.suffix[1:] for kind in EXPORTED if kind.carries_images}, reverse=True)
    with_images = st.checkbox(
        f"Include images ({' and '.join(carrying)} only)",
        key="zip_images",
        help="The other formats only name their images, which are under uploads/ in the storage. "
        "To download images together with their boxes, choose a zip.",
    )
    for kind in EXPORTED:
        if kind is DEFAULT:
            continue
        st.markdown(download_link(kind, selection, with_images and kind.carries_images))


def download_link(kind: DatasetFormat, selection: Selection, originals: bool) -> str:
    """A link to the dataset as it is now, for all formats except the default one."""
    query = [(name, value) for name, values in selection.fields().items() for value in values]
    query += [("images", "1")] if originals else []
    query.append(("token", visitor.token(Purpose.EXPORT, kind.name)))
    text = f"Download {kind.title} ({kind.suffix[1:]})"
    return f"[{text}](/api/export/{kind.name}?{urlencode(query)})"


def _in_words(selection: Selection) -> str:
    words = []
    if selection.statuses:
        names = [STATUS_NAMES[status] for status in Status if status in selection.statuses]
        words.append(f"images that are {' or '.join(names)}")
    if selection.labels:
        words.append(f"boxes of {', '.join(selection.labels)}")
    if selection.names:
        words.append(f"images named {', '.join(selection.names)}")
    if selection.split:
        words.append(f"parts of {'/'.join(map(str, selection.split))}")
    return "; ".join(words)


# --- the running export -------------------------------------------------------------------


@dataclass(frozen=True)
class WantedExport:
    """An export in any format."""

    kind: DatasetFormat
    selection: Selection
    originals: bool


def ask_for_export(wanted: WantedExport) -> None:
    """Called back by the data page's click: the sidebar starts the export and shows it."""
    _state().ask(wanted)


@dataclass
class _ExportClick:
    """The click and its result: the run that it caused may be cut short anywhere.

    Streamlit cuts runs at uses of the page and of its state, so never between two lines of ours.
    The next run goes on from here.
    """

    asked: bool = False
    wanted: WantedExport | None = None
    """The data page's request; None if the sidebar's button was clicked."""
    started: str = ""
    """A job that is not in the address yet."""
    problem: str = ""
    """Why no export was started."""

    def ask(self, wanted: WantedExport | None = None) -> None:
        """Called back by the click."""
        self.asked = True
        self.wanted = wanted
        self.problem = ""


def _state() -> _ExportClick:
    found: _ExportClick = st.session_state.setdefault(_STATE, _ExportClick())
    return found


def _start_if_asked(context: Context, selection: Selection, state: _ExportClick) -> None:
    from labeler.datasets.exports.exporter import open_exporter  # no first page needs it

    if not state.asked:
        return
    try:
        person = visitor.require(Role.ADMIN)
        st.session_state.pop(_SHOWN, None)
        exports = open_exporter(context.project)
        wanted = state.wanted or WantedExport(DEFAULT, selection, originals=False)
        job = context.jobs.start(
            KIND,
            lambda progress: exports.write(
                wanted.selection, progress, kind=wanted.kind, originals=wanted.originals
            ),
            person.name,
        )
        state.asked, state.started = False, job.id
    except LabelerError as error:
        state.asked, state.problem = False, error.message
        return
    wait([job.future], WAIT_S)


def _job(context: Context) -> Job[tuple[Export, ...]] | None:
    """The export in the address, if this process runs or ran it for this person."""
    job = context.jobs.find(st.query_params.get(JOB, ""))
    if job is None or job.kind != KIND or job.by != visitor.current().name:
        return None
    return cast("Job[tuple[Export, ...]]", job)


def _progress(job: Job[tuple[Export, ...]]) -> None:
    @st.fragment(run_every=0.5)
    def line() -> None:
        if job.ended_at is not None:
            run_again()
        text = job.doing or "Waiting for another task to finish"
        if job.total:
            text += f": {job.done:,} of {job.total:,}" + time_left(job.seconds_left)
        if job.is_cancelled:
            text = "Cancelling …"
        st.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text)
        st.button(
            "Cancel",
            key="cancel_export",
            icon=":material/close:",
            width="stretch",
            disabled=job.is_cancelled,
            on_click=job.cancel,
        )

    line()


def _ended(job: Job[tuple[Export, ...]]) -> None:
    if job.state is JobState.CANCELLED:
        st.info("The export was cancelled. Nothing was written.")
        return
    if job.state is JobState.FAILED:
        st.error(plain(job.problem))
        return
    for export in job.future.result():
        summary = export.summary
        images = counted(summary.images, "image", "images")
        boxes = counted(summary.annotations, "box", "boxes")
        st.success(f"{images}, {boxes} in `{export.key}`")
        if export.without_original:
            missing = counted(len(export.without_original), "image is", "images are")
            st.warning(f"{missing} missing in the file: not in the store, or damaged.")
        st.markdown(export_link(export.key))
        _summary(summary)


def _summary(summary: ExportSummary) -> None:
    went_in = [f"{count:,} {STATUS_NAMES[status]}" for status, count in summary.statuses.items()]
    if went_in:
        st.caption(f"Images: {', '.join(went_in)}.")
    for line in summary.warning_lines():
        st.caption(plain(line))
    boxes = {name: count for name, count in summary.boxes.items() if count}
    if boxes:
        with st.expander("Boxes by label"):
            most_first = sorted(boxes.items(), key=lambda item: -item[1])
            st.markdown("\n".join(f"- {plain(name)}: {count:,}" for name, count in most_first))


# --- earlier exports ----------------------------------------------------------------------


def _show_earlier() -> None:
    st.session_state[_SHOWN] = True


def _earlier(context: Context) -> None:
    """The newest exports in the store, whichever instance made them; listed on demand."""
    from labeler.datasets.exports.exporter import open_exporter  # no first page needs it

    try:
        visitor.require(Role.ADMIN)
        kept = open_exporter(context.project).kept()[:_MOST_OFFERED]
    except LabelerError as error:
        st.error(plain(error.message))
        return
    if not kept:
        st.caption("There is no export yet.")
    for info in kept:
        st.markdown(f"{export_link(info.key)} · {info.size / 2**20:.1f} MB")


def export_link(key: str) -> str:
    """A link to an export in the store."""
    name = key.rpartition("/")[2]
    token = visitor.token(Purpose.EXPORT, name)  # a link sends no headers
    return f"[Download {name}](/api/exports/{name}?token={token})"
