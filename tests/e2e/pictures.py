"""Image files for browser tests: photos that scikit-image ships, and ones with known edges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from skimage import data


@dataclass
class Pictures:
    """Writes images into one folder."""

    folder: Path

    def photo(self, name: str = "cat.jpg", size: tuple[int, int] = (640, 480)) -> Path:
        """A photo of a cat, in any size and type."""
        path = self.folder / name
        Image.fromarray(data.chelsea()).resize(size).save(path)
        return path

    def series(self, count: int) -> list[Path]:
        """Photos that all differ, in the order of their names."""
        paths = []
        cat = Image.fromarray(data.chelsea()).resize((320, 240))
        for number in range(count):
            picture = cat.copy()
            ImageDraw.Draw(picture).text((8, 8), f"picture {number}", fill="white")
            path = self.folder / f"series_{number:03}.jpg"
            picture.save(path, quality=80)
            paths.append(path)
        return paths

    def with_frame(
        self, name: str, size: tuple[int, int], frame: tuple[int, int, int, int], **options: Any
    ) -> Path:
        """Gray with one dark rectangle whose edges are at `frame` (left, top, right, bottom)."""
        path = self.folder / name
        picture = Image.new("RGB", size, "#999")
        left, top, right, bottom = frame
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill="#222")
        picture.save(path, **options)
        return path
