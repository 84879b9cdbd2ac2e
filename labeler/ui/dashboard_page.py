"""The dashboard for admins: how far the work has come, who did it, and what is worth a look.

Each number leads to its images in the gallery. All numbers come from the image index.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.project.counts import Count, Dimension
from labeler.project.progress import Progress
from labeler.project.statistics import Statistics
from labeler.ui import address
from labeler.ui.context import Context
from labeler.ui.gallery_page import FILTERS
from labeler.ui.session_state import Overview
from labeler.ui.text import STATUS_ICONS, STATUS_NAMES, counted, plain, shortened, unlinked

MOST_ROWS = 20
MOST_DAYS = 60
STYLE = """
<style>
  [class*="st-key-dashboard_"] button { min-height: 1.8rem; }
  .st-key-dashboard_numbers { gap: 0.2rem 1rem; }
</style>
"""
WARNINGS = {
    BoxWarning.TINY: "tiny boxes",
    BoxWarning.DUPLICATE: "duplicates",
    BoxWarning.EDGE: "boxes at the edge",
    BoxWarning.UNKNOWN_LABEL: "unknown labels",
    BoxWarning.NO_BOXES: "done without boxes",
    BoxWarning.DAMAGED: "damaged documents",
}


def show_dashboard_page(context: Context, overview: Overview) -> None:
    """Draw the page."""
    if overview.view is None:
        for problem in overview.problems:
            st.error(plain(problem))
        if overview.is_listing:
            st.info("The numbers follow when all images are listed.", icon=":material/hourglass:")
        return
    st.html(STYLE)
    progress = overview.view.progress(datetime.now(UTC).date())
    _numbers(progress, sum(progress.statuses.values()))
    statistics = Statistics(context.project.image_index, context.project.labels)
    left, right = st.columns(2)
    with left:
        _over_time(progress)
        _labels(statistics)
    with right:
        _people(statistics)
        _to_look_at(statistics)
    st.button(
        "Deleted images",
        icon=":material/delete:",
        key="open_trash",
        type="tertiary",
        on_click=address.clicks().to_view,
        args=("trash",),
    )


def _numbers(progress: Progress, total: int) -> None:
    with st.container(horizontal=True, gap="small", key="dashboard_numbers"):
        _link(f"**{total:,}** {'image' if total == 1 else 'images'}", "all")
        for status in Status:
            if progress.statuses[status]:
                count = f"{STATUS_ICONS[status]} **{progress.statuses[status]:,}**"
                _link(f"{count} {STATUS_NAMES[status]}", f"status_{status}", status=status.value)
    if total:
        st.progress(progress.finished / total)
    words = [f"{progress.finished:,} of {total:,} finished, {progress.left:,} left."]
    if progress.per_hour:
        words.append(f"{progress.per_hour:.1f} images an hour and {progress.per_day:.1f} a day.")
    if progress.done_on:
        words.append(f"At this pace all are done on {progress.done_on}.")
    labeled = progress.statuses[Status.DONE] + progress.reviewed
    if labeled:
        returned = progress.statuses[Status.RETURNED]
        words.append(
            f"{progress.reviewed:,} of {counted(labeled, 'labeled image', 'labeled images')} "
            f"reviewed ({progress.reviewed / labeled:.0%}), {returned:,} of them returned."
        )
    st.markdown(" ".join(words))


def _over_time(progress: Progress) -> None:
    st.markdown("#### Finished and left over time")
    days = progress.days[-MOST_DAYS:]
    if not days:
        st.caption("No images yet.")
        return
    rows = {
        "day": [str(day.day) for day in days],
        "finished": [day.finished for day in days],
        "left": [day.left for day in days],
    }
    st.bar_chart(
        rows, x="day", y=["finished", "left"], x_label="", y_label="images",
        color=["#1d8a4a", "#8a93a0"], height=220,
    )  # fmt: skip


def _labels(statistics: Statistics) -> None:
    st.markdown("#### Boxes by label")
    counts = statistics.count([Dimension.LABEL])
    if counts.uncounted:
        st.caption(f"{counts.uncounted:,} images are not counted yet. Reload the page to go on.")
    most = _most(counts.rows)
    if not most:
        st.caption("No boxes yet.")
    with st.container(gap=None):
        for row in most:
            [label] = row.values
            images = counted(row.images, "image", "images")
            text = f"{plain(shortened(label, 40))} · **{row.rects:,}** in {images}"
            _link(text, f"label_{label}", label=label)
            st.progress(row.rects / max(1, most[0].rects))
    if len(counts.rows) > MOST_ROWS:
        st.caption(f"{len(counts.rows) - MOST_ROWS:,} more labels have fewer boxes.")


def _people(statistics: Statistics) -> None:
    st.markdown("#### By person and day")
    rows = [
        row for row in statistics.count([Dimension.PERSON, Dimension.DAY]).rows if row.values[1]
    ]
    days = sorted({row.values[1] for row in rows})[-MOST_DAYS:]
    shown = [row for row in rows if row.values[1] in days]
    if not shown:
        st.caption("Nobody has saved anything yet.")
        return
    st.bar_chart(
        {
            "day": [row.values[1] for row in shown],
            "person": [row.values[0] or "without sign-in" for row in shown],
            "images": [row.images for row in shown],
        },
        x="day", y="images", color="person", x_label="", y_label="images", height=220,
    )  # fmt: skip
    with st.container(gap=None):
        for row in _most(statistics.count([Dimension.PERSON]).rows):
            [person] = row.values
            if person:
                images = counted(row.images, "image", "images")
                text = f"{unlinked(person)} · **{images}**, {counted(row.rects, 'box', 'boxes')}"
                _link(text, f"person_{person}", person=person)


def _to_look_at(statistics: Statistics) -> None:
    st.markdown("#### To look at")
    counts = {row.values[0]: row for row in statistics.count([Dimension.WARNING]).rows}
    if not counts:
        st.caption("Nothing looks wrong.")
    with st.container(gap=None):
        for warning, words in WARNINGS.items():
            if row := counts.get(warning.value):
                boxes = f", {counted(row.rects, 'box', 'boxes')}" if row.rects else ""
                text = f"{words} · **{counted(row.images, 'image', 'images')}**{boxes}"
                _link(text, f"warning_{warning}", warning=warning.value)


def _most(rows: Sequence[Count]) -> list[Count]:
    return sorted(rows, key=lambda row: (-row.rects, -row.images, row.values))[:MOST_ROWS]


def _link(text: str, key: str, **filters: str) -> None:
    """A number that leads to its images in the gallery."""
    st.button(text, key=f"dashboard_{key}", type="tertiary", on_click=_to_gallery, args=(filters,))


def _to_gallery(filters: dict[str, str]) -> None:
    clicks = address.clicks()
    clicks.to_parameters({name: filters.get(name) for name in FILTERS})
    clicks.to_view("gallery")
