"""The main job: upload, draw, edit, and find everything again."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import Labeler, documents, eventually, near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def test_the_state_of_saving_is_whole_at_every_width(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """A long name and the progress give way to it."""
    labeler = new_labeler(serve(LABELER_LABELS="cat,dog"))
    labeler.upload(pictures.photo("a photo with quite a long name.jpg"))
    labeler.at("a photo with quite a long name.jpg")
    expect(labeler.root.get_by_test_id("progress")).to_contain_text("0 of 1 finished")
    save = labeler.root.locator(".save")
    for width in (1440, 1100, 900, 390):
        labeler.page.set_viewport_size({"width": width, "height": 844})
        expect(save).to_have_text("Saved")
        eventually(lambda: save.evaluate("one => one.scrollWidth <= one.clientWidth"))


def test_upload_draw_and_find_the_boxes_again(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat,dog")
    labeler = new_labeler(server)
    photo = pictures.photo("cat.jpg")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    before = documents(server.folder)["cat.jpg"]
    labeler.drag((40, 50), (240, 150))
    labeler.saved()
    expect(labeler.root.get_by_text("in progress", exact=True)).to_be_visible()
    [rect] = rects(server.folder, "cat.jpg")
    assert near(rect, [40, 50, 200, 100], 1)
    assert rect["label"] == "cat"
    document = documents(server.folder)["cat.jpg"]
    image_id = hashlib.md5(f"cat.jpg_{photo.stat().st_size}".encode()).hexdigest()
    assert (server.folder / "annotations" / f"{image_id}.json").exists()
    assert labeler.image == image_id
    assert document["metadata"]["image_id"] == image_id
    assert document["metadata"]["content_md5"] == hashlib.md5(photo.read_bytes()).hexdigest()
    assert document["metadata"]["status"] == "in_progress"
    assert before["rects"] == []
    assert (server.folder / "uploads" / "cat.jpg").read_bytes() == photo.read_bytes()

    def shows_the_box(labeler: Labeler) -> None:
        labeler.at("cat.jpg")
        labeler.has_boxes(1)

    labeler.page.reload()
    shows_the_box(labeler)
    other = new_labeler(server, f"/?image={image_id}")
    shows_the_box(other)
    server.restart()
    shows_the_box(new_labeler(server))
    again = new_labeler(server)
    again.upload(photo)
    expect(again.page.get_by_text("1 image is already in the project").first).to_be_visible()
    shows_the_box(again)
    assert documents(server.folder)["cat.jpg"] == document  # looking writes nothing


def test_edit_delete_undo_redo_relabel(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat,dog")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")

    def stored() -> list[dict[str, object]]:
        labeler.saved()
        return rects(server.folder, "cat.jpg")

    labeler.drag((100, 100), (200, 180))
    labeler.choose("dog")
    labeler.drag((300, 100), (380, 160))
    first, second = stored()
    assert [first["label"], second["label"]] == ["cat", "dog"]

    labeler.click((150, 140))
    labeler.drag((150, 140), (190, 170))  # move
    assert near(stored()[0], [140, 130, 100, 80], 1)
    assert stored()[0]["id"] == first["id"]
    assert stored()[1] == second
    labeler.drag((240, 210), (280, 250))  # resize by the lower right corner
    assert near(stored()[0], [140, 130, 140, 120], 1)
    assert stored()[0]["id"] == first["id"]
    labeler.click((340, 130))
    labeler.keys("Delete")
    assert [rect["id"] for rect in stored()] == [first["id"]]
    labeler.keys("Control+z")
    assert [rect["id"] for rect in stored()] == [first["id"], second["id"]]
    assert stored()[1] == second
    labeler.keys("Control+z", "Control+z")
    assert stored() == [first, second]
    labeler.keys("Control+y")
    assert near(stored()[0], [140, 130, 100, 80], 1)

    # A label of a selected box, by its key and by a click.
    labeler.click((340, 130))
    labeler.keys("1")
    assert (stored()[1]["label"], stored()[1]["id"]) == ("cat", second["id"])
    labeler.choose("dog")
    assert stored()[1] == second

    # The list of boxes does the same by its button.
    labeler.row(0).get_by_role("button", name="Delete this box").click()
    labeler.has_boxes(1)
    assert [rect["id"] for rect in stored()] == [second["id"]]


def test_what_is_dragged_is_what_is_stored(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")

    def drawn(count: int) -> dict[str, Any]:
        labeler.has_boxes(count)
        labeler.saved()
        return rects(server.folder, "cat.jpg")[-1]

    labeler.drag((200, 180), (100, 100))  # up and to the left
    assert near(drawn(1), [100, 100, 100, 80], 1)
    labeler.drag((580, 430), (650, 490))  # over the corner
    rect = drawn(2)
    assert near(rect, [580, 430, 60, 50], 1)
    assert rect["left"] + rect["width"] <= 640
    labeler.drag((60, 40), (-12, -9))  # over the other corner
    assert near(drawn(3), [0, 0, 60, 40], 1)
    mouse = labeler.page.mouse  # there and back past the start
    mouse.move(*labeler.place(300, 200))
    mouse.down()
    for x, y in ((250, 150), (290, 190), (350, 260), (400, 300)):
        mouse.move(*labeler.place(x, y), steps=3)
    mouse.up()
    assert near(drawn(4), [300, 200, 100, 100], 1)
    labeler.click((320, 120))  # a click draws nothing
    left, top = labeler.place(320, 120)
    mouse.move(left, top)
    mouse.down()
    mouse.move(left + 1, top + 1)
    mouse.up()
    labeler.page.wait_for_timeout(800)
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 4


DISPLAYED = {
    1: (60, 40, 300, 200), 2: (240, 40, 300, 200), 3: (240, 160, 300, 200), 4: (60, 160, 300, 200),
    5: (40, 60, 200, 300), 6: (160, 60, 200, 300), 7: (160, 240, 200, 300), 8: (40, 240, 200, 300),
}  # fmt: skip
"""Where one frame is shown, by the EXIF orientation."""


def dark(labeler: Labeler) -> tuple[float, float, float, float]:
    """Where the dark frame is painted in the window: left, top, right, bottom."""
    canvas = labeler.surface.locator("canvas").first
    left, top, right, bottom = canvas.evaluate(
        """canvas => {
            const {width, height} = canvas;
            const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
            let box = [width, height, 0, 0];
            const isDark = (at) => data[at] < 90 && data[at + 3] > 200;
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
                if (isDark(4 * (y * width + x)))
                    box = [Math.min(box[0], x), Math.min(box[1], y),
                           Math.max(box[2], x + 1), Math.max(box[3], y + 1)];
            const place = canvas.getBoundingClientRect();
            const scale = place.width / width;
            return [place.left + box[0] * scale, place.top + box[1] * scale,
                    place.left + box[2] * scale, place.top + box[3] * scale];
        }"""
    )
    return left, top, right, bottom


def draw_along(labeler: Labeler, frame: tuple[float, float, float, float]) -> float:
    """Drag along what is seen in the window; how many image pixels a pixel of the window is."""
    labeler.place(0, 0)
    mouse = labeler.page.mouse
    mouse.move(*frame[:2])
    mouse.down()
    mouse.move(*frame[2:], steps=4)
    mouse.up()
    return 1 / float(labeler.surface.get_attribute("data-scale") or "nan")


def test_boxes_lie_where_the_displayed_image_has_them(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Whatever the EXIF orientation, a box drawn along what is seen has its displayed pixels."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    names = {orientation: f"turned{orientation}.jpg" for orientation in DISPLAYED}
    for orientation, name in names.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        pictures.with_frame(name, (600, 400), (60, 40, 360, 240), exif=exif)
    labeler.upload(*(pictures.folder / name for name in names.values()))
    for orientation, name in names.items():
        labeler.at(name)
        pixel = draw_along(labeler, dark(labeler))
        labeler.saved()
        document = documents(server.folder)[name]
        size = (600, 400) if orientation < 5 else (400, 600)
        assert (document["image_width"], document["image_height"]) == size
        [rect] = document["rects"]
        assert near(rect, DISPLAYED[orientation], max(pixel, 1) + 0.01), name
        labeler.next()


def test_a_large_photo_is_exact_to_a_screen_pixel(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    for number, size in enumerate([(1280, 900), (820, 1100)]):
        labeler = new_labeler(server, size=size)
        name = f"large{number}.jpg"
        pictures.with_frame(name, (6000, 4000), (1200, 800, 4200, 3000), quality=85)
        labeler.upload(pictures.folder / name)
        labeler.at(name)
        pixel = draw_along(labeler, dark(labeler))
        labeler.saved()
        [rect] = rects(server.folder, name)
        assert near(rect, (1200, 800, 3000, 2200), pixel)


def test_done_skip_and_open_again(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(4)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def status(index: int) -> str:
        labeler.saved()
        found: str = documents(server.folder)[files[index].name]["metadata"]["status"]
        return found

    assert status(3) == "unlabeled"
    expect(labeler.root.get_by_text("Done – no objects")).to_be_visible()
    labeler.done()
    labeler.at(files[1].name)
    assert (status(0), rects(server.folder, files[0].name)) == ("done", [])
    labeler.drag((50, 50), (120, 120))
    expect(labeler.root.get_by_text("Done – no objects")).to_have_count(0)
    labeler.done()
    labeler.at(files[2].name)
    assert (status(1), len(rects(server.folder, files[1].name))) == ("done", 1)
    labeler.keys("s")
    labeler.at(files[3].name)
    assert status(2) == "skipped"
    labeler.previous()
    labeler.at(files[2].name)
    labeler.press("Reopen: set back to in progress")
    assert status(2) == "in_progress"
    labeler.at(files[2].name)
    # By Tab and Enter, or the space bar, on the button itself.
    for button, key, there in (("Previous image", "Enter", 1), ("Next image", "Space", 2)):
        labeler.page.get_by_role("button", name=button, exact=True).focus()
        labeler.keys(key)
        labeler.at(files[there].name)
    assert [status(index) for index in range(4)] == ["done", "done", "in_progress", "unlabeled"]


def test_two_people_on_one_image(serve: Serve, new_labeler: NewLabeler, pictures: Pictures) -> None:
    server = serve(LABELER_LABELS="cat")
    ana = new_labeler(server)
    ana.upload(pictures.photo("cat.jpg"))
    ana.at("cat.jpg")
    ben = new_labeler(server)
    ben.at("cat.jpg")

    def draws(labeler: Labeler, left: float, top: float, count: int) -> None:
        labeler.drag((left, top), (left + 80, top + 80))
        labeler.saved()
        labeler.has_boxes(count)
        assert len(rects(server.folder, "cat.jpg")) == count

    draws(ana, 40, 40, 1)
    draws(ben, 200, 200, 2)
    draws(ana, 350, 40, 3)
    draws(ben, 40, 300, 4)  # ben sees ana's second box by now
    assert len({rect["id"] for rect in rects(server.folder, "cat.jpg")}) == 4


def test_originals_that_are_not_kept(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat", LABELER_UPLOADS="off")
    labeler = new_labeler(server)
    photo = pictures.photo("cat.jpg")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (140, 140))
    labeler.saved()
    assert rects(server.folder, "cat.jpg")
    assert not (server.folder / "uploads").exists()
    server.restart()
    labeler = new_labeler(server)
    expect(labeler.root.get_by_text("The original is not kept here")).to_be_visible()
    expect(labeler.root).to_have_attribute("data-state", "loading")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    labeler.has_boxes(1)


def test_a_phone_sized_window(serve: Serve, new_labeler: NewLabeler, pictures: Pictures) -> None:
    server = serve(LABELER_LABELS="cat")
    new_labeler(server).upload(pictures.photo("cat.jpg"))
    eventually(lambda: documents(server.folder))
    phone = new_labeler(server, size=(390, 780))
    phone.at("cat.jpg")
    (left, top), (right, bottom) = phone.place(0, 0), phone.place(640, 480)
    assert right - left > 300
    assert left >= 0
    assert top >= 0
    assert right <= 390
    assert bottom <= 780
    phone.drag((30, 30), (230, 210))
    phone.saved()
    [rect] = rects(server.folder, "cat.jpg")
    assert near(rect, (30, 30, 200, 180), 2)
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
