"""Leaving the drawable canvas in two phases: what it sends after the click is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labeler.model.document import Status
from labeler.model.reviews import Verdict, reviewed
from tests.projects import BOX
from tests.ui.visit import NewPlace, Place, Visit, box

MOUNTED_ANEW: dict[str, object] = {"drawing": {"raw": {"objects": [], "background": ""}}}
"""What Streamlit says of a canvas that the browser took away and mounted a second time."""


def click(visit: Visit, key: str) -> None:
    """Press the button, before the browser's clock has rung."""
    visit.app.button(key=key).click().run()
    visit.check()


def back(visit: Visit, image_id: str) -> None:
    """The browser's Back, to that image."""
    visit.app.query_params["image"] = image_id
    visit.run()


def place_of(new_place: NewPlace) -> tuple[Place, str, str]:
    place = new_place(LABELS="car,dog")
    first, second = place.add("a.png", "b.png")
    return place, first, second


def approve(place: Place, image_id: str) -> None:
    opened = place.project.stored_document(image_id)
    now = place.project.clock()
    approved = reviewed(opened.document, Verdict.APPROVE, "rob@example.com", now)
    place.project.put_document(image_id, approved, opened.version)


def status(place: Place, image_id: str) -> Status:
    return place.project.stored_document(image_id).document.status


@pytest.mark.parametrize(
    "leave",
    [
        lambda visit, _: click(visit, "next"),
        lambda visit, second: click(visit, f"open_{second}"),
        lambda visit, second: visit.uploaded(second, rings=False),
        back,
    ],
    ids=["next", "list", "upload", "back"],
)
def test_a_box_that_comes_after_the_click_is_kept_on_its_image(
    new_place: NewPlace, leave: Callable[[Visit, str], None]
) -> None:
    place, first, second = place_of(new_place)
    visit = place.visit(first)
    key = visit.canvas()
    leave(visit, second)
    assert visit.canvas() == key
    assert "a.png" in visit.heading()
    visit.draw(box(4, 5, 20, 10, "car"))
    assert visit.canvas() == key
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]
    visit.settle()
    assert "b.png" in visit.heading()
    assert visit.app.query_params["image"] == second
    assert visit.rects(second) == []
    visit.draw(box(1, 1, 9, 9, "dog"))
    assert visit.rects(second) == [("dog", 1, 1, 9, 9)]
    assert len(visit.rects(first)) == 1


def test_a_view_waits_for_the_last_box_too(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)
    visit.follow("labels", rings=False)
    assert "a.png" in visit.heading()
    visit.draw(box(4, 5, 20, 10, "car"))
    visit.settle()
    assert "### Labels" in visit.shown()
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]


def test_who_goes_back_before_the_clock_has_rung_stays(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)
    key = visit.canvas()
    click(visit, "next")
    click(visit, f"open_{first}")
    visit.settle()
    assert visit.canvas() == key
    assert "a.png" in visit.heading()


@pytest.mark.parametrize(("name", "given"), [("skip", "skipped"), ("done", "done")])
def test_a_status_counts_as_given_after_the_box(new_place: NewPlace, name: str, given: str) -> None:
    place, first, second = place_of(new_place)
    visit = place.visit(first)
    click(visit, f"{name}_{first}")
    visit.draw(box(4, 5, 20, 10, "car"))
    assert status(place, first) is Status.IN_PROGRESS
    visit.settle()
    assert status(place, first) == given
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]
    assert status(place, second) is Status.UNLABELED
    assert "b.png" in visit.heading()


def test_a_canvas_that_the_browser_has_mounted_anew_deletes_nothing(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)
    visit.draw(box(4, 5, 20, 10, "car"))
    key = visit.canvas()
    assert key
    visit.app.session_state[key] = MOUNTED_ANEW
    visit.run()
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]
    visit.settle()
    assert visit.canvas() not in (key, None)
    assert visit.rects(first) == [("car", 4, 5, 20, 10)]


def test_the_page_stays_until_everything_is_saved(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)
    folder, aside = place.folder / "annotations", place.folder / "aside"
    folder.rename(aside)
    folder.write_text("in the way")
    visit.draw(box(4, 5, 20, 10, "car"))
    assert any("Not saved" in error for error in visit.errors())
    visit.press("next")
    assert "a.png" in visit.heading()
    visit.draw(box(4, 5, 20, 10, "car"), box(30, 5, 9, 9, "dog"))
    folder.unlink()
    aside.rename(folder)
    visit.app.button(key="save_again").click().run()
    assert [rect[0] for rect in visit.rects(first)] == ["car", "dog"]
    assert visit.errors() == []
    visit.settle()
    assert "b.png" in visit.heading()


def test_an_approved_image_is_shown_and_left_as_it_is(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    place.with_boxes(first, BOX)
    visit = place.visit(first)
    approve(place, first)
    visit.draw()  # before the page has heard of it
    assert any("is approved and can't be changed" in error for error in visit.errors())
    [discard] = [button for button in visit.app.button if button.label == "Discard my changes"]
    discard.click().run()
    assert visit.errors() == []
    assert "until a reviewer reopens it" in visit.shown()
    assert len(visit.app.toggle) == 0  # no list to edit
    keys = {button.key: button.disabled for button in visit.app.main.button}
    assert keys[f"done_{first}"]
    assert keys[f"skip_{first}"]
    assert f"reopen_{first}" not in keys
    visit.press("next")
    assert "b.png" in visit.heading()
    assert len(visit.rects(first)) == 1


def test_another_size_is_another_canvas_with_the_same_boxes(new_place: NewPlace) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)
    visit.draw(box(4, 5, 20, 10, "car"))
    key = visit.canvas()
    before = place.workspace.objects()
    visit.app.selectbox(key="image_size").set_value("large").run()
    assert visit.canvas() == key
    visit.settle()
    canvas = visit.app.session_state["drawable"].open.canvas
    assert canvas.key != key
    assert (canvas.fit.canvas_width, len(canvas.given)) == (1024, 1)
    assert place.workspace.objects() == before


def test_a_canvas_is_held_until_its_image_is_painted_and_while_it_is_left(
    new_place: NewPlace,
) -> None:
    place, first, _ = place_of(new_place)
    visit = place.visit(first)

    def is_held() -> bool:
        styles = [
            one.proto.body for one in visit.app.get("html") if "--canvas: ready" in one.proto.body
        ]
        assert len(styles) == 1
        return f"st-key-{visit.canvas()} {{ --canvas: ready; pointer-events: auto" not in styles[0]

    assert is_held()
    visit.paint()
    assert not is_held()
    click(visit, "next")
    assert is_held()
