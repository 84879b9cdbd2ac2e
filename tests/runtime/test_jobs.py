"""Jobs: run by themselves, tell how far they are, end when they are told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from labeler.errors import Busy, NotFound
from labeler.runtime.jobs import KEPT, Cancelled, Job, Jobs, JobState, Progress, no_progress

WAIT_S = 20


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(running=1, waiting=2)
    yield made
    made.close()


class Gate:
    """Work that tells where it is, and goes on when it may."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def __call__(self, progress: Progress) -> str:
        for done in range(3):
            progress("counting", done, 3)
            self.reached.release()
            assert self.may_go.acquire(timeout=WAIT_S)
        return "counted"

    def wait(self) -> None:
        assert self.reached.acquire(timeout=WAIT_S)


def ended(job: Job[object]) -> JobState:
    """The state once it has ended; a waiting job that is cancelled has ended at once."""
    if not job.future.cancelled():
        job.future.exception(WAIT_S)
    return job.state


def test_a_job_tells_how_far_it_is_and_ends_with_a_result(jobs: Jobs) -> None:
    gate = Gate()
    job = jobs.start("export", gate, by="ana")
    gate.wait()
    assert (job.state, job.doing, job.done, job.total) == (JobState.RUNNING, "counting", 0, 3)
    assert job.seconds_left is None
    gate.may_go.release()
    gate.wait()
    assert job.done == 1
    gate.may_go.release(2)
    assert job.future.result(WAIT_S) == "counted"
    assert (job.state, job.problem, job.by) == (JobState.DONE, "", "ana")
    assert jobs.find(job.id) is job
    assert jobs.of("export") == [job]
    assert jobs.of("import") == []
    assert jobs.find("no such") is None


def test_the_time_left_follows_from_the_pace() -> None:
    now = 100.0
    jobs = Jobs(clock=lambda: now)
    told: list[float | None] = []

    def work(progress: Progress) -> None:
        nonlocal now
        for doing, done in (("reading", 0), ("reading", 10), ("writing", 0), ("writing", 50)):
            now += 10
            progress(doing, done, 100)
            told.append(jobs.of("export")[0].seconds_left)

    ended(jobs.start("export", work))
    assert told == [None, 90.0, None, 10.0]
    jobs.close()


def test_a_running_job_is_cancelled_at_its_next_word(jobs: Jobs) -> None:
    gate = Gate()
    job = jobs.start("export", gate)
    gate.wait()
    job.cancel()
    assert job.state is JobState.RUNNING
    gate.may_go.release()
    assert ended(job) is JobState.CANCELLED
    assert isinstance(job.future.exception(), Cancelled)


def test_jobs_wait_their_turn_up_to_a_number(jobs: Jobs) -> None:
    gate = Gate()
    first = jobs.start("export", gate)
    gate.wait()
    second, third = (jobs.start("export", lambda progress: 7) for _ in range(2))
    assert second.state is JobState.WAITING
    with pytest.raises(Busy):
        jobs.start("export", lambda progress: 7)
    third.cancel()
    assert ended(third) is JobState.CANCELLED
    gate.may_go.release(3)
    assert ended(first) is JobState.DONE
    assert second.future.result(WAIT_S) == 7
    assert ended(jobs.start("export", lambda progress: 8)) is JobState.DONE


def test_a_failure_is_reported_and_does_not_end_the_others(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    def known(progress: Progress) -> None:
        raise NotFound("There is no bucket.")

    def fault(progress: Progress) -> None:
        raise ZeroDivisionError

    job = jobs.start("export", known)
    assert (ended(job), job.problem) == (JobState.FAILED, "There is no bucket.")
    assert not caplog.records
    job = jobs.start("export", fault)
    assert ended(job) is JobState.FAILED
    assert "details are in the log" in job.problem
    assert "ZeroDivisionError" in caplog.text
    assert ended(jobs.start("export", lambda progress: 1)) is JobState.DONE


def test_ended_jobs_are_kept_for_a_while_and_not_too_many() -> None:
    now = 0.0
    jobs = Jobs(kept_s=60, clock=lambda: now)
    for _ in range(KEPT + 5):
        now += 1
        ended(jobs.start("export", lambda progress: 1))
    assert len(jobs.of("export")) == KEPT
    now += 61
    assert jobs.of("export") == []
    jobs.close()


def test_closing_cancels_what_runs_and_what_waits() -> None:
    jobs, gate = Jobs(running=1), Gate()
    running = jobs.start("export", gate)
    gate.wait()
    waiting = jobs.start("export", lambda progress: 1)
    jobs.close()
    gate.may_go.release()
    assert ended(running) is ended(waiting) is JobState.CANCELLED


def test_work_that_nobody_watches_goes_on() -> None:
    no_progress("counting", 1, 2)
