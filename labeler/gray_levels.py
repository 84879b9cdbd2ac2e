"""Map pixel values beyond 0 to 255 to shades of gray. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

_MOST_ALIKE: Final = 16
_FAR: Final = 2


def gray_range(numbers: Iterable[float], missing: float | None = None) -> tuple[float, float]:
    """The values shown as black and as white, so that nearly all shades are used; never equal.

    Cameras use 10 to 14 of 16 bits, thermal cameras a small range, and floats any range. Values
    that mean "no data" are ignored: infinities, NaN, `missing`, and a value far from all others.
    """
    values: Sequence[float] = sorted(
        value for value in numbers if math.isfinite(value) and value != missing
    )
    values = _without_sentinel(_without_sentinel(values, first=True), first=False)
    if not values:
        return 0.0, 1.0
    margin = len(values) // 1000
    black, white = float(values[margin]), float(values[-1 - margin])
    if white <= black:
        black, white = float(values[0]), float(values[-1])
    if white > black:
        return black, white
    around = max(1.0, abs(black) * 1e-6)
    return black - around, black + around


def _without_sentinel(values: Sequence[float], *, first: bool) -> Sequence[float]:
    """The sorted values without the first or the last one if it is far from all others."""
    if not values:
        return values
    rest = (
        values[bisect_right(values, values[0]) :]
        if first
        else values[: bisect_left(values, values[-1])]
    )
    if len(set(rest)) < _MOST_ALIKE:
        return values
    gap = rest[0] - values[0] if first else values[-1] - rest[-1]
    return rest if gap > _FAR * (rest[-1] - rest[0]) else values
