"""The view of all labels: what an admin reads and does there."""

from __future__ import annotations

from functools import partial

import pytest
from streamlit.testing.v1.element_tree import Button

from labeler.datasets.exports.exporter import open_exporter
from labeler.errors import Unavailable
from labeler.model.label_edits import merged, renamed, retired
from labeler.runtime.jobs import Progress
from labeler.ui import label_counts_panel, labels_page
from labeler.ui.label_counts_panel import KIND
from tests.projects import BOX, OTHER
from tests.ui.visit import NewPlace, Place, Visit, box


def view(place: Place, image_id: str = "") -> Visit:
    """An admin in the view, with everything counted."""
    visit = place.visit(image_id)
    visit.follow("labels")
    for job in place.jobs.of(KIND):
        job.future.result(60)
    visit.run()
    return visit


def place_of(new_place: NewPlace) -> tuple[Place, str]:
    """Two images with cars, one with a dog."""
    place = new_place(LABELS="car,dog,bird")
    ids = place.add("a.png", "b.png", "c.png")
    place.with_boxes(ids[0], BOX, OTHER)
    place.with_boxes(ids[1], BOX, BOX.model_copy(update={"id": "c", "left": 20.0}))
    return place, ids[0]


def address(visit: Visit) -> dict[str, str]:
    given = visit.app.query_params.items()
    return {key: value if isinstance(value, str) else value[0] for key, value in given}


def rows(visit: Visit) -> list[str]:
    """The labels as they stand there, without the color."""
    shown = (visit_text for visit_text in visit.shown().splitlines() if visit_text.startswith(":c"))
    return [line.partition("} ")[2].replace(" &nbsp; ", " ") for line in shown]


def names(place: Place) -> list[str]:
    return [label.name for label in place.project.labels.read().labels]


def button(visit: Visit, label: str) -> Button:
    [found] = [one for one in visit.app.main.button if one.label == label]
    return found


def press(visit: Visit, label: str) -> None:
    button(visit, label).click().run()
    visit.check()


def field(visit: Visit, label: str, text: str) -> None:
    [found] = [one for one in visit.app.text_input if one.label == label]
    found.set_value(text)


# --- there and back ---------------------------------------------------------------------------


def test_the_view_and_the_way_back(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    visit = place.visit(image_id)
    visit.draw(box(1.5, 2.25, 10, 8, "car", "a"))
    visit.follow("labels")
    assert address(visit) == {"image": image_id, "view": "labels"}
    assert visit.canvas() is None
    assert "### Labels" in visit.shown()
    assert visit.rects(image_id) == [("car", 1.5, 2.25, 10, 8)]
    visit.follow(None)
    assert address(visit) == {"image": image_id}
    assert "a.png" in visit.heading()
    assert visit.canvas() is not None


def test_an_image_of_the_list_leads_out_of_the_view(new_place: NewPlace) -> None:
    place, _ = place_of(new_place)
    visit = view(place)
    other = place.project.list_images()[1].image_id
    visit.press(f"open_{other}")
    assert address(visit) == {"image": other}
    assert "b.png" in visit.heading()


def test_a_view_that_there_is_not(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    visit = Visit(place.project, image_id)
    visit.app.query_params["view"] = "**nothing**"
    visit.run()
    assert "Page not found. Showing the images." in visit.shown()
    assert visit.canvas() is not None


# --- what it tells ------------------------------------------------------------------------------


def test_each_label_with_its_boxes(new_place: NewPlace) -> None:
    place, _ = place_of(new_place)
    place.project.labels.edit(partial(renamed, number=1, name="**van**"))
    place.project.labels.edit(partial(merged, number=2, into=1))
    place.project.labels.edit(partial(retired, number=3))
    visit = view(place)
    first, second, third = rows(visit)
    assert first == "1 ****van**** :gray[· formerly car]"
    assert second == "2 **:gray[dog]** :gray[· merged into “**van**”]"
    assert third == "3 **:gray[bird]** :gray[· archived]"
    captions = [caption.value for caption in visit.app.main.caption]
    assert captions[-3:] == ["4 boxes in 2 images", "1 box in 1 image", "no boxes"]
    assert "Boxes counted in 2 images at" in visit.shown()


def test_many_images_are_counted_when_it_is_asked_for(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_counts_panel, "AT_ONCE", 1)
    place, _ = place_of(new_place)
    visit = view(place)
    assert "box in" not in visit.shown()
    visit.press("open_label_1")
    assert "All its boxes get the new name" in visit.shown()
    press(visit, "Count the boxes in 2 images")
    for job in place.jobs.of(KIND):
        job.future.result(60)
    visit.run()
    assert "3 boxes in 2 images" in visit.shown()


def test_a_count_that_fails_says_why_and_is_not_begun_again(new_place: NewPlace) -> None:
    place, _ = place_of(new_place)

    def fail(progress: Progress) -> None:
        raise Unavailable("The bucket does not answer.")

    job = place.jobs.start(KIND, fail)
    assert job.future.exception(60)
    visit = place.visit()
    visit.follow("labels")
    assert visit.errors() == ["The bucket does not answer."]
    assert len(place.jobs.of(KIND)) == 1
    press(visit, "Count the boxes in 2 images")
    assert len(place.jobs.of(KIND)) == 2


def test_labels_that_boxes_have_and_the_set_lacks(new_place: NewPlace) -> None:
    place, image_id = place_of(new_place)
    place.with_boxes(image_id, BOX.model_copy(update={"label": "<fish>"}))
    visit = view(place)
    assert "1 box has the label “<fish>”, which the project lacks." in visit.warnings()
    press(visit, "Add it")
    assert names(place) == ["car", "dog", "bird", "<fish>"]
    assert visit.warnings() == []


def test_a_rebuilt_set_says_so_until_it_was_seen(new_place: NewPlace) -> None:
    place, _ = place_of(new_place)
    export = open_exporter(place.project).write()[0]
    place.workspace.remove("labels.json")
    visit = view(place)
    [warning] = visit.warnings()
    assert (
        f"labels.json was missing. These labels and their numbers were taken from {export.key}"
        in (warning)
    )
    press(visit, "Dismiss")
    assert visit.warnings() == []
    assert names(place) == ["car", "dog", "bird"]


def test_many_labels_come_in_pages_and_can_be_looked_for(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels_page, "PAGE_SIZE", 3)
    place = new_place(LABELS="a,b,c,d,e,f,g")
    place.project.labels.edit(partial(renamed, number=5, name="Bee"))
    visit = view(place)
    assert [row[0] for row in rows(visit)] == ["1", "2", "3"]
    visit.app.number_input[0].set_value(3).run()
    assert [row[0] for row in rows(visit)] == ["7"]
    field(visit, "Find a label", "BE")
    visit.run()
    assert [row[0] for row in rows(visit)] == ["5"]
    field(visit, "Find a label", "e")
    visit.run()
    assert [row[0] for row in rows(visit)] == ["5"]  # by the former name too


# --- what it does -------------------------------------------------------------------------------


def opened(new_place: NewPlace, number: int) -> tuple[Place, Visit]:
    place, _ = place_of(new_place)
    visit = view(place)
    visit.press(f"open_label_{number}")
    return place, visit


def test_rename(new_place: NewPlace) -> None:
    place, visit = opened(new_place, 1)
    assert "All its boxes (3 in 2 images) get the new name" in visit.shown()
    field(visit, "Name", " van ")
    press(visit, "Rename")
    assert names(place) == ["van", "dog", "bird"]
    assert "formerly car" in visit.shown()
    field(visit, "Name", "DOG")
    press(visit, "Rename")
    assert visit.errors() == [
        "There is a label 'dog' already (number 2). To have one label of the two, merge 'van' into "
        "'dog'."
    ]
    visit.run()
    assert len(visit.errors()) == 1  # until something else is done
    field(visit, "Name", "lorry")
    press(visit, "Rename")
    assert visit.errors() == []
    assert names(place) == ["lorry", "dog", "bird"]
    visit.press("open_label_1")
    assert all(one.label != "Name" for one in visit.app.text_input)


def test_recolor(new_place: NewPlace) -> None:
    place, visit = opened(new_place, 1)
    visit.app.color_picker[0].set_value("#123456").run()
    visit.check()
    assert place.project.labels.read().labels[0].color == "#123456"


def test_merge_and_separate(new_place: NewPlace) -> None:
    place, visit = opened(new_place, 2)
    press(visit, "Merge")
    assert visit.errors() == ["Choose the other label first."]
    visit.app.selectbox(key="into_2").set_value(1).run()
    press(visit, "Merge")
    assert visit.errors() == []
    assert place.project.labels.read().shown("dog") == "car"
    assert "4 boxes in 2 images" in visit.shown()
    press(visit, "Undo merge")
    assert place.project.labels.read().shown("dog") == "dog"
    assert "3 boxes in 2 images" in visit.shown()


def test_archive_and_unarchive(new_place: NewPlace) -> None:
    place, visit = opened(new_place, 2)
    press(visit, "Archive")
    assert [label.name for label in place.project.labels.read().offered] == ["car", "bird"]
    press(visit, "Unarchive")
    assert [label.name for label in place.project.labels.read().offered] == ["car", "dog", "bird"]
    for number in (1, 3):
        place.project.labels.edit(partial(retired, number=number))
    visit.run()
    assert "the last one there: nobody can draw a box then" in visit.shown()


def test_add(new_place: NewPlace) -> None:
    place, visit = opened(new_place, 2)
    field(visit, "New label", "fish")
    press(visit, "Add")
    assert names(place) == ["car", "dog", "bird", "fish"]
    field(visit, "New label", "Fish")
    press(visit, "Add")
    assert visit.errors() == ["This label already exists."]
    field(visit, "New label", " ")
    press(visit, "Add")
    assert "can't be empty" in visit.errors()[0]


def test_what_another_admin_did_meanwhile_is_kept(new_place: NewPlace) -> None:
    """Each edit is named by what was seen: an untouched field takes nothing back."""
    place, visit = opened(new_place, 1)
    other = view(place)
    other.press("open_label_1")
    field(other, "Name", "van")
    press(other, "Rename")
    visit.app.color_picker[0].set_value("#123456").run()
    visit.check()
    press(visit, "Rename")  # with the name that stands there
    label = place.project.labels.read().labels[0]
    assert (label.name, label.color, label.former) == ("van", "#123456", ("car",))
    other.app.selectbox(key="into_1").set_value(2).run()
    press(other, "Merge")
    press(visit, "Archive")
    label = place.project.labels.read().labels[0]
    assert (label.merged_into, label.retired) == (2, True)
