"""Faults on command between client and server.

A rule names the requests that it meets (method, a pattern of the path with its query, how many to
let pass first, how many to meet) and what happens to them. A storm meets requests at random, from
a seed.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "status", "reset", "status_after", "reset_after", "delay", "late", "cut", "garble", "spoil"
]
"""`status` and `reset`: before the request is handled, so nothing happened. `status_after` and
`reset_after`: it was handled in full, only the answer is lost. `delay`: the answer comes late.
`late`: the request itself does, perhaps after its client has given it up and sent another.
`cut`: the connection ends in the middle of the answer's body. `garble`: one byte of the answer's
body is another, its length and checksum headers are not. `spoil`: one byte of the request's
content is another."""


@dataclass(frozen=True)
class Fault:
    """What happens to one request; the other fields belong to the kinds that use them.

    `delay` and `late` last for `seconds`, and then until `until` is set, if it is given.
    """

    kind: Kind
    status: int = 503
    seconds: float = 0.0
    until: threading.Event | None = None
    reason: str = "backendError"
    message: str = "We encountered an internal error. Please try again."


@dataclass
class _Rule:
    fault: Fault
    method: str
    path: re.Pattern[str]
    skip: int
    times: int


class Faults:
    """The rules in force; the first that meets a request decides."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._storm: tuple[random.Random, float, Sequence[Fault]] | None = None
        self.met = 0

    def add(
        self, fault: Fault, *, method: str = "", path: str = "", skip: int = 0, times: int = 1
    ) -> None:
        """Let `skip` matching requests pass, then meet `times` of them (-1: all)."""
        self._rules.append(_Rule(fault, method, re.compile(path), skip, times))

    def storm(self, seed: int, rate: float, faults: Sequence[Fault]) -> None:
        """From now on meet each request with probability `rate`, by one of `faults`."""
        self._storm = (random.Random(seed), rate, faults)

    def clear(self) -> None:
        self._rules.clear()
        self._storm = None

    def pick(self, method: str, path: str) -> Fault | None:
        """What happens to this request, counted."""
        fault = self._by_rule(method, path) or self._by_storm()
        if fault:
            self.met += 1
        return fault

    def _by_rule(self, method: str, path: str) -> Fault | None:
        for rule in self._rules:
            if rule.times == 0 or rule.method not in ("", method) or not rule.path.search(path):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            rule.times -= 1
            return rule.fault
        return None

    def _by_storm(self) -> Fault | None:
        if self._storm is None:
            return None
        source, rate, faults = self._storm
        return source.choice(faults) if source.random() < rate else None
