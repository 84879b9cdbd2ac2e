"""The main job: upload, draw, edit, and find everything again."""

from __future__ import annotations

import hashlib
import json

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import documents, eventually, near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def test_upload_draw_and_find_the_boxes_again(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat,dog")
    labeler = new_drawable(server)
    photo = pictures.photo("cat.jpg")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    before = documents(server.folder)["cat.jpg"]
    box = labeler.canvas()
    scale = box["width"] / 640
    labeler.drag((40, 50), (240, 150))
    eventually(lambda: rects(server.folder, "cat.jpg"))
    labeler.saved()
    [rect] = rects(server.folder, "cat.jpg")
    assert near(rect, [40 / scale, 50 / scale, 200 / scale, 100 / scale], 1 / scale)
    assert rect["label"] == "cat"
    document = documents(server.folder)["cat.jpg"]
    image_id = hashlib.md5(f"cat.jpg_{photo.stat().st_size}".encode()).hexdigest()
    assert (server.folder / "annotations" / f"{image_id}.json").exists()
    assert document["metadata"]["image_id"] == image_id
    assert document["metadata"]["content_md5"] == hashlib.md5(photo.read_bytes()).hexdigest()
    assert document["metadata"]["status"] == "in_progress"
    assert before["rects"] == []
    assert (server.folder / "uploads" / "cat.jpg").read_bytes() == photo.read_bytes()

    def shows_the_box(labeler: Drawable) -> None:
        labeler.at("cat.jpg")
        expect(labeler.page.get_by_text("1 box").first).to_be_visible()

    labeler.page.reload()
    shows_the_box(labeler)
    other = new_drawable(server, f"/?image={image_id}")
    shows_the_box(other)
    server.restart()
    shows_the_box(new_drawable(server))
    again = new_drawable(server)
    again.upload(photo)
    expect(again.page.get_by_text("1 image was here already").first).to_be_visible()
    shows_the_box(again)
    assert documents(server.folder)["cat.jpg"] == document  # looking writes nothing


def test_edit_delete_undo_redo_relabel(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat,dog")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    page = labeler.page
    scale = labeler.canvas()["width"] / 640

    def stored() -> list[dict[str, object]]:
        return rects(server.folder, "cat.jpg")

    labeler.drag((100, 100), (200, 180))
    page.locator(".st-key-label label", has_text="dog").click()
    page.wait_for_timeout(600)
    labeler.drag((300, 100), (380, 160))
    eventually(lambda: [r["label"] for r in stored()] == ["cat", "dog"])
    first, second = stored()

    page.keyboard.press("e")
    labeler.drag((150, 140), (190, 170))  # move
    eventually(lambda: near(stored()[0], [140 / scale, 130 / scale, 100 / scale, 80 / scale], 1))
    assert stored()[0]["id"] == first["id"]
    assert stored()[1] == second
    labeler.drag((241, 211), (281, 251))  # resize by the lower right corner
    eventually(lambda: near(stored()[0], [140 / scale, 130 / scale, 140 / scale, 120 / scale], 2))
    assert stored()[0]["id"] == first["id"]
    labeler.click((340, 130))
    page.keyboard.press("Delete")
    eventually(lambda: len(stored()) == 1)
    page.keyboard.press("Control+z")
    eventually(lambda: len(stored()) == 2)
    assert stored()[1] == second
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    eventually(lambda: near(stored()[0], [100 / scale, 100 / scale, 100 / scale, 80 / scale], 1))
    assert [r["id"] for r in stored()] == [first["id"], second["id"]]
    page.keyboard.press("Control+y")
    eventually(lambda: near(stored()[0], [140 / scale, 130 / scale, 100 / scale, 80 / scale], 1))

    # A click on a box that is chosen already opens the canvas's own label editor.
    labeler.edit_label((340, 130), "cat")
    labeler.click((500, 300))
    eventually(lambda: stored()[1]["label"] == "cat")
    assert stored()[1]["id"] == second["id"]

    # A typed text that is no label is put back, one that is not in the set is offered.
    canvas = labeler.canvas_key()
    labeler.edit_label((340, 130), "   ")
    labeler.click((500, 300))
    expect(page.get_by_text("A label can't be empty").first).to_be_visible()
    labeler.renewed(canvas)  # still in edit
    labeler.edit_label((340, 130), "قطة")
    page.keyboard.press("Enter")
    eventually(lambda: stored()[1]["label"] == "قطة")
    expect(page.get_by_text("is not in the label set").first).to_be_visible()
    labeler.press("Add it")
    labels = server.folder / "labels.json"
    eventually(lambda: labels.exists() and "قطة" in labels.read_text())

    # The list of boxes does the same by menu and button.
    page.get_by_text("List the boxes (2)").click()
    page.get_by_role("button", name="Delete", exact=True).first.click()
    eventually(lambda: [r["id"] for r in stored()] == [second["id"]])
    labeler.ready()


def test_what_is_dragged_is_what_is_stored(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    page, box = labeler.page, labeler.canvas()
    scale, width, height = box["width"] / 640, box["width"], box["height"]

    def drawn(count: int) -> dict[str, object]:
        eventually(lambda: len(rects(server.folder, "cat.jpg")) == count)
        return rects(server.folder, "cat.jpg")[-1]

    labeler.drag((200, 180), (100, 100))  # up and to the left
    assert near(drawn(1), [100 / scale, 100 / scale, 100 / scale, 80 / scale], 1 / scale)
    labeler.drag((width - 60, height - 50), (width + 80, height + 60))  # over the corner
    rect = drawn(2)
    expected = [(width - 60) / scale, (height - 50) / scale, 60 / scale, 50 / scale]
    assert near(rect, expected, 1 / scale)
    assert rect["left"] + rect["width"] <= 640  # type: ignore[operator]
    labeler.drag((60, 40), (-90, -70))  # over the other corner
    assert near(drawn(3), [0, 0, 60 / scale, 40 / scale], 1 / scale)
    mouse = page.mouse  # there and back past the start
    mouse.move(box["x"] + 300, box["y"] + 200)
    mouse.down()
    for x, y in ((250, 150), (290, 190), (350, 260), (400, 300)):
        mouse.move(box["x"] + x, box["y"] + y, steps=3)
    mouse.up()
    assert near(drawn(4), [300 / scale, 200 / scale, 100 / scale, 100 / scale], 1 / scale)
    labeler.click((320, 120))  # a click draws nothing
    labeler.drag((320, 120), (321, 121), steps=1)
    page.wait_for_timeout(800)
    assert len(rects(server.folder, "cat.jpg")) == 4


DISPLAYED = {
    1: (60, 40, 300, 200), 2: (240, 40, 300, 200), 3: (240, 160, 300, 200), 4: (60, 160, 300, 200),
    5: (40, 60, 200, 300), 6: (160, 60, 200, 300), 7: (160, 240, 200, 300), 8: (40, 240, 200, 300),
}  # fmt: skip
"""Where one frame is shown, by the EXIF orientation."""


def dark(labeler: Drawable) -> tuple[float, float, float, float]:
    """The canvas pixels of the dark frame: left, top, right, bottom."""
    canvas = labeler.page.locator("canvas.dc-background-canvas").first
    left, top, right, bottom = canvas.evaluate(
        """canvas => {
            const {width, height} = canvas;
            const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
            let box = [width, height, 0, 0];
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
                if (data[4 * (y * width + x)] < 90)
                    box = [Math.min(box[0], x), Math.min(box[1], y),
                           Math.max(box[2], x + 1), Math.max(box[3], y + 1)];
            return box;
        }"""
    )
    return left, top, right, bottom


def test_boxes_lie_where_the_displayed_image_has_them(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """Whatever the EXIF orientation, a box drawn along what is seen has its displayed pixels."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    names = {orientation: f"turned{orientation}.jpg" for orientation in DISPLAYED}
    for orientation, name in names.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        pictures.with_frame(name, (600, 400), (60, 40, 360, 240), exif=exif)
    labeler.upload(*(pictures.folder / name for name in names.values()))
    for orientation, name in names.items():
        labeler.at(name)
        left, top, right, bottom = dark(labeler)
        labeler.drag((left, top), (right, bottom))
        eventually(lambda name=name: rects(server.folder, name))
        document = documents(server.folder)[name]
        size = (600, 400) if orientation < 5 else (400, 600)
        assert (document["image_width"], document["image_height"]) == size
        pixel = size[0] / labeler.canvas()["width"]
        expected = DISPLAYED[orientation]
        assert near(document["rects"][0], expected, max(pixel, 1) + 0.01), name
        if orientation < 8:
            labeler.press("Next")


def test_a_large_photo_is_exact_to_a_screen_pixel(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    for number, size in enumerate([(1280, 900), (820, 1100)]):
        labeler = new_drawable(server, size=size)
        name = f"large{number}.jpg"
        pictures.with_frame(name, (6000, 4000), (1200, 800, 4200, 3000), quality=85)
        labeler.upload(pictures.folder / name)
        labeler.at(name)
        pixel = 6000 / labeler.canvas()["width"]
        labeler.drag((1200 / pixel, 800 / pixel), (4200 / pixel, 3000 / pixel))
        eventually(lambda name=name: rects(server.folder, name))
        assert near(rects(server.folder, name)[0], (1200, 800, 3000, 2200), pixel)


def test_done_skip_and_open_again(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(4)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def status(index: int) -> str:
        found: str = documents(server.folder)[files[index].name]["metadata"]["status"]
        return found

    assert status(3) == "unlabeled"
    labeler.press("Done – no objects")
    labeler.at(files[1].name)
    assert (status(0), rects(server.folder, files[0].name)) == ("done", [])
    labeler.drag((50, 50), (120, 120))
    labeler.press("Done")
    labeler.at(files[2].name)
    assert (status(1), len(rects(server.folder, files[1].name))) == ("done", 1)
    labeler.page.keyboard.press("s")
    labeler.at(files[3].name)
    assert status(2) == "skipped"
    labeler.press("Previous")
    labeler.at(files[2].name)
    labeler.press("Reopen")
    eventually(lambda: status(2) == "in_progress")
    labeler.at(files[2].name)
    # By Tab and Enter, or the space bar, on the button itself.
    for button, key, there in (("Previous", "Enter", 1), ("Next", "Space", 2)):
        labeler.page.get_by_role("button", name=button, exact=True).first.focus()
        labeler.page.keyboard.press(key)
        labeler.at(files[there].name)
    assert status(2) == "in_progress"


def test_two_people_on_one_image(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    ana, ben = new_drawable(server), None
    ana.upload(pictures.photo("cat.jpg"))
    ana.at("cat.jpg")
    ben = new_drawable(server)
    ben.at("cat.jpg")
    ana.drag((40, 40), (120, 120))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
    ben.drag((200, 200), (300, 280))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 2)
    ana.drag((350, 40), (420, 120))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 3)
    expect(ana.page.get_by_text("3 boxes").first).to_be_visible()
    ben.ready()  # with a canvas that shows Ana's first box, not yet her second
    ben.drag((40, 300), (120, 380))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 4)
    expect(ben.page.get_by_text("4 boxes").first).to_be_visible()
    ben.ready()
    assert len({rect["id"] for rect in rects(server.folder, "cat.jpg")}) == 4


def test_originals_that_are_not_kept(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat", LABELER_UPLOADS="off")
    labeler = new_drawable(server)
    photo = pictures.photo("cat.jpg")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (140, 140))
    eventually(lambda: rects(server.folder, "cat.jpg"))
    assert not (server.folder / "uploads").exists()
    server.restart()
    labeler = new_drawable(server)
    expect(labeler.page.get_by_text("The original is not kept here").first).to_be_visible()
    labeler.upload(photo)
    labeler.at("cat.jpg")
    expect(labeler.page.get_by_text("1 box").first).to_be_visible()


def test_a_phone_sized_window(serve: Serve, new_drawable: NewDrawable, pictures: Pictures) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    new_drawable(server).upload(pictures.photo("cat.jpg"))
    eventually(lambda: documents(server.folder))
    phone = new_drawable(server, size=(390, 780))
    phone.at("cat.jpg")
    box = phone.canvas()
    assert box["width"] > 300
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    phone.drag((30, 30), (130, 110))
    eventually(lambda: rects(server.folder, "cat.jpg"))
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_the_export_button_writes_what_is_drawn(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat,dog")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (140, 140))
    eventually(lambda: rects(server.folder, "cat.jpg"))
    labeler.press("Export COCO")
    link = labeler.page.get_by_role("link", name="Download")
    with labeler.page.expect_download() as download:
        link.click()
    [path] = (server.folder / "exports").glob("dataset_coco_*.json")
    assert download.value.path().read_bytes() == path.read_bytes()
    coco = json.loads(path.read_bytes())
    assert [image["file_name"] for image in coco["images"]] == ["cat.jpg"]
    assert [category["name"] for category in coco["categories"]] == ["cat", "dog"]
    assert len(coco["annotations"]) == 1


def test_a_canvas_that_the_browser_has_made_anew_is_replaced(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """What is drawn on it goes onto the canvas that comes for it, beside what was there before."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (120, 120))
    labeler.saved()
    labeler.ready()
    key = labeler.canvas_key()
    labeler.page.locator(".dc-root").evaluate(
        """(canvas) => {
          const another = canvas.cloneNode(true);
          const remove = canvas.parentNode.removeChild.bind(canvas.parentNode);
          canvas.parentNode.removeChild = () => remove(another); // what React knows is the first
          canvas.replaceWith(another);
        }"""
    )
    labeler.drag((160, 40), (240, 120))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 2)
    labeler.renewed(key)
    labeler.page.keyboard.press("Control+z")
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
