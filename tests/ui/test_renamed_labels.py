"""Renamed, merged and retired labels on the page: boxes look as today, and are stored as before."""

from __future__ import annotations

from functools import partial

from labeler.model.label_edits import merged, offered_again, recolored, renamed, retired
from labeler.ui.text import why_there
from tests.projects import BOX, OTHER
from tests.ui.visit import NewPlace, Place, Visit, box


def place_of(new_place: NewPlace) -> tuple[Place, str]:
    """An image with a car and a dog."""
    place = new_place(LABELS="car,dog,bird")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX, OTHER)
    return place, image_id


def given(visit: Visit) -> list[tuple[str, str]]:
    """Name and color of the boxes that the canvas was given."""
    canvas = visit.app.session_state["drawable"].open.canvas
    return [tuple(canvas.looks[rect.label]) for rect in canvas.given]


def test_a_box_shows_the_name_of_today_and_nothing_is_written(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    place.project.labels.edit(partial(renamed, number=1, name="vehicle"))
    place.project.labels.edit(partial(recolored, number=1, color="#123456"))
    place.project.labels.edit(partial(merged, number=2, into=3))
    bird = place.project.labels.read().color("bird")
    before = place.workspace.objects()
    visit = place.visit(image_id)
    assert given(visit) == [("vehicle", "#123456"), ("bird", bird)]
    visit.app.toggle(key="list_boxes").set_value(True).run()
    lists = [s for s in visit.app.selectbox if (s.key or "").startswith("relabel_")]
    assert [(s.value, s.options) for s in lists] == [
        ("vehicle", ["vehicle", "bird"]),
        ("bird", ["vehicle", "bird"]),
    ]
    visit.draw(box(1.5, 2.25, 10, 8, "vehicle", "a"), box(20, 12, 30, 20, "bird", "b"))
    assert visit.warnings() == []
    assert place.workspace.objects() == before
    visit.draw(box(3.5, 2.25, 10, 8, "vehicle", "a"), box(20, 12, 30, 20, "bird", "b"))
    assert visit.rects(image_id) == [("car", 3.5, 2.25, 10, 8), ("dog", 20, 12, 30, 20)]
    visit.draw(box(3.5, 2.25, 10, 8, "bird", "a"), box(20, 12, 30, 20, "bird", "b"))
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird", "dog"]
    visit.app.selectbox(key=f"relabel_{image_id}_b_bird").set_value("vehicle").run()
    visit.check()
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird", "vehicle"]


def test_a_rename_by_somebody_else_asks_for_another_canvas(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    visit = place.visit(image_id)
    visit.draw(
        box(1.5, 2.25, 10, 8, "car", "a"), box(20, 12, 30, 20, "dog", "b"), box(0, 0, 9, 9, "bird")
    )
    key = visit.canvas()
    visit.settle()
    assert visit.canvas() == key
    for number, name in ((1, "vehicle"), (3, "fowl")):
        place.project.labels.edit(partial(renamed, number=number, name=name))
        visit.run()
        assert visit.canvas() == key  # until nothing is pending in it
        visit.settle()
        assert visit.canvas() != key
        key = visit.canvas()
    assert [name for name, _ in given(visit)] == ["vehicle", "dog", "fowl"]
    assert [rect[0] for rect in visit.rects(image_id)] == ["car", "dog", "bird"]


def test_the_label_of_the_next_box_stays_what_it_was(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    visit = place.visit(image_id)
    visit.app.radio(key="label").set_value("dog").run()
    place.project.labels.edit(partial(recolored, number=2, color="#123456"))
    visit.run()
    assert visit.app.radio(key="label").value == "dog"
    place.project.labels.edit(partial(renamed, number=2, name="hound"))
    visit.run()
    assert visit.app.radio(key="label").value == "hound"
    place.project.labels.edit(partial(merged, number=2, into=3))
    visit.run()
    assert visit.app.radio(key="label").value == "bird"
    assert len(visit.app.toast) == 0
    place.project.labels.edit(partial(retired, number=3))
    visit.run()
    assert visit.app.radio(key="label").value == "car"
    assert "“bird” is no longer available; new boxes get “car”" in visit.shown()
    place.project.labels.edit(partial(retired, number=1))
    visit.run()
    assert "All labels are archived" in visit.shown()
    place.project.labels.edit(partial(offered_again, number=3))
    visit.run()
    assert visit.app.radio(key="label").value == "bird"


def test_a_label_that_is_there_under_another_name_is_not_added(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    place.project.labels.edit(partial(renamed, number=1, name="vehicle"))
    place.project.labels.edit(partial(merged, number=2, into=1))
    place.project.labels.edit(partial(retired, number=3))
    before = place.workspace.objects()
    visit = place.visit(image_id)
    for name, why in (
        ("Car", "“Car” is a former name of the label “vehicle”."),
        ("dog", "This label already exists, merged into “vehicle”."),
        ("bird", "This label already exists but is archived. Unarchive it instead."),
        ("VEHICLE", "This label already exists."),
    ):
        visit.add_label(name)
        assert why in visit.shown()
    assert place.workspace.objects() == before
    labels = place.project.labels.read()
    assert why_there(labels, labels.labels[0], " car ") == (
        "“car” is a former name of the label “vehicle”."
    )


def test_an_address_with_a_former_name_finds_the_same_images(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    place.add("b.png")
    place.project.labels.edit(partial(renamed, number=1, name="vehicle"))
    visit = Visit(place.project, image_id, runs=False)
    visit.app.query_params["label"] = "Car"
    visit.run()
    assert visit.app.selectbox(key="label_filter").value == "vehicle"
    assert [name.rpartition(" ")[2] for name in visit.listed()] == ["2"]
    assert "**a.png**" in visit.listed()[0]
