"""The pixels of a decoded image as browsers show them: upright, 8 bits, smaller. Pure."""

from __future__ import annotations

from array import array
from typing import Any, Final

from PIL import Image

from labeler.gray_levels import gray_range

WIDE_MODES: Final = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
"""Modes with values beyond 255."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition of stored pixels for each EXIF orientation."""
_SAMPLE: Final = 512
_PHOTOMETRIC: Final = 262
_NO_DATA: Final = 42113
_STRIP_PIXELS: Final = 2**20
_GAP: Final = 3


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as displayed; `orientation` is EXIF's, 1 to 8."""
    turn = _TURNS.get(orientation)
    turned = image if turn is None else image.transpose(turn)
    turned.info = {}  # otherwise its orientation would be saved and applied again
    return turned


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The first frame in a smaller size, as L, RGB or RGBA."""
    image.load()
    # Lanczos reads three pixels for each: averaging the rest before makes no visible difference.
    factor = max(1, min(image.width // size[0], image.height // size[1]) // _GAP)
    picture = eight_bit(image, factor, "RGBa")
    if picture is not image:
        image.close()  # it takes as much memory as everything after it
    resized = picture.resize(size, Image.Resampling.LANCZOS)
    return resized.convert("RGBA") if resized.mode == "RGBa" else resized


def eight_bit(image: Image.Image, factor: int, transparent: str = "RGBA") -> Image.Image:
    """The first frame as L, RGB or `transparent`, `factor` times smaller each way.

    Strip by strip: converting the whole image takes its memory several times over.
    """
    image.load()
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    bounds = _bounds(image) if image.mode in WIDE_MODES else (0.0, 1.0)
    whole: Image.Image | None = None
    height = factor * max(1, _STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        part = _strip(strip, bounds, transparent)
        if factor > 1:
            part = part.reduce(factor)
        if whole is None:
            whole = Image.new(part.mode, (part.width, -(-image.height // factor)))
        whole.paste(part, (0, top // factor))
    if whole is None:
        raise ValueError("an image without rows")
    return whole


def _bounds(image: Image.Image) -> tuple[float, float]:
    """The values shown as black and as white, from a sample of the pixels."""
    size = min(image.width, _SAMPLE), min(image.height, _SAMPLE)
    sample = image.resize(size, Image.Resampling.NEAREST)
    numbers: array[float] | array[int]
    if sample.mode == "F":
        numbers = array("f", sample.tobytes())
    else:
        numbers = array("i", sample.convert("I").tobytes())
    black, white = gray_range(numbers, _missing(image))
    tags = getattr(image, "tag_v2", {})
    return (white, black) if tags.get(_PHOTOMETRIC) == 0 else (black, white)


def _missing(image: Image.Image) -> float | None:
    """The value that GDAL's tag names for pixels without data."""
    try:
        return float(str(getattr(image, "tag_v2", {}).get(_NO_DATA)).strip("\0 "))
    except ValueError:
        return None


def _strip(image: Image.Image, bounds: Any, transparent: str) -> Image.Image:
    """Some rows as L, RGB or `transparent`; `bounds` are the values of black and white."""
    if image.mode in WIDE_MODES:
        black, white = bounds
        scale = 255 / (white - black)
        wide = image if image.mode == "F" else image.convert("I")
        return wide.point(lambda value: value * scale + (-black * scale)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA").convert(transparent)
    return image.convert("RGB")
