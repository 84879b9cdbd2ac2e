"""Objects of 10 to 19 pixels on a photo of 12 megapixels, and real photos."""

from __future__ import annotations

import random

import pytest
from PIL import Image

from tests.e2e.workbench.conftest import Desk
from tests.e2e.workbench.test_drawing import near
from tests.pictures import REAL, encoded

pytestmark = pytest.mark.e2e


def test_twenty_objects_of_10_to_19_pixels_are_boxed_to_within_a_pixel(desk: Desk) -> None:
    chance = random.Random(3)
    picture = Image.new("RGB", (4000, 3000), "#777")
    wanted = []
    for number in range(20):
        left, top = 300 + number % 5 * 720 + chance.randrange(200), 300 + number // 5 * 750
        width, height = (10 + chance.randrange(10) for _ in range(2))
        picture.paste((220, 40, 40), (left, top, left + width, top + height))
        wanted.append((left, top, width, height))
    bench = desk.open(desk.backend.add("small.png", encoded(picture), []))
    for left, top, width, height in wanted:
        middle = left + width / 2, top + height / 2
        bench.zoom(*middle, 4)
        assert bench.picture_pixel(*middle)[0] > 200
        bench.drag((left, top), (left + width, top + height))
        bench.press("f")
        bench.until(lambda: bench.view()[0] < 1)
    rects = bench.rects()
    assert len(rects) == 20
    for rect, sides in zip(rects, wanted, strict=True):
        assert near(rect, *sides, within=1), (rect, sides)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real photos here")
def test_real_photos_of_phones_and_cameras_are_drawn_on(desk: Desk) -> None:
    photos = [*sorted((REAL / "exif_orientation").rglob("*.jpg"))[:3]]
    photos += sorted((REAL / "coco_cc60").rglob("*.jpg"))[:3]
    assert photos
    for photo in photos:
        bench = desk.open(desk.backend.add(photo.name, photo.read_bytes()))
        with Image.open(photo) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            width, height = image.size[::-1] if turned else image.size
        bench.drag((width * 0.2, height * 0.3), (width * 0.6, height * 0.7))
        document = bench.saved()
        assert (document["image_width"], document["image_height"]) == (width, height)
        within = 1.1 / bench.view()[0]
        assert near(
            document["rects"][0],
            *(width * 0.2, height * 0.3, width * 0.4, height * 0.4),
            within=max(1, within),
        )
