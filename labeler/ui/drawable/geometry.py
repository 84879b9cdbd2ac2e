"""Image pixels to canvas pixels and back. Pure.

Both systems have their origin at the top left corner of the image; x goes right, y goes down;
numbers are distances from that corner, so the right edge of an image 640 px wide is at 640.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_ENLARGEMENT: Final = 16.0
DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class CanvasBox:
    """A rectangle; width and height may be negative before `normalized`."""

    left: float
    top: float
    width: float
    height: float

    def normalized(self) -> CanvasBox:
        """The same rectangle with width and height not negative."""
        return CanvasBox(
            min(self.left, self.left + self.width),
            min(self.top, self.top + self.height),
            abs(self.width),
            abs(self.height),
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image of `image_width` x `image_height` px fits a canvas; all sizes at least 1."""

    image_width: int
    image_height: int
    canvas_width: int
    canvas_height: int

    @classmethod
    def into(cls, image_width: int, image_height: int, room_width: int, room_height: int) -> Fit:
        """The largest canvas of the image's shape within the room, in whole pixels.

        Rounding to whole pixels stretches an axis by less than a pixel in all. Each axis has a
        scale of its own, so that no edge is off. Small images are enlarged, at most 16 times.
        """
        scale = min(
            max(room_width, 1) / image_width, max(room_height, 1) / image_height, MAX_ENLARGEMENT
        )
        return cls(
            image_width,
            image_height,
            max(1, round(image_width * scale)),
            max(1, round(image_height * scale)),
        )

    @property
    def scale_x(self) -> float:
        """Canvas pixels to one image pixel, across."""
        return self.canvas_width / self.image_width

    @property
    def scale_y(self) -> float:
        """Canvas pixels to one image pixel, down."""
        return self.canvas_height / self.image_height

    def to_canvas(self, box: CanvasBox) -> CanvasBox:
        """The box in canvas pixels."""
        return CanvasBox(
            box.left * self.scale_x,
            box.top * self.scale_y,
            box.width * self.scale_x,
            box.height * self.scale_y,
        )

    def to_image(self, box: CanvasBox) -> CanvasBox:
        """The box in image pixels: the inverse of `to_canvas`, normalized, clipped, rounded.

        Corners are clipped to the image and rounded to 2 decimals; the sizes are their
        differences, so that left + width never passes the image's edge.
        """
        box = box.normalized()
        left, right = _span(box.left, box.width, self.scale_x, self.image_width)
        top, bottom = _span(box.top, box.height, self.scale_y, self.image_height)
        return CanvasBox(left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS))


def _span(start: float, length: float, scale: float, limit: int) -> tuple[float, float]:
    low = min(max(start / scale, 0.0), float(limit))
    high = min(max((start + length) / scale, 0.0), float(limit))
    return round(low, DECIMALS), round(high, DECIMALS)
