"""Numbers beyond 255 use all shades of gray; what stands for no data does not count."""

from __future__ import annotations

import io
import math
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from labeler.gray_levels import gray_range
from labeler.images import display_copy

NAN = math.nan


@pytest.mark.parametrize(
    ("numbers", "missing", "expected"),
    [
        (range(4096), None, (4, 4091)),
        (range(7000, 7901), None, (7000, 7900)),
        ([-1000, 0, 1000], None, (-1000, 1000)),
        ([*range(100), -9999], None, (0, 99)),
        ([*range(100), 65535], None, (0, 99)),
        ([*range(100), -5], -5, (0, 99)),
        ([*range(100), NAN, math.inf, -math.inf], None, (0, 99)),
        ([*range(100), -3.4e38], None, (0, 99)),
        ([0, 1000], None, (0, 1000)),  # two numbers are a mask, and no hole in it
        ([7, 7, 7], None, (6, 8)),
        ([], None, (0, 1)),
        ([NAN], None, (0, 1)),
    ],
)
def test_ranges(numbers: Any, missing: float | None, expected: tuple[float, float]) -> None:
    assert gray_range(numbers, missing) == expected


@given(st.lists(st.floats(width=32), max_size=50))
def test_black_is_always_below_white(numbers: list[float]) -> None:
    black, white = gray_range(numbers)
    assert black < white


def tiff(mode: str, numbers: array[Any], tags: dict[int, Any]) -> bytes:
    image = Image.frombytes(mode, (64, 48), numbers.tobytes())
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", tiffinfo=info)
    return buffer.getvalue()


def shades(data: bytes, width: int | None = None) -> Image.Image:
    copy = display_copy(data, name="x", width=width, max_pixels=10**8)
    assert copy
    return Image.open(io.BytesIO(copy[0])).convert("L")


RAMP = range(64 * 48)


@pytest.mark.parametrize("width", [None, 32])
@pytest.mark.parametrize(
    ("mode", "numbers"),
    [
        ("I;16", array("H", (value % 4096 for value in RAMP))),
        ("I;16", array("H", (7000 + value % 900 for value in RAMP))),
        ("I", array("i", (value - 1500 for value in RAMP))),
        ("F", array("f", (value / 1000 for value in RAMP))),
        ("F", array("f", (NAN if value % 7 == 0 else value for value in RAMP))),
        ("F", array("f", (-9999 if value < 64 else value for value in RAMP))),
    ],
)
def test_images_use_nearly_all_shades(mode: str, numbers: array[Any], width: int | None) -> None:
    low, high = shades(tiff(mode, numbers, {}), width).getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert low <= 16
    assert high >= 239


def test_white_may_be_zero() -> None:
    data = tiff("I;16", array("H", RAMP), {})
    place = data.index(struct.pack("<HHI", 262, 3, 1))
    inverted = data[:place] + struct.pack("<HHIHH", 262, 3, 1, 0, 0) + data[place + 12 :]
    first, other = (shades(one).getpixel((0, 0)) for one in (data, inverted))
    assert isinstance(first, int)
    assert isinstance(other, int)
    assert first < 20
    assert other > 235


def test_a_png_of_twelve_bits_is_shown_stretched_in_its_own_size_too() -> None:
    buffer = io.BytesIO()
    image = Image.frombytes("I;16", (64, 48), array("H", (v % 4096 for v in RAMP)).tobytes())
    image.save(buffer, "PNG")
    low, high = shades(buffer.getvalue()).getextrema()
    assert (low, high) != (0, 15)
    assert isinstance(high, int)
    assert high >= 239
