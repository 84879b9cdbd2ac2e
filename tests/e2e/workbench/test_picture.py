"""What is painted of an image: pixel by pixel, at every size, density and orientation."""

from __future__ import annotations

import base64
import io
import math
from functools import partial

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.workbench.bench import Bench, Point
from tests.e2e.workbench.conftest import Desk
from tests.e2e.workbench.test_drawing import box, near
from tests.pictures import CORNERS, encoded, oriented

pytestmark = pytest.mark.e2e

_PAINTED = """async (root) => {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const [picture] = root.querySelectorAll('canvas');
  const density = picture.width / root.getBoundingClientRect().width;
  const { left, top } = root.dataset;
  return [density, Number(left), Number(top), picture.toDataURL('image/png')];
}"""


def noise(width: int, height: int) -> Image.Image:
    """An image in which no pixel is like the one beside it."""
    values = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def painted(bench: Bench) -> tuple[Image.Image, float, int, int]:
    """The lower canvas, device pixels per CSS pixel, and where the image's corner is painted."""
    density, left, top, address = bench.surface.evaluate(_PAINTED)
    data = base64.b64decode(address.partition(",")[2])
    x, y = (math.floor(length * density + 0.5) for length in (left, top))
    return Image.open(io.BytesIO(data)).convert("RGB"), density, x, y


def different(bench: Bench, picture: Image.Image) -> int:
    """How many painted pixels differ from the image at 100 %."""
    canvas, _, x, y = painted(bench)
    right, bottom = min(canvas.width, x + picture.width), min(canvas.height, y + picture.height)
    one = np.asarray(canvas.crop((max(0, x), max(0, y), right, bottom)))
    two = np.asarray(picture.crop((max(0, -x), max(0, -y), right - x, bottom - y)))
    assert one.size == two.size > 100_000
    return int((one != two).any(axis=2).sum())


@pytest.mark.parametrize("density", [1, 1.25, 2, 3])
def test_100_percent_is_the_file_and_above_200_pixels_are_hard(
    desk: Desk, browser: Browser, density: float
) -> None:
    picture = noise(1600, 1200)
    desk.backend.add("noise.png", encoded(picture), [])
    context = browser.new_context(
        viewport={"width": 1000, "height": 640}, device_scale_factor=density
    )
    bench = desk.open("noise.png", page=desk.new_page(context))
    assert painted(bench)[1] == pytest.approx(density, abs=0.01)
    bench.press("Shift+F")
    bench.until(lambda: bench.view()[0] == pytest.approx(1 / density))
    assert different(bench, picture) == 0
    bench.drag((800, 600), (760, 570))  # a box is painted elsewhere
    bench.page.keyboard.down("Space")
    bench.drag(bench.point(500, 300), bench.point(441, 333))
    bench.page.keyboard.up("Space")
    assert different(bench, picture) == 0
    [rect] = bench.rects()
    assert near(rect, 760, 570, 40, 30)
    context.close()


def test_single_pixels_stay_hard_and_boxes_lie_on_them(desk: Desk) -> None:
    picture = noise(1600, 1200)
    bench = desk.open(desk.backend.add("hard.png", encoded(picture), [box("a", 800, 600, 7, 5)]))
    bench.zoom(800, 600, 8)
    scale = bench.view()[0]
    for x, y in ((801, 601), (803, 604), (797, 598)):
        wanted = picture.getpixel((x, y))
        for dx, dy in ((0.2, 0.2), (0.8, 0.8)):
            found = bench.picture_pixel(x + dx, y + dy)
            assert found[:3] == wanted, (x, y, scale)
    edge = bench.box_pixel(800 + 0.5 / scale, 602.5)
    assert edge[3] == 255
    assert bench.box_pixel(803.5, 602.5)[3] < 60
    bench.press("f")


def test_each_exif_orientation_is_shown_upright_and_boxes_lie_as_displayed(desk: Desk) -> None:
    for orientation in range(1, 9):
        data = oriented("JPEG", orientation, 640, 480)
        bench = desk.open(desk.backend.add(f"exif{orientation}.jpg", data))
        for (x, y), wanted in zip(
            ((160, 120), (480, 120), (160, 360), (480, 360)), CORNERS, strict=True
        ):
            found = bench.picture_pixel(x, y)
            assert all(abs(a - b) < 32 for a, b in zip(found, wanted, strict=False)), orientation
        bench.drag((320, 240), (630, 470))
        document = bench.saved()
        assert (document["image_width"], document["image_height"]) == (640, 480)
        assert near(document["rects"][0], 320, 240, 310, 230)


def test_an_image_of_108_megapixels_is_drawn_on_to_the_pixel(desk: Desk) -> None:
    picture = Image.new("RGB", (12_000, 9_000), "#888")
    picture.paste((200, 30, 30), (11_000, 8_000, 11_014, 8_012))
    data = encoded(picture, "JPEG", quality=80, subsampling=0)
    desk.backend.copies["huge.jpg"] = encoded(Image.new("RGB", (1024, 768), "#888"), "JPEG")
    bench = desk.open(desk.backend.add("huge.jpg", data))
    bench.zoom(11_007, 8_006, 8)
    assert bench.picture_pixel(11_007, 8_006)[0] > 170
    bench.drag((11_000, 8_000), (11_014, 8_012))
    assert near(bench.rects()[0], 11_000, 8_000, 14, 12, within=0.5)
    bench.press("f")
    bench.until(lambda: bench.view()[0] < 0.2)
    del desk.backend.pictures["huge.jpg"]  # no other test has to fetch it ahead


def test_brightness_and_contrast_change_the_display_alone(desk: Desk) -> None:
    picture = Image.new("RGB", (800, 600), (100, 100, 100))
    only = box("a", 300, 200, 200, 150)
    bench = desk.open(desk.backend.add("gray.png", encoded(picture), [only]))
    assert bench.picture_pixel(10, 10)[:3] == (100, 100, 100)
    bench.page.get_by_label("Display").click()
    brightness, contrast, opacity = (
        bench.page.get_by_role("slider", name=name)
        for name in ("Brightness", "Contrast", "Opacity of boxes")
    )
    brightness.fill("200")
    bench.until(lambda: bench.picture_pixel(10, 10)[0] == 200, "a brighter picture")
    bench.press("2")  # a key of the workbench, though a slider has the focus
    expect(bench.label("car")).to_have_attribute("aria-pressed", "true")
    contrast.fill("50")
    bench.until(lambda: bench.picture_pixel(10, 10)[0] < 200)
    opacity.fill("80")
    bench.until(lambda: bench.box_pixel(400, 275)[3] > 200, "a filled box")
    opacity.fill("0")
    bench.until(lambda: bench.box_pixel(400, 275)[3] == 0, "an empty box")
    bench.page.get_by_role("button", name="Reset brightness and contrast").click()
    bench.until(lambda: bench.picture_pixel(10, 10)[0] == 100)
    bench.page.get_by_label("Display").click()
    expect(bench.root).to_have_attribute("data-save", "saved")
    assert bench.rects("gray.png") == [only]


def test_a_slow_network_shows_a_small_copy_first_and_boxes_go_where_they_belong(
    desk: Desk,
) -> None:
    picture = noise(2400, 1800)
    desk.backend.add("slow.png", encoded(picture), [])
    gate = desk.backend.hold("/api/images/slow.png", but="width=")
    try:
        bench = desk.open("slow.png")
        bench.drag((300, 300), (600, 600))
        soft = bench.picture_pixel(1000, 1000)
        bench.zoom(1200, 900, 4)
        view = bench.view()
    finally:
        gate.set()
    bench.until(lambda: bench.picture_pixel(1200.5, 900.5)[:3] == picture.getpixel((1200, 900)))
    assert bench.view() == view
    assert soft[3] == 255
    assert near(bench.rects()[0], 300, 300, 300, 300, within=3)


def test_images_of_a_long_session_are_given_back(desk: Desk) -> None:
    """Bitmaps that are decoded and not closed again, over 25 images."""
    names = [
        desk.backend.add(f"long{number:02}.png", encoded(noise(300, 200)), [])
        for number in range(25)
    ]
    page = desk.new_page()
    page.add_init_script(
        """window.alive = 0;
        const [make, close] = [createImageBitmap, ImageBitmap.prototype.close];
        window.createImageBitmap = async (...given) => {
          const made = await make(...given);
          window.alive++;
          return made;
        };
        window.Worker = class extends Worker {
          constructor(...given) {
            super(...given);
            this.addEventListener('message', ({ data }) => {
              window.alive += data.levels?.length ?? 0;
            });
          }
        };
        ImageBitmap.prototype.close = function () {
          if (this.width) window.alive--;
          close.call(this);
        };"""
    )
    bench = desk.open(names[0], page=page)
    for name in names[1:]:
        bench.press("d")
        bench.wait(name)
    # The open one, three before it, and those ahead, which are larger and have copies.
    bench.until(lambda: 1 <= page.evaluate("alive") <= 12, "few pictures alive")
    page.close()


_IN_MOTION = """([root, how]) => new Promise((done) => {
  const [picture] = root.querySelectorAll('canvas');
  const { left, top } = root.getBoundingClientRect();
  const at = (x, y) => ({ clientX: left + x, clientY: top + y, pointerId: 1, bubbles: true });
  root.addEventListener('painted', () => done(picture.toDataURL('image/png')), { once: true });
  if (how === 'zoom') root.dispatchEvent(new WheelEvent('wheel', { ...at(300, 200), deltaY: -90 }));
  else {
    root.dispatchEvent(new PointerEvent('pointerdown', { ...at(300, 200), button: 1 }));
    root.dispatchEvent(new PointerEvent('pointermove', at(337, 229)));
    root.dispatchEvent(new PointerEvent('pointerup', at(337, 229)));
  }
})"""
_PICTURE = """async (root) => {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return root.querySelector('canvas').toDataURL('image/png');
}"""


def test_after_the_view_has_moved_the_image_is_as_if_painted_there_at_once(desk: Desk) -> None:
    desk.backend.add("rest.png", encoded(noise(1600, 1200)), [])
    bench = desk.open("rest.png", page=desk.new_page())
    look = partial(bench.surface.evaluate, _PICTURE)
    throttle = bench.page.context.new_cdp_session(bench.page)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 40})  # so that frames are slow
    for how in ("zoom", "pan"):
        bench.press("x")  # paints anew, which is measured
        look()
        moving = bench.page.evaluate(_IN_MOTION, [bench.surface.element_handle(), how])
        bench.until(lambda moving=moving: look() != moving, "a smooth image")  # type: ignore[misc]
        rested = look()
        bench.press("x")
        assert look() == rested
        bench.press("x")
    bench.page.close()


_BOXES_TWICE = """async (root) => {
  const next = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const boxes = root.querySelectorAll('canvas')[1];
  await next();
  const now = boxes.toDataURL('image/png');
  const key = (type) => root.dispatchEvent(
    new KeyboardEvent(type, { code: 'KeyH', key: 'h', bubbles: true, composed: true }));
  key('keydown');
  await next();
  const hidden = boxes.toDataURL('image/png');
  key('keyup');
  await next();
  return [now, hidden, boxes.toDataURL('image/png')];
}"""


@pytest.mark.parametrize("density", [1, 1.5])
def test_what_is_painted_in_parts_looks_as_if_all_were_painted(
    desk: Desk, browser: Browser, density: float
) -> None:
    """While one box is drawn, moved or resized, the others are only copied around it."""
    rects = [box(f"b{n}", 60 * n, 40 * n, 90, 70, label="car") for n in range(12)]
    desk.backend.add("parts.png", encoded(noise(800, 600)), rects)
    context = browser.new_context(
        viewport={"width": 1000, "height": 700}, device_scale_factor=density
    )
    bench = desk.open("parts.png", page=desk.new_page(context))
    bench.press("x")  # the cross under the pointer

    def drag(start: Point, end: Point) -> None:
        """Four frames of a drag, then a look at what is painted."""
        bench.drag(start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), release=False)
        for part in (0.6, 0.8, 1):
            across, down = (a + (b - a) * part for a, b in zip(start, end, strict=True))
            bench.page.mouse.move(*bench.at(across, down))
        now, hidden, again = bench.surface.evaluate(_BOXES_TWICE)
        assert now == again
        assert now != hidden
        bench.page.mouse.up()

    drag((700, 100), (300, 400))  # draws
    bench.click(300, 255)  # the left edge of the sixth
    bench.picked("b5")
    drag((330, 260), (480, 300))  # moves it by (150, 40)
    drag((540, 310), (650, 90))  # by its lower right corner
    moved = next(rect for rect in bench.rects() if rect["id"] == "b5")
    assert near(moved, 450, 90, 200, 150, within=3)
    assert len(bench.rects()) == 13
    context.close()
