"""Counts of boxes by label, made in the background, because they read every document with boxes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

import streamlit as st

from labeler.errors import LabelerError
from labeler.model.label_counts import LabelCounts
from labeler.model.people import Role
from labeler.project.image_search import ImageFilters
from labeler.project.image_view import FoundImages, ImageView
from labeler.project.project import Project
from labeler.runtime.jobs import Job, JobState, Progress
from labeler.ui import session_state, visitor
from labeler.ui.address_parameters import run_again
from labeler.ui.context import Context
from labeler.ui.text import clock_time, counted, plain, time_left

KIND: Final = "label counts"
AT_ONCE: Final = 2000
"""Up to this many documents are counted without a click; reading them takes a second or two."""
STALE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Result:
    """The counts, and the time when counting began."""

    counts: LabelCounts
    at: datetime


def show_label_counts(context: Context, view: ImageView | None) -> LabelCounts | None:
    """Show the line about the counts; returns the newest counts, None if there are none yet."""
    if view is None:
        return None
    images = context.project.search(ImageFilters(boxes=(1, None)), view)
    total = images.count()
    jobs = context.jobs.of(KIND)
    done = [job for job in jobs if job.state is JobState.DONE]
    result = cast(Result, done[-1].future.result()) if done else None
    running = next((job for job in reversed(jobs) if job.ended_at is None), None)
    old = result is None or (datetime.now(UTC) - result.at).total_seconds() > STALE_S
    failed = bool(jobs) and jobs[-1].state in (JobState.FAILED, JobState.CANCELLED)
    if running is None and old and not failed and total <= AT_ONCE:
        running = _start(context, images)
    if running is not None:
        _progress(running)
    else:
        _line(context, images, result, jobs[-1].problem if failed else "")
    return result.counts if result else None


def _line(context: Context, found: FoundImages, result: Result | None, problem: str) -> None:
    if problem:
        st.error(plain(problem))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if result is not None:
            images = counted(result.counts.images, "image", "images")
            time = clock_time(result.at, st.context.timezone)
            st.caption(f"Boxes counted in {images} at {time}.", width="content")
        st.button(
            "Count again" if result else f"Count the boxes in {found.count():,} images",
            type="tertiary",
            icon=":material/refresh:",
            key="count_labels",
            on_click=_count,
            args=(context, found),
        )


def _progress(job: Job[object]) -> None:
    @st.fragment(run_every=0.5)
    def line() -> None:
        if job.ended_at is not None:
            run_again()
        text = f"Counting boxes: {job.done:,} of {job.total:,} images"
        st.progress(
            job.done / job.total if job.total else 0.0,
            text + time_left(job.seconds_left),
        )
        st.button("Cancel", key="cancel_counting", type="tertiary", on_click=job.cancel)

    line()


def _count(context: Context, found: FoundImages) -> None:
    _start(context, found)


def _start(context: Context, found: FoundImages) -> Job[Result] | None:
    """Start counting; tells the reason and returns None if that is not possible."""

    def work(progress: Progress) -> Result:
        at = datetime.now(UTC)
        ids = [entry.image_id for entry in found]
        return Result(_counted(context.project, ids, progress), at)

    try:
        return context.jobs.start(KIND, work, visitor.require(Role.ADMIN).name)
    except LabelerError as error:
        session_state.tell(error.message)
        return None


def _counted(project: Project, ids: list[str], progress: Progress) -> LabelCounts:
    counts = LabelCounts()
    progress("counting", 0, len(ids))
    for _, opened in project.documents_of(ids):
        counts.add(opened.document)
        progress("counting", counts.images, len(ids))
    return counts
