"""Engines: who does the steps of an export, or of a sync of the index, by several machines.

A step is a function of an index; it may be tried again, or done twice, without changing anything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from labeler.datasets.exports.distributed.count import count_shard, counted_key
from labeler.datasets.exports.distributed.part import (
    finish_part,
    finished_key,
    join_key,
    make_part,
    part_key,
)
from labeler.datasets.exports.distributed.plan import (
    ExportPlan,
    find_json,
    find_plan,
    plan_key,
    put_once,
    remove_parts,
)
from labeler.errors import InvalidRequest, Unavailable
from labeler.model.layout import PARTS
from labeler.settings import Location, Settings
from labeler.storage import Store, list_all, open_store

_POLL_S: Final = 2.0
_PATIENCE_S: Final = 3600.0
_STEPS: Final = {
    "part": (make_part, part_key),
    "finish": (finish_part, finished_key),
    "count": (count_shard, counted_key),
}


@dataclass(frozen=True, slots=True)
class WorkPlace:
    """The project's store. It is sent to workers, so it holds no secret and nothing open."""

    storage: Location
    timeout_s: int
    kms_key: str

    @classmethod
    def of(cls, settings: Settings) -> WorkPlace:
        """Return the store that the settings name."""
        return cls(settings.storage, settings.save_timeout_s, settings.kms_key)

    def open_store(self) -> Store:
        """Return the store. The caller closes it."""
        return open_store(self.storage, timeout_s=self.timeout_s, kms_key=self.kms_key)


class Step(Protocol):
    """Work on a shard. It is sent to workers, so it can be pickled and holds no secret."""

    @property
    def prefix(self) -> str:
        """What the keys of the attempt begin with."""
        ...

    @property
    def work(self) -> str:
        """The name of the step."""
        ...

    def __call__(self, index: int) -> int:
        """Do the step for one shard; return its index."""
        ...

    def result_key(self, index: int) -> str:
        """Return the key of the object that says that the step is done."""
        ...


@dataclass(frozen=True, slots=True)
class ExportStep:
    """One step over the shards of an attempt, as it is sent to workers."""

    place: WorkPlace
    prefix: str
    work: Literal["part", "finish", "count"]

    def __call__(self, index: int) -> int:
        """Do the step for one shard; return its index."""
        with contextlib.closing(self.place.open_store()) as store:
            _STEPS[self.work][0](store, self.prefix, index)
        return index

    def result_key(self, index: int) -> str:
        """Return the key of the object that says that the step is done."""
        return _STEPS[self.work][1](self.prefix, index)


class Engine(Protocol):
    """Does a step for each of the indexes below `count`, in any order, each at least once."""

    @property
    def place(self) -> WorkPlace:
        """The store of the project."""
        ...

    @property
    def run_id(self) -> str:
        """The name of the run. Everything that it writes lies below parts/<run ID>/."""
        ...

    def run(self, step: Step, count: int) -> None:
        """Return when every index is done. Raises a LabelerError if one can't be."""
        ...

    def end(self, store: Store, *, is_done: bool) -> None:
        """Delete what the run has written, unless it failed and can go on later."""
        ...

    def follow(self) -> bool:
        """Do this process's share of an export and return True if another process leads it."""
        ...

    def follow_step(self, step: Step, count: int) -> bool:
        """Do this process's share of a run of one step and return True if another leads it."""
        ...


@dataclass(frozen=True, slots=True)
class TaskEngine:
    """One of `tasks` processes that share the work, such as the tasks of a Cloud Run job.

    Process 0 leads: it plans and joins. The others call `follow`. A process that dies is started
    again with the same `run_id` and `index`, and goes on where it was.
    """

    place: WorkPlace
    run_id: str
    index: int = 0
    tasks: int = 1
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of_job(cls, place: WorkPlace, environ: Mapping[str, str]) -> TaskEngine:
        """Return the engine that Cloud Run names in a job's environment."""
        try:
            run_id = environ["CLOUD_RUN_EXECUTION"]
            index, tasks = (
                int(environ["CLOUD_RUN_TASK_INDEX"]),
                int(environ["CLOUD_RUN_TASK_COUNT"]),
            )
        except (KeyError, ValueError) as error:
            raise InvalidRequest(
                "--engine tasks is for a Cloud Run job, which sets CLOUD_RUN_EXECUTION, "
                "CLOUD_RUN_TASK_INDEX and CLOUD_RUN_TASK_COUNT (docs/deploy.md)."
            ) from error
        return cls(place, run_id, index, tasks)

    def run(self, step: Step, count: int) -> None:
        """Do this process's share, and wait for the others' shares."""
        self._share(step, count)
        with contextlib.closing(self.place.open_store()) as store:
            begins = step.result_key(0).removesuffix("000000.json")

            def is_done() -> bool:
                done = {info.key for info in list_all(store, begins)}
                return all(step.result_key(index) in done for index in range(count))

            self._wait(is_done)

    def follow(self) -> bool:
        """Do this process's share of every step until the leading process says that all is done.

        Returns False at once if this is the leading process.
        """
        if self.index == 0:
            return False
        with contextlib.closing(self.place.open_store()) as store:
            attempt = 1
            while (plan := self._begun(store, attempt)) is not None:
                prefix = attempt_prefix(self.run_id, attempt)
                attempt += 1
                self._share(ExportStep(self.place, prefix, "part"), plan.shards)
                if self._is_joined(store, prefix, attempt):
                    self._share(ExportStep(self.place, prefix, "finish"), plan.shards)
        return True

    def follow_step(self, step: Step, count: int) -> bool:
        """Do this process's share of the step once the leading process has planned it.

        Returns False at once if this is the leading process.
        """
        if self.index == 0:
            return False
        with contextlib.closing(self.place.open_store()) as store:
            self._wait(lambda: self._is_planned(store, step.prefix) or self._is_ended(store))
            is_ended = self._is_ended(store)
        if not is_ended:
            self._share(step, count)
        return True

    def end(self, store: Store, *, is_done: bool) -> None:
        """Tell the other processes that all is done, and delete the parts.

        After a failure they stay, because the process is started again and goes on.
        """
        if not is_done:
            return
        put_once(store, self._end_key, b"{}")
        for attempt in attempts(store, self.run_id):
            remove_parts(store, attempt)

    def _share(self, step: Step, count: int) -> None:
        for index in range(self.index, count, self.tasks):
            step(index)

    def _begun(self, store: Store, attempt: int) -> ExportPlan | None:
        """Wait for that attempt's plan; return None if there will be none."""
        self._wait(lambda: self._is_past(store, attempt))
        if self._is_ended(store):
            return None
        return find_plan(store, attempt_prefix(self.run_id, attempt))

    def _is_joined(self, store: Store, prefix: str, later: int) -> bool:
        """Wait until the attempt goes on to its second step; return False if it never does."""

        def is_told() -> bool:
            joined = find_json(store, join_key(prefix))
            return joined is not None or self._is_past(store, later)

        self._wait(is_told)
        return find_json(store, join_key(prefix)) is not None

    def _is_past(self, store: Store, attempt: int) -> bool:
        """Return whether that attempt has a plan, or all is done."""
        prefix = attempt_prefix(self.run_id, attempt)
        return self._is_planned(store, prefix) or self._is_ended(store)

    def _is_planned(self, store: Store, prefix: str) -> bool:
        return find_json(store, plan_key(prefix)) is not None

    def _is_ended(self, store: Store) -> bool:
        return find_json(store, self._end_key) is not None

    def _wait(self, is_over: Callable[[], bool]) -> None:
        waited = 0.0
        while not is_over():
            if waited >= _PATIENCE_S:
                raise Unavailable(
                    f"The other processes of {self.run_id} have not finished within an hour. Look "
                    "at their logs, and run the job again."
                )
            self.sleep(_POLL_S)
            waited += _POLL_S

    @property
    def _end_key(self) -> str:
        return f"{PARTS}{self.run_id}/done.json"


def attempts(store: Store, run_id: str) -> list[str]:
    """Return the prefix of each attempt of a run that has objects."""
    start = f"{PARTS}{run_id}/"
    names = {info.key[len(start) :].partition("/") for info in list_all(store, start)}
    return sorted(f"{start}{number}/" for number, slash, _ in names if slash)


def attempt_prefix(run_id: str, attempt: int) -> str:
    """Return what the keys of a run's attempt begin with. Each file made is an attempt."""
    return f"{PARTS}{run_id}/{attempt}/"
