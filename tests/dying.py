"""Workers that die in the middle of their work and are tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from labeler.datasets.exports.distributed.engines import Step, TaskEngine
from labeler.errors import Unavailable

Die = Callable[[], None]
"""Ends the worker when its time has come."""


@dataclass(frozen=True, kw_only=True)
class Dying(TaskEngine):
    """Each step dies in the middle of its first attempts, after no write, after one, and so on.

    `watch` has every write of a step call what it is given.
    """

    watch: Callable[[pytest.MonkeyPatch, Die], None]
    attempts: dict[tuple[str, int], int] = field(default_factory=dict)

    def run(self, step: Step, count: int) -> None:
        for index in range(count):
            for writes in range(4):
                self._die(step, index, writes)
            step(index)
            step(index)  # done again by a runner that lost the answer

    def _die(self, step: Step, index: int, writes: int) -> None:
        left = writes

        def die() -> None:
            nonlocal left
            if not left:
                raise Unavailable("the worker ends here")
            left -= 1

        with pytest.MonkeyPatch.context() as patch:
            self.watch(patch, die)
            try:
                step(index)
            except Unavailable:
                self.attempts[step.work, index] = writes
