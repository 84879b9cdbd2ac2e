"""How much the fuzz tests try, and bytes and values that are nearly right."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = int(os.environ.get("FUZZ", "0"))
REPORT = os.environ.get("FUZZ_REPORT", "")

Test = TypeVar("Test", bound=Callable[..., Any])


def fuzzed(few: int) -> Callable[[Test], Test]:
    """So many inputs, the same each time; FUZZ new ones with `make fuzz`.

    At the end of the process, the number of inputs that were really tried is in the file REPORT.
    """
    chosen = settings(
        max_examples=FUZZ or few,
        derandomize=not FUZZ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def decorate(test: Test) -> Test:
        if REPORT:
            handle: Any = test
            handle.hypothesis.inner_test = _counted(handle.hypothesis.inner_test)
        return chosen(test)

    return decorate


_tried = 0


def _counted(test: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(test)
    def counted(*given: Any, **named: Any) -> Any:
        global _tried
        _tried += 1
        return test(*given, **named)

    return counted


if REPORT:
    atexit.register(lambda: Path(REPORT).write_text(str(_tried)))


@st.composite
def changed(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """One of the seeds with some bytes replaced, removed, doubled or cut off."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=6))
        removed = draw(st.sampled_from((0, len(piece), len(piece), 1, 50)))
        data[at : at + removed] = piece
    return bytes(data)


odd_numbers = st.sampled_from((0, -1, 1e308, -1e308, 1e-320, 2**63, 10**30, float("nan"),
                               float("inf"), True, "1", "1e9", "nan", "-0"))  # fmt: skip
odd_texts = st.sampled_from(("", " ", "\0", "..", "../../a.jpg", "C:\\a", "a\u0301" * 40,
                             "\u202e", "=1+1", "<b>", "\ud800", "a" * 300,
                             "\u0301" * 3000))  # fmt: skip
odd_values = (
    odd_numbers
    | odd_texts
    | st.none()
    | st.sampled_from(([], {}, [[]], [None], {"a": {}}, [1, 2], [[0, 0], [1, 1]]))
    | st.text(max_size=6)
    | st.floats()
    | st.integers()
)
"""What stands in a file where something else is expected."""


@st.composite
def changed_json(draw: st.DrawFn, seed: Any) -> bytes:
    """The value with some of its parts replaced, removed or doubled, as JSON."""
    value = json.loads(json.dumps(seed))
    for _ in range(draw(st.integers(1, 4))):
        value = _changed(draw, value)
    return json.dumps(value).encode()


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one part changed, at a depth that is drawn."""
    if not isinstance(value, list | dict) or not value or draw(st.integers(0, 5)) == 0:
        return json.loads(json.dumps(draw(odd_values)))  # a value of its own: it may change again
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    match draw(st.integers(0, 7)):
        case 0:
            del value[key]
        case 1 if isinstance(value, list):
            value.append(value[key])
        case 2 if isinstance(value, dict):
            value[draw(st.sampled_from(("", "id", "label", "name", "\0", "a" * 300)))] = value[key]
        case _:
            value[key] = _changed(draw, value[key])
    return value
