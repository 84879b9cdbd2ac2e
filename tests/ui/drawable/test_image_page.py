"""Boxes on the canvas and in the list, and two people at one of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labeler.model import edits
from labeler.model.document import AnnotationDocument
from tests.projects import BOX, OTHER, old_document
from tests.ui.visit import NewPlace, box

# --- boxes ----------------------------------------------------------------------------------


def test_what_the_canvas_sends_is_stored(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    visit = place.visit()
    assert "No boxes yet" in visit.shown()
    visit.draw(box(4, 5, 20, 10, "car"))
    assert visit.rects(image_id) == [("car", 4, 5, 20, 10)]
    assert "saved " in visit.shown()
    assert "in progress · 1 box" in visit.heading()
    key = visit.canvas()
    visit.draw(box(4, 5, 20, 10, "car"), box(30, 30, 5, 6, "dog"))
    assert visit.rects(image_id) == [("car", 4, 5, 20, 10), ("dog", 30, 30, 5, 6)]
    assert visit.canvas() == key
    visit.draw()
    assert visit.rects(image_id) == []
    assert "not started · 0 boxes" in visit.heading()


def test_what_can_not_be_taken_over_is_reported(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    visit = place.visit()
    visit.draw(box(4, 5, 0.2, 0.2, "car"))
    assert "That box is too small" in visit.shown()
    visit.draw(box(4, 5, 20, 10, "car") | {"angle": 30})
    assert "Boxes can't be rotated" in visit.shown()
    visit.draw(box(4, 5, 20, 10, "  "))
    assert "A label can't be empty" in visit.shown()
    assert visit.rects(image_id) == []


def test_a_label_typed_on_the_canvas_can_be_added(new_place: NewPlace) -> None:
    place = new_place(LABELS="car")
    [image_id] = place.add("a.png")
    visit = place.visit()
    visit.draw(box(4, 5, 20, 10, "**bird**"))
    assert visit.rects(image_id) == [("**bird**", 4, 5, 20, 10)]
    [warning] = visit.app.warning
    assert warning.value == "The label “\\*\\*bird\\*\\*” is not one of the project's labels."
    visit.press("add_label_**bird**")
    assert visit.app.warning == []
    assert [label.name for label in place.project.labels.read().labels] == ["car", "**bird**"]


def test_relabel_and_delete_in_the_list_of_boxes(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX, OTHER.model_copy(update={"label": "old one"}))
    visit = place.visit()
    key = visit.canvas()
    visit.app.toggle(key="list_boxes").set_value(True).run()
    first, second = (s for s in visit.app.selectbox if (s.key or "").startswith("relabel_"))
    assert first.options == ["car", "dog"]
    assert (second.options, second.value) == (["old one", "car", "dog"], "old one")
    first.set_value("dog").run()
    visit.check()
    assert [rect[0] for rect in visit.rects(image_id)] == ["dog", "old one"]
    assert visit.canvas() == key  # until it has sent everything
    visit.settle()
    assert visit.canvas() != key  # the canvas shows it anew
    visit.press(f"delete_{image_id}_b")
    [rect] = place.project.stored_document(image_id).document.rects
    assert rect == BOX.model_copy(update={"label": "dog"})
    visit.press(f"delete_{image_id}_a")
    assert visit.rects(image_id) == []
    assert len(visit.app.toggle) == 0


def test_an_old_document_is_shown_and_left_as_it_is(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    old = old_document("a.png")
    place.workspace.put(f"annotations/{image_id}.json", old)
    visit = place.visit(image_id)
    assert "in progress · 2 boxes · 64 x 48" in visit.heading()
    assert "saved 2023-12-01 14:30:22" in visit.shown()
    visit.app.toggle(key="list_boxes").set_value(True).run()
    visit.run()
    assert place.workspace.objects()[f"annotations/{image_id}.json"][0] == old


# --- two people -----------------------------------------------------------------------------


def relabeled(label: str) -> Callable[[AnnotationDocument], AnnotationDocument]:
    def edit(document: AnnotationDocument) -> AnnotationDocument:
        rects = [
            r.model_copy(update={"label": label}) if r.id == "a" else r for r in document.rects
        ]
        return edits.with_rects(document, rects)

    return edit


@pytest.mark.parametrize(
    ("choice", "labels"),
    [("ours", ["dog"]), ("theirs", ["bird"]), ("both", ["bird", "dog"])],
)
def test_a_conflict_and_its_choices(new_place: NewPlace, choice: str, labels: list[str]) -> None:
    place = new_place(LABELS="car,dog,bird")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    visit = place.visit()
    place.edit(image_id, relabeled("bird"))
    visit.draw(box(1.5, 2.25, 10, 8, "dog", "a"))
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird", "dog"]  # both, until then
    [text] = visit.warnings()
    assert "Yours: “dog” at 1.5, 2.25, 10 x 8. Theirs: “bird” at 1.5, 2.25, 10 x 8." in text
    visit.press(f"resolve_{choice}_0_a")
    assert [rect[0] for rect in visit.rects(image_id)] == labels
    assert visit.app.warning == []
    assert place.project.stored_document(image_id).document.rects[0].id == "a"


@pytest.mark.parametrize(("choice", "count"), [("ours", 0), ("theirs", 1), ("both", 1)])
def test_a_box_that_one_deleted_and_another_changed(
    new_place: NewPlace, choice: str, count: int
) -> None:
    place = new_place(LABELS="car,dog,bird")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    visit = place.visit()
    place.edit(image_id, relabeled("bird"))
    visit.draw()
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird"]
    [warning] = visit.warnings()
    assert "Yours: deleted" in warning
    visit.press(f"resolve_{choice}_0_a")
    assert len(visit.rects(image_id)) == count
    assert visit.app.warning == []


def test_conflicts_on_one_box_time_and_again(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog,bird,fish,cow")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    visit = place.visit()
    place.edit(image_id, relabeled("bird"))
    visit.draw(box(1.5, 2.25, 10, 8, "dog", "a"))
    assert len(visit.app.warning) == 1
    visit.app.toggle(key="list_boxes").set_value(True).run()
    place.edit(image_id, relabeled("cow"))
    visit.app.selectbox(key=f"relabel_{image_id}_a_bird").set_value("fish").run()
    visit.check()
    assert len(visit.app.warning) == 2
    assert sorted(rect[0] for rect in visit.rects(image_id)) == ["cow", "dog", "fish"]
