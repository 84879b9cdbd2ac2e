"""Jobs: work in the background that takes longer than a person should wait.

A job belongs to this process and ends with it. That must lose no data: a job writes its result
whole at its end, and can be run again.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

from labeler.errors import Busy, LabelerError
from labeler.runtime.audit import acting_as

logger = logging.getLogger(__name__)

RUNNING: Final = 2
"""The number of jobs that run at once; they share the processors with the pages."""
WAITING: Final = 20
KEPT: Final = 50
KEPT_S: Final = 3600.0
_SOON_S: Final = 1.0

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Progress(Protocol):
    """The function by which work reports its progress; it is called often and costs little."""

    def __call__(self, doing: str, done: int = 0, total: int = 0) -> None:
        """`doing` is a text for people; `total` is 0 if it is unknown. May raise Cancelled."""
        ...


def no_progress(doing: str, done: int = 0, total: int = 0) -> None:
    """Ignore the progress, for work that nobody watches."""


class Cancelled(LabelerError):
    """Raised inside cancelled work."""

    code = "cancelled"
    status = 409

    def __init__(self) -> None:
        super().__init__("It was cancelled. Nothing was written.")


class JobState(StrEnum):
    """The state of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Generic[T_co]):
    """One piece of work. `doing`, `done` and `total` are its last report."""

    def __init__(
        self, kind: str, by: str, work: Callable[[Progress], T_co], clock: Callable[[], float]
    ) -> None:
        self.id = secrets.token_hex(8)
        self.kind = kind
        self.by = by
        self.doing = ""
        self.done = 0
        self.total = 0
        self.ended_at: float | None = None
        self.future: Future[T_co] = Future()
        self._work = work
        self._clock = clock
        self._stop = threading.Event()
        self._began = self._clock()

    @property
    def state(self) -> JobState:
        """The current state."""
        if not self.future.done():
            return JobState.RUNNING if self.future.running() else JobState.WAITING
        if self.future.cancelled() or isinstance(self.future.exception(), Cancelled):
            return JobState.CANCELLED
        return JobState.FAILED if self.future.exception() else JobState.DONE

    @property
    def problem(self) -> str:
        """The message for a person about a failed job."""
        if self.state is not JobState.FAILED:
            return ""
        error = self.future.exception()
        if isinstance(error, LabelerError):
            return error.message
        return (
            "Something went wrong. Try again, or tell your administrator (details are in the log)."
        )

    @property
    def seconds_left(self) -> float | None:
        """Seconds left for the current step at the pace so far; None while that is unknown."""
        done, total = self.done, self.total
        passed = self._clock() - self._began
        if not 0 < done <= total or passed < _SOON_S:
            return None
        return passed / done * (total - done)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody has cancelled it; the current step may still run for a moment."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """End the job at its next report; a job that has ended stays as it is."""
        self._stop.set()
        if self.future.cancel():
            self.ended_at = self._clock()

    def run(self) -> None:
        """Do the work, unless the job is cancelled already."""
        if not self.future.set_running_or_notify_cancel():
            return
        self._began = self._clock()
        try:
            with acting_as(self.by):
                result = self._work(self._tell)
        except BaseException as error:
            if not isinstance(error, LabelerError):
                logger.exception("The job %s failed", self.kind)
            self.ended_at = self._clock()
            self.future.set_exception(error)
        else:
            self.ended_at = self._clock()
            self.future.set_result(result)

    def _tell(self, doing: str, done: int = 0, total: int = 0) -> None:
        if self._stop.is_set():
            raise Cancelled
        if doing != self.doing:
            self.doing, self._began = doing, self._clock()
        self.done, self.total = done, total


class Jobs:
    """The jobs of this process: running ones, waiting ones, and for an hour ended ones."""

    def __init__(
        self,
        *,
        running: int = RUNNING,
        waiting: int = WAITING,
        kept_s: float = KEPT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = running + waiting
        self._kept_s = kept_s
        self._clock = clock
        self._pool = ThreadPoolExecutor(running, "labeler-job")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[object]] = {}

    def start(self, kind: str, work: Callable[[Progress], T], by: str = "") -> Job[T]:
        """Start the work as a job; Busy if too many jobs are waiting."""
        job: Job[T] = Job(kind, by, work, self._clock)
        with self._lock:
            self._forget()
            if sum(not one.future.done() for one in self._jobs.values()) >= self._most:
                raise Busy("Too many tasks are waiting. Try again in a few minutes.")
            self._jobs[job.id] = job
            self._pool.submit(job.run)
        return job

    def find(self, job_id: str) -> Job[object] | None:
        """The job with that ID; None if this process does not know it (any more)."""
        with self._lock:
            self._forget()
            return self._jobs.get(job_id)

    def of(self, kind: str) -> list[Job[object]]:
        """All jobs of that kind, the newest last."""
        with self._lock:
            self._forget()
            return [job for job in self._jobs.values() if job.kind == kind]

    def close(self) -> None:
        """Cancel all jobs, without waiting for their end."""
        with self._lock:
            for job in self._jobs.values():
                job.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self) -> None:
        """Forget jobs that ended long ago, and the oldest if there are too many."""
        now = self._clock()
        ended = [job for job in self._jobs.values() if job.ended_at is not None]
        ended.sort(key=lambda job: job.ended_at or 0)
        for place, job in enumerate(ended):
            if now - (job.ended_at or 0) > self._kept_s or place < len(ended) - KEPT:
                del self._jobs[job.id]
