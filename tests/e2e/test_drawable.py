"""The simple canvas: what it keeps. README.md says what it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve, Server
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import documents, eventually, near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(LABELER_LABELS="cat,dog", LABELER_CANVAS="drawable")


def drawn(tab: Drawable, *places: tuple[float, float]) -> None:
    """Boxes of 80 x 60 canvas pixels at those places, one after the other."""
    for x, y in places:
        tab.drag((x, y), (x + 80, y + 60))


def test_what_is_dragged_is_stored_and_shown_again(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    tab = new_drawable(server)
    photo = pictures.photo("cat.jpg")
    tab.upload(photo)
    tab.at("cat.jpg")
    tab.saved_nothing()
    scale = tab.canvas()["width"] / 640
    tab.drag((240, 150), (40, 50))  # up and to the left
    eventually(lambda: rects(server.folder, "cat.jpg"))
    tab.saved()
    [rect] = rects(server.folder, "cat.jpg")
    assert near(rect, [40 / scale, 50 / scale, 200 / scale, 100 / scale], 1 / scale)
    assert rect["label"] == "cat"
    document = documents(server.folder)["cat.jpg"]
    image_id = hashlib.md5(f"cat.jpg_{photo.stat().st_size}".encode()).hexdigest()
    assert document["metadata"]["image_id"] == image_id
    assert document["metadata"]["content_md5"] == hashlib.md5(photo.read_bytes()).hexdigest()
    assert document["metadata"]["status"] == "in_progress"
    tab.page.reload()
    tab.at("cat.jpg")
    other = new_drawable(server, f"/?image={image_id}")
    other.at("cat.jpg")
    for page in (tab.page, other.page):
        expect(page.get_by_text("1 box").first).to_be_visible()
    assert documents(server.folder)["cat.jpg"] == document  # looking writes nothing


def test_boxes_are_edited_on_the_image_and_in_the_list(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    tab = new_drawable(server, size=(1280, 1200))
    tab.upload(pictures.photo("cat.jpg"))
    tab.at("cat.jpg")
    page, scale = tab.page, tab.canvas()["width"] / 640

    def stored() -> list[dict[str, object]]:
        return rects(server.folder, "cat.jpg")

    drawn(tab, (100, 100), (300, 100))
    eventually(lambda: len(stored()) == 2)
    first, second = stored()
    tab.tool("Edit")
    tab.drag((140, 130), (180, 160))
    eventually(lambda: near(stored()[0], [140 / scale, 130 / scale, 80 / scale, 60 / scale], 1))
    assert [rect["id"] for rect in stored()] == [first["id"], second["id"]]
    assert stored()[1] == second
    tab.tool("Undo")
    eventually(lambda: stored()[0]["left"] == first["left"])
    assert stored()[0]["id"] == first["id"]
    key = tab.canvas_key()
    page.get_by_text("Boxes (2)").click()
    page.locator("[class*=st-key-relabel_] input").first.fill("dog")
    page.get_by_role("option", name="dog", exact=True).click()
    eventually(lambda: [rect["label"] for rect in stored()] == ["dog", "cat"])
    tab.renewed(key)
    key = tab.canvas_key()
    page.get_by_role("button", name="Delete", exact=True).first.click()
    eventually(lambda: [rect["id"] for rect in stored()] == [second["id"]])
    tab.renewed(key)
    drawn(tab, (100, 300))
    eventually(lambda: len(stored()) == 2)


@pytest.mark.parametrize("delay_ms", [0, 100, 200])
def test_a_box_drawn_right_before_the_next_image_is_kept_on_its_own(
    server: Server, new_drawable: NewDrawable, pictures: Pictures, delay_ms: int
) -> None:
    """The canvas sends 200 ms after the last change, and forgets it when it is taken away."""
    tab = new_drawable(server)
    files = pictures.series(5)
    tab.upload(*files)
    tab.at(files[0].name)
    ways: tuple[Callable[[], object], ...] = (
        lambda: tab.press("Next"),
        lambda: tab.press("Done"),
        lambda: tab.open_from_list(files[3].name),
        lambda: tab.page.evaluate("history.back()"),
    )
    for number, go in enumerate(ways):
        drawn(tab, (100 + 20 * number, 100))
        tab.page.wait_for_timeout(delay_ms)
        go()
        tab.at(files[min(number + 1, 3) if number < 3 else 2].name)
    found = documents(server.folder)
    lefts = {name: [rect["left"] for rect in one["rects"]] for name, one in found.items()}
    scale = tab.canvas()["width"] / 320
    for number in range(4):
        [left] = lefts[files[number].name]
        assert abs(left - (100 + 20 * number) / scale) <= 1
    assert lefts[files[4].name] == []
    assert found[files[1].name]["metadata"]["status"] == "done"


def test_done_and_skip_count_as_clicked_after_the_box(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    tab = new_drawable(server)
    files = pictures.series(3)
    tab.upload(*files)
    tab.at(files[0].name)
    tab.press("Done – no objects")
    tab.at(files[1].name)
    drawn(tab, (100, 100))
    tab.press("Skip")
    tab.at(files[2].name)
    tab.press("Previous")
    tab.at(files[1].name)
    expect(tab.page.get_by_text("1 box").first).to_be_visible()
    found = documents(server.folder)
    statuses = [found[file.name]["metadata"]["status"] for file in files]
    assert statuses == ["done", "skipped", "unlabeled"]
    tab.press("Reopen")
    eventually(
        lambda: documents(server.folder)[files[1].name]["metadata"]["status"] == "in_progress"
    )


def test_clicks_and_two_small_drags_draw_nothing(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    tab = new_drawable(server)
    tab.upload(pictures.photo("cat.jpg"))
    tab.at("cat.jpg")
    key = tab.canvas_key()
    tab.click((320, 120))
    expect(tab.page.get_by_text("That box is too small").first).to_be_visible()
    tab.renewed(key)
    drawn(tab, (100, 100))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
    tab.saved()


def test_two_people_on_one_image(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    ana = new_drawable(server)
    ana.upload(pictures.photo("cat.jpg"))
    ana.at("cat.jpg")
    ben = new_drawable(server)
    ben.at("cat.jpg")
    for count, (person, place) in enumerate(
        ((ana, (40, 40)), (ben, (200, 200)), (ana, (350, 40)), (ben, (40, 300))), 1
    ):
        person.ready()
        key = person.canvas_key()
        drawn(person, place)
        eventually(lambda count=count: len(rects(server.folder, "cat.jpg")) == count)
        if count > 1:  # what the other one drew comes with the save, onto another canvas
            person.renewed(key)
            expect(person.page.get_by_text(f"{count} boxes").first).to_be_visible()
    assert len({rect["id"] for rect in rects(server.folder, "cat.jpg")}) == 4


def test_a_store_that_fails_is_reported_and_takes_no_box(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    tab = new_drawable(server)
    files = pictures.series(2)
    tab.upload(*files)
    tab.at(files[0].name)
    tab.saved_nothing()
    folder, aside = server.folder / "annotations", server.folder / "aside"
    folder.rename(aside)
    folder.write_text("in the way")
    drawn(tab, (100, 100))
    expect(tab.page.get_by_text("Not saved").first).to_be_visible()
    drawn(tab, (300, 100))
    expect(tab.page.get_by_text("2 boxes").first).to_be_visible()
    tab.press("Next")  # waits until everything is saved
    tab.page.wait_for_timeout(1000)
    assert tab.heading() == files[0].name
    folder.unlink()
    aside.rename(folder)
    tab.at(files[1].name)
    assert len(rects(server.folder, files[0].name)) == 2
    assert rects(server.folder, files[1].name) == []


def test_a_phone_sized_window(
    server: Server, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    new_drawable(server).upload(pictures.photo("cat.jpg"))
    eventually(lambda: documents(server.folder))
    phone = new_drawable(server, size=(390, 780))
    phone.at("cat.jpg")
    key = phone.canvas_key()
    phone.page.locator(".st-key-image_size input").click()
    phone.page.get_by_role("option", name="small image").click()
    phone.renewed(key)
    box = phone.canvas()
    assert 300 < box["width"] <= 390
    assert box["x"] >= 0
    phone.drag((30, 30), (130, 110))
    eventually(lambda: rects(server.folder, "cat.jpg"))
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
