"""Which image the page shows, and what it says where it can show none."""

from __future__ import annotations

import re
from typing import Any

import pytest
import streamlit as st

from labeler.errors import Unavailable
from labeler.model import edits
from labeler.model.document import Status
from tests.pictures import png
from tests.projects import BOX, old_document
from tests.ui.visit import NewPlace, box, seen

# --- first visits ---------------------------------------------------------------------------


def test_a_first_visit_without_images(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat,dog")
    visit = place.visit()
    assert "Draw labeled boxes" in visit.app.header[0].value
    assert "0 of 0 finished" in visit.shown()
    assert "No images yet. Upload some above" in visit.shown()
    assert visit.canvas() is None
    assert visit.listed() == []
    assert not place.folder.joinpath("annotations").exists()  # looking writes nothing


def test_an_image_is_shown_before_all_are_listed(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place()
    place.add("a.png", "b.png")
    with monkeypatch.context() as patched:
        patched.setattr(place.project.image_index, "is_listed", lambda wait_s: False)
        visit = place.visit()
        assert "Loading images …" in visit.shown()
        assert "a.png" in visit.heading()
        assert visit.listed() == []

        def fail(wait_s: float) -> bool:
            raise Unavailable("The store is away.")

        patched.setattr(place.project.image_index, "is_listed", fail)
        visit.run()
        assert set(visit.errors()) == {"The store is away."}
    visit.run()
    assert "0 of 2 finished" in visit.shown()
    assert "a.png" in visit.heading()


def test_files_that_are_not_kept_are_taken_in_by_the_session(new_place: NewPlace) -> None:
    place = new_place(UPLOADS="off")
    visit = place.visit()
    files = [("b.png", png(), "image/png"), ("a.png", b"", "image/png"),
             ("c.jpg", b"just text", "image/jpeg")]  # fmt: skip
    visit.app.file_uploader[0].set_value(files).run()
    visit.check()
    assert [seen(e.value) for e in visit.app.success] == ["1 image added."]
    first, second = visit.errors()
    assert first.startswith("a.png is empty.")
    assert second.startswith("c.jpg is a text file.")
    assert "b.png" in visit.heading()
    [entry] = place.project.list_images()
    assert entry.image_path == "b.png"
    visit.app.file_uploader[0].set_value([files[0]]).run()
    assert "1 image is already in the project" in visit.shown()
    assert visit.errors() == []


def test_a_run_that_is_cut_short_loses_no_file(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(UPLOADS="off")
    visit = place.visit()
    spinner = st.spinner

    def cut_short(text: str) -> Any:
        monkeypatch.setattr(st, "spinner", spinner)
        st.rerun()

    monkeypatch.setattr(st, "spinner", cut_short)
    visit.app.file_uploader[0].set_value([("b.png", png(), "image/png")]).run()
    visit.check()
    assert "b.png" in visit.heading()
    assert len(place.project.list_images()) == 1


def test_the_page_goes_on_to_the_first_image_of_an_upload(new_place: NewPlace) -> None:
    place = new_place()
    place.add("a.png")
    visit = place.visit()
    assert "a.png" in visit.heading()
    new, _ = place.workspace.open(), place.project.list_images()  # another instance took them
    ids = [new.add_image(name, png()).image_id for name in ("b.png", "c.png")]
    visit.uploaded(ids[0])
    assert "b.png" in visit.heading()
    assert len(visit.listed()) == 3
    visit.press("next")
    visit.run()
    assert "c.png" in visit.heading()  # the upload is over: it leads back no more


def test_a_first_visit_with_images_opens_the_first_with_work_left(new_place: NewPlace) -> None:
    place = new_place()
    done, skipped, open_, other = place.add("a.png", "b.png", "c.png", "d.png")
    place.edit(done, lambda document: edits.with_status(document, Status.DONE))
    place.edit(skipped, lambda document: edits.with_status(document, Status.SKIPPED))
    visit = place.visit()
    assert "c.png" in visit.heading()
    assert "3 of 4 · not started · 0 boxes · 64 x 48" in visit.heading()
    assert "2 of 4 finished" in visit.shown()
    assert visit.canvas() is not None
    assert visit.app.query_params["image"] == open_  # for a reload, and for another instance
    # Somebody else finishes it: the person stays with what they were looking at.
    place.edit(open_, lambda document: edits.with_status(document, Status.DONE))
    key = visit.canvas()
    visit.run()
    assert "c.png" in visit.heading()
    assert visit.canvas() == key
    visit.press("next")
    assert visit.app.query_params["image"] == other
    assert "d.png" in visit.heading()
    assert visit.app.button(key="next").disabled
    visit.press(f"open_{done}")
    assert "a.png" in visit.heading()
    assert visit.app.button(key="previous").disabled


@pytest.mark.parametrize("named", ["0" * 32, "../../etc/passwd", "x" * 300, "<b>x</b>", "a b"])
def test_an_address_that_names_nothing(new_place: NewPlace, named: str) -> None:
    place = new_place()
    [known] = place.add("a.png")
    visit = place.visit(named)
    [error] = visit.errors()
    assert error.startswith("There is no image")
    assert "Choose one from the list" in error
    assert visit.canvas() is None
    assert visit.app.button(key="previous").disabled
    visit.press("next" if len(named) == 32 else f"open_{known}")
    assert visit.errors() == []
    assert "a.png" in visit.heading()


# --- the image ----------------------------------------------------------------------------


def test_an_image_whose_original_is_missing(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    place.workspace.remove("uploads/a.png")
    visit = place.visit(image_id)
    [warning] = visit.warnings()
    assert "The original a.png is not in the store" in warning
    assert "Upload the file again" in warning
    assert visit.canvas() is None
    assert "1 box" in visit.heading()
    assert not place.project.add_image("a.png", png()).created
    visit.uploaded(image_id)
    visit.run()  # now that there is a canvas, its guard answers
    assert visit.app.warning == []
    assert visit.canvas() is not None
    assert len(visit.rects(image_id)) == 1


def test_another_image_in_the_place_of_the_original(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    place.workspace.put("uploads/a.png", png(32, 32))
    visit = place.visit(image_id)
    [warning] = visit.warnings()
    assert "is not the one that the boxes were drawn on" in warning
    assert visit.canvas() is None


def test_boxes_of_another_size_of_image_are_left_alone(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    document = old_document("a.png", image_width=640, image_height=480)
    place.workspace.put(f"annotations/{image_id}.json", document)
    visit = place.visit(image_id)
    [warning] = visit.warnings()
    assert "an image of 640 x 480 pixels" in warning
    assert visit.canvas() is None
    assert place.workspace.objects()[f"annotations/{image_id}.json"][0] == document


# --- a store that fails ---------------------------------------------------------------------


def test_the_page_goes_on_with_what_it_had(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat,dog")
    [image_id] = place.add("a.png")
    place.project.labels.add(["bird"])
    visit = place.visit()
    key = visit.canvas()
    good = (place.folder / "labels.json").read_bytes()
    place.workspace.put("labels.json", b"{")
    visit.run()
    [error] = visit.errors()
    assert "labels.json is damaged" in error
    assert visit.canvas() == key
    assert len(visit.app.radio(key="label").options) == 3
    visit.draw(box(4, 5, 20, 10, "cat"))
    assert visit.rects(image_id) == [("cat", 4, 5, 20, 10)]
    assert (place.folder / "labels.json").read_bytes() == b"{"
    newcomer = place.visit()
    assert [error] * 2 == newcomer.errors()  # in the sidebar, and where that is closed
    assert newcomer.canvas() is None
    assert len(newcomer.listed()) == 1
    place.workspace.put("labels.json", good)
    visit.run()
    assert visit.errors() == []


@pytest.mark.parametrize(("name", "status"), [("skip", Status.SKIPPED), ("done", Status.DONE)])
def test_a_click_that_arrives_together_with_the_box_before_it_comes_after_it(
    new_place: NewPlace, name: str, status: Status
) -> None:
    place = new_place(LABELS="car,dog")
    first, second = place.add("a.png", "b.png")
    visit = place.visit(first)
    canvas = visit.canvas()
    assert canvas
    raw = {"version": "7.4.0", "objects": [box(4, 5, 20, 10, "car")]}
    visit.app.session_state[canvas] = {"drawing": {"raw": raw}}
    visit.mark(name)
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]
    assert place.project.stored_document(first).document.status is status
    assert visit.app.query_params["image"] == second


@pytest.mark.parametrize("name", ["skip", "done"])
def test_a_second_click_that_arrives_late_marks_no_other_image(
    new_place: NewPlace, name: str
) -> None:
    place = new_place()
    first, second, third = place.add("a.png", "b.png", "c.png")
    visit = place.visit(first)
    again = visit.app.button(key=f"{name}_{first}")
    again.click().run()
    visit.settle()
    assert visit.app.query_params["image"] == second
    again.click().run()
    visit.settle()
    assert visit.app.query_params["image"] == second
    for image_id in (second, third):
        assert place.project.stored_document(image_id).document.status is Status.UNLABELED


def test_what_comes_and_goes_moves_no_other_button(new_place: NewPlace) -> None:
    """Who clicks on one spot again and again must not open a finished image again by it."""
    place = new_place()
    first, second = place.add("a.png", "b.png")
    place.edit(second, lambda document: edits.with_status(document, Status.DONE))

    def row(image_id: str) -> list[str]:
        keys = [button.key or "" for button in place.visit(image_id).app.main.button]
        return [key.removesuffix(f"_{image_id}") for key in keys]

    assert row(first) == ["previous", "next", "done", "skip"]
    assert row(second) == [*row(first), "reopen"]


def test_the_label_of_the_next_box_stands_by_the_image(new_place: NewPlace) -> None:
    """On a phone the label picker is out of sight."""
    place = new_place(LABELS="car,dog")
    place.add("a.png")
    visit = place.visit()
    assert any(
        "Drawing:" in caption.value and "car" in caption.value for caption in visit.app.main.caption
    )


def test_addresses_are_no_links(new_place: NewPlace) -> None:
    place = new_place()
    [image_id] = place.add("www.car@2x.com.jpg")
    visit = place.visit(image_id)
    assert "www.car@2x.com.jpg" in visit.heading()
    markdown = visit.app.main.markdown[0].value
    assert not re.search(r"www\\?\.|@\w", markdown)
