"""Uploads from the browser: many files, lost connections, files that can't be taken."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, drop, eventually, near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def test_many_files_over_a_bad_connection(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    seen: list[str] = []

    def unreliable(route: Route) -> None:
        seen.append(route.request.url)
        if len(seen) % 5 == 1:
            route.abort("connectionreset")
        elif len(seen) % 5 == 3:
            route.fulfill(status=503, json={"error": {"code": "busy", "message": "Not now."}})
        else:
            route.continue_()

    labeler.page.route("**/api/images", unreliable)
    files = pictures.series(40)
    broken = pictures.folder / 'not "a" picture.jpg'
    broken.write_text("only text")
    labeler.upload(*files, broken)
    said = labeler.page.locator(".uploader .said")
    expect(said).to_have_text("40 images added. 1 file was rejected:", timeout=180_000)
    expect(labeler.page.locator(".uploader .failures li")).to_have_text(
        'not "a" picture.jpg is a text file. Supported: JPEG, PNG, WebP, BMP, GIF and TIFF.'
    )
    assert len(seen) > 41
    assert sorted(documents(server.folder)) == [file.name for file in files]
    labeler.at(files[0].name)


def test_a_box_drawn_while_files_arrive(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """The page goes on to what was uploaded only when the box is drawn."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    first, *more = pictures.series(4)
    labeler.upload(first)
    labeler.at(first.name)
    mouse = labeler.page.mouse
    mouse.move(*labeler.place(40, 40))
    mouse.down()
    mouse.move(*labeler.place(90, 90), steps=5)
    labeler.upload(*more)
    eventually(lambda: len(documents(server.folder)) == 4)
    labeler.page.wait_for_timeout(500)  # the page would have gone on by now
    mouse.move(*labeler.place(140, 140), steps=5)
    mouse.up()
    labeler.at(more[0].name)
    labeler.saved()
    [rect] = rects(server.folder, first.name)
    assert near(rect, (40, 40, 100, 100), 1)
    assert not any(rects(server.folder, file.name) for file in more)


def test_files_dropped_anywhere_are_added_and_the_message_can_be_closed(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Beside the uploader, the browser would open the file in place of the page."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    page = labeler.page
    first, second, third = pictures.series(3)
    drop(page, "[data-testid=stMain]", first)
    labeler.at(first.name)
    broken = pictures.folder / "text.jpg"
    broken.write_text("only text")
    drop(page, "[data-testid=surface]", second, third, broken)
    said = page.locator(".uploader .said")
    expect(said).to_have_text("2 images added. 1 file was rejected:")
    labeler.at(second.name)
    page.get_by_role("button", name="Close this message").click()
    expect(said).to_be_empty()
    expect(page.locator(".uploader .failures li")).to_have_count(0)
    assert sorted(documents(server.folder)) == [first.name, second.name, third.name]


COPY_PICTURE = """async () => {
  const canvas = new OffscreenCanvas(60, 40);
  canvas.getContext("2d").fillRect(0, 0, 30, 40);
  const picture = await canvas.convertToBlob({ type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""


def test_of_a_picture_and_boxes_what_was_copied_last_is_pasted(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    [first] = pictures.series(1)
    labeler.upload(first)
    labeler.at(first.name)
    labeler.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    labeler.page.evaluate(COPY_PICTURE)
    labeler.surface.focus()
    labeler.keys("Control+v")
    expect(labeler.page.locator(".uploader .said")).to_have_text("1 image added.")
    [pasted] = set(documents(server.folder)) - {first.name}
    assert re.fullmatch(r"pasted_\d{8}T\d{6}_0\.png", pasted)
    labeler.at(pasted)
    labeler.drag((5, 5), (25, 25))
    labeler.has_boxes(1)
    labeler.click((25, 15))
    labeler.keys("Control+c", "Control+v")
    labeler.has_boxes(2)
    labeler.saved()
    assert len(rects(server.folder, pasted)) == 2
    assert len(documents(server.folder)) == 2
    labeler.page.wait_for_timeout(1000)  # pasted images are named by the second
    labeler.page.evaluate(COPY_PICTURE)
    labeler.keys("Control+v")
    [second] = eventually(lambda: set(documents(server.folder)) - {first.name, pasted})
    labeler.at(second)
    labeler.previous()
    labeler.at(pasted)
    labeler.has_boxes(2)
    labeler.keys("Control+a", "Control+c")
    labeler.next()
    labeler.at(second)
    labeler.has_boxes(0)
    labeler.keys("Control+v")
    labeler.has_boxes(2)
    labeler.page.evaluate("navigator.clipboard.writeText('a text copied later')")
    labeler.keys("Control+v")
    labeler.has_boxes(4)
    labeler.saved()
    assert len(documents(server.folder)) == 3


def test_a_folder_keeps_its_folders_and_its_images_are_told_by_their_bytes(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    folder = pictures.folder / "chosen"
    first, second, third = pictures.series(3)
    for path, place in (
        (first, "cam1/0001.png"),
        (second, "cam2/0001.png"),
        (third, "x.jpg_large"),
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        path.rename(folder / place)
    (folder / "notes.txt").write_text("not an image, and nothing to complain about")
    with labeler.page.expect_file_chooser() as choosing:
        labeler.page.get_by_role("button", name="Folder …").click()
    choosing.value.set_files(folder)
    expect(labeler.page.locator(".uploader .said")).to_have_text("3 images added.")
    assert sorted(documents(server.folder)) == ["cam1/0001.png", "cam2/0001.png", "x.jpg_large"]
    assert (server.folder / "uploads" / "cam2" / "0001.png").is_file()
