"""The page as Streamlit runs it, on a real folder; only the canvas's JavaScript does not run here.

What the canvas sends from a browser is put into its component's state by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from labeler import edits
from labeler.dataset import Dataset
from labeler.models import AnnotationDocument, Rect, Status
from labeler.saver import Saver
from labeler.ui.context import Context, bind
from labeler.ui.drawing import tag
from labeler.ui.text import plain
from tests.pictures import png
from tests.projects import BOX, OTHER, Project, old_document

SCRIPT = Path(__file__).parents[2] / "labeler" / "ui" / "main.py"
ROOM = {"width": 640, "height": 480}
"""Ten canvas pixels to a pixel of the test pictures, which have 64 x 48."""
SCALE = 10


class Visit:
    """One person's session."""

    def __init__(self, folder: Path, dataset: Dataset, image_id: str = "") -> None:
        self.folder = folder
        self.dataset = dataset
        self.app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        self.app.context = {"url": "http://127.0.0.1:8501/"}
        if image_id:
            self.app.query_params["image"] = image_id
        self.run()
        said = {"seq": 1, "room": ROOM, "session": "", "renew": 0, "memo": None}
        self.app.session_state["guard"] = {"said": said}
        self.run()

    def run(self) -> None:
        """Run the page; nothing may reach the person as an exception."""
        self.app.run()
        self.check()

    def check(self) -> None:
        assert [error.value for error in self.app.exception] == []

    def shown(self) -> str:
        """All text on the page."""
        app = self.app
        kinds = (app.title, app.header, app.markdown, app.caption, app.success, app.info,
                 app.warning, app.error, app.toast)  # fmt: skip
        return "\n".join(str(element.value) for kind in kinds for element in kind)

    def errors(self) -> list[str]:
        return [element.value for element in self.app.error]

    def heading(self) -> str:
        found: str = self.app.main.markdown[0].value
        return found

    def press(self, key: str) -> None:
        self.app.button(key=key).click().run()
        self.check()

    def uploaded(self, first: str) -> None:
        """What the uploader says when its files have been sent."""
        session = self.app.session_state["session"].id
        batch = {"id": 1, "session": session, "first": first}
        self.app.session_state["uploader"] = {"batch": batch}
        self.run()

    def add_label(self, name: str) -> None:
        self.app.text_input[0].set_value(name)
        self.press("FormSubmitter:add_label-Add")

    def listed(self) -> list[str]:
        """The labels of the buttons of the image list."""
        return [b.label for b in self.app.button if (b.key or "").startswith("leave_open_")]

    def canvas(self) -> str | None:
        """The key of the canvas that is on the page."""
        image = self.app.session_state["session"].open
        return image.canvas.key if image and image.canvas else None

    def draw(self, *objects: dict[str, Any]) -> None:
        """What the canvas sends: all boxes that are on it now."""
        key = self.canvas()
        assert key
        self.app.session_state[key] = {"drawing": {"raw": {"objects": list(objects)}}}
        self.run()

    def rects(self, image_id: str) -> list[tuple[str, float, float, float, float]]:
        """Label, left, top, width and height of the stored rects."""
        document = self.dataset.stored_document(image_id).document
        return [(r.label, r.left, r.top, r.width, r.height) for r in document.rects]


def box(
    left: float, top: float, width: float, height: float, label: str, rect_id: str = ""
) -> dict[str, Any]:
    """A box as the canvas holds it, in pixels of the picture; `rect_id` for one it was given."""
    return {
        "type": "LabeledRect",
        "left": left * SCALE,
        "top": top * SCALE,
        "width": width * SCALE,
        "height": height * SCALE,
        "scaleX": 1,
        "scaleY": 1,
        "angle": 0,
        "label": label,
        "strokeDashOffset": tag(rect_id) if rect_id else 0,
    }


class Place:
    """A project on a folder, and the people who visit it."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.project = Project(str(folder), **environ)
        self.dataset = self.project.open()
        self.saver = Saver(self.dataset, interval_s=0.0)
        bind(Context(self.project.settings, self.dataset, self.saver))

    def add(self, *names: str) -> list[str]:
        return [self.dataset.add_image(name, png()).image_id for name in names]

    def edit(
        self, image_id: str, edit: Callable[[AnnotationDocument], AnnotationDocument]
    ) -> AnnotationDocument:
        """Somebody else's change."""
        opened = self.dataset.open_document(image_id)
        return self.dataset.save_document(image_id, edit(opened.document), opened, "").document

    def with_boxes(self, image_id: str, *rects: Rect) -> None:
        self.edit(image_id, lambda document: edits.with_rects(document, rects))

    def visit(self, image_id: str = "") -> Visit:
        return Visit(self.folder, self.dataset, image_id)

    def close(self) -> None:
        assert self.saver.flush(10) == 0
        self.project.close()


NewPlace = Callable[..., Place]


@pytest.fixture
def new_place(tmp_path: Path) -> Iterator[NewPlace]:
    """Makes the project: `new_place(LABELS="a,b")`."""
    places: list[Place] = []

    def make(**environ: str) -> Place:
        places.append(Place(tmp_path / "data", **environ))
        return places[-1]

    yield make
    for place in places:
        place.close()


# --- first visits ---------------------------------------------------------------------------


def test_a_first_visit_without_images(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat,dog")
    visit = place.visit()
    assert "Draw labelled boxes" in visit.app.header[0].value
    assert "0 of 0 finished" in visit.shown()
    assert "None yet: upload some above" in visit.shown()
    assert visit.canvas() is None
    assert visit.listed() == []
    assert not place.folder.joinpath("annotations").exists()  # looking writes nothing


def test_files_that_are_not_kept_are_taken_in_by_the_session(new_place: NewPlace) -> None:
    place = new_place(UPLOADS="off")
    visit = place.visit()
    files = [("b.png", png(), "image/png"), ("a.png", b"", "image/png"),
             ("c.jpg", b"just text", "image/jpeg")]  # fmt: skip
    visit.app.file_uploader[0].set_value(files).run()
    visit.check()
    assert [e.value for e in visit.app.success] == ["1 image added\\."]
    first, second = visit.errors()
    assert first.startswith("a\\.png is empty.")
    assert second.startswith("c\\.jpg was not taken\\: it is a text file.")
    assert "b\\.png" in visit.heading()
    [entry] = place.dataset.list_images()
    assert entry.image_path == "b.png"
    visit.app.file_uploader[0].set_value([files[0]]).run()
    assert "1 image was here already" in visit.shown()
    assert visit.errors() == []


def test_the_page_goes_on_to_the_first_image_of_an_upload(new_place: NewPlace) -> None:
    place = new_place()
    place.add("a.png")
    visit = place.visit()
    assert "a\\.png" in visit.heading()
    new, _ = place.project.open(), place.dataset.list_images()  # another instance took them
    ids = [new.add_image(name, png()).image_id for name in ("b.png", "c.png")]
    visit.uploaded(ids[0])
    assert "b\\.png" in visit.heading()
    assert len(visit.listed()) == 3
    visit.press("leave_next")
    visit.run()
    assert "c\\.png" in visit.heading()  # the upload is over: it leads back no more


def test_a_first_visit_with_images_opens_the_first_with_work_left(new_place: NewPlace) -> None:
    place = new_place()
    done, skipped, open_, other = place.add("a.png", "b.png", "c.png", "d.png")
    place.edit(done, lambda document: edits.with_status(document, Status.DONE))
    place.edit(skipped, lambda document: edits.with_status(document, Status.SKIPPED))
    visit = place.visit()
    assert "c\\.png" in visit.heading()
    assert "3 of 4 · not labelled yet · 0 boxes · 64 x 48" in visit.heading()
    assert "2 of 4 finished" in visit.shown()
    assert visit.canvas() is not None
    assert visit.app.query_params["image"] == open_  # for a reload, and for another instance
    # Somebody else finishes it: the person stays with what they were looking at.
    place.edit(open_, lambda document: edits.with_status(document, Status.DONE))
    key = visit.canvas()
    visit.run()
    assert "c\\.png" in visit.heading()
    assert visit.canvas() == key
    visit.press("leave_next")
    assert visit.app.query_params["image"] == other
    assert "d\\.png" in visit.heading()
    assert visit.app.button(key="leave_next").disabled
    visit.press(f"leave_open_{done}")
    assert "a\\.png" in visit.heading()
    assert visit.app.button(key="leave_previous").disabled


@pytest.mark.parametrize("named", ["0" * 32, "../../etc/passwd", "x" * 300, "<b>x</b>", "a b"])
def test_an_address_that_names_nothing(new_place: NewPlace, named: str) -> None:
    place = new_place()
    [known] = place.add("a.png")
    visit = place.visit(named)
    [error] = visit.errors()
    assert error.startswith("There is no image")
    assert "Choose one from the list" in error
    assert visit.canvas() is None
    visit.press(f"leave_open_{known}")
    assert visit.errors() == []
    assert "a\\.png" in visit.heading()


# --- labels ---------------------------------------------------------------------------------

MARKUP = ("**bold**", "<b>x</b>", ":red[x]", "[a](http://b)", "$x^2$", "`code`", "# head")


def test_a_few_labels_are_buttons_whose_marks_stand_for_themselves(new_place: NewPlace) -> None:
    place = new_place(LABELS=",".join(MARKUP))
    place.add("a.png")
    visit = place.visit()
    picker = visit.app.radio(key="label")
    assert picker.value == MARKUP[0]
    assert len(picker.options) == len(MARKUP)
    for name, option in zip(MARKUP, picker.options, strict=True):
        assert option.startswith(':color[■]{foreground="#')
        shown = option.partition("} ")[2]
        assert shown == plain(name) != name
    picker.set_value("<b>x</b>").run()
    visit.draw(box(10, 10, 20, 20, "<b>x</b>"))
    assert visit.rects(place.dataset.list_images()[0].image_id) == [("<b>x</b>", 10, 10, 20, 20)]
    assert visit.app.warning == []  # it is in the label set as it is written


def test_many_labels_are_a_menu(new_place: NewPlace) -> None:
    names = [f"label {number}" for number in range(25)]
    place = new_place(LABELS=",".join(names))
    place.add("a.png")
    visit = place.visit()
    menu = visit.app.selectbox(key="label_menu")
    assert menu.options == names
    menu.set_value("label 24").run()
    assert visit.app.selectbox(key="label_menu").value == "label 24"
    visit.add_label("label 25")
    assert visit.app.selectbox(key="label_menu").options == [*names, "label 25"]
    assert visit.app.selectbox(key="label_menu").value == "label 24"


def test_buttons_become_a_menu_with_the_same_label_chosen(new_place: NewPlace) -> None:
    place = new_place(LABELS=",".join(f"label {number}" for number in range(20)))
    place.add("a.png")
    visit = place.visit()
    visit.app.radio(key="label").set_value("label 7").run()
    visit.add_label("label 20")
    assert len(visit.app.radio) == 0
    assert visit.app.selectbox(key="label_menu").value == "label 7"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("   ", "A label can't be empty"),
        ("x" * 200, "at most 100"),
        ("CAT ", "This label is there already"),
        ("a\u202eb", "direction of text"),
    ],
)
def test_a_label_that_is_not_added(new_place: NewPlace, typed: str, answer: str) -> None:
    place = new_place(LABELS="cat")
    place.add("a.png")
    visit = place.visit()
    visit.add_label(typed)
    assert answer in visit.shown().replace("\\", "")
    assert [label.name for label in place.dataset.label_set().labels] == ["cat"]


def test_a_label_set_without_labels(new_place: NewPlace) -> None:
    place = new_place()
    [image_id] = place.add("a.png")
    place.project.put("labels.json", b'{"version": "1.0", "labels": []}')
    visit = place.visit()
    assert "There is no label yet" in visit.shown()
    visit.draw(box(10, 10, 20, 20, ""))
    assert visit.rects(image_id) == []
    visit.add_label("cat")
    assert visit.app.radio(key="label").value == "cat"
    assert "There is no label yet" not in visit.shown()


# --- the image list -------------------------------------------------------------------------


def test_the_list_has_pages_and_a_filter(new_place: NewPlace) -> None:
    place = new_place()
    ids = place.add(*(f"p{number:02}.png" for number in range(60)))
    for image_id in ids[:30]:
        place.edit(image_id, lambda document: edits.with_status(document, Status.DONE))
    visit = place.visit()
    assert "p30\\.png" in visit.heading()
    pages = visit.app.number_input[0]
    assert (pages.value, pages.max) == (2, 3)  # the page of the open image
    assert len(visit.listed()) == 25
    assert any("**p30\\.png**" in label for label in visit.listed())
    pages.set_value(3).run()
    assert [label.rpartition(" ")[2] for label in visit.listed()] == [
        f"p{number}\\.png" for number in range(50, 60)
    ]
    visit.press(f"leave_open_{ids[59]}")
    assert "60 of 60" in visit.heading()
    assert visit.app.number_input[0].value == 3
    # A filter that leaves fewer pages than the one that is shown.
    visit.app.selectbox(key="status_filter").set_value("done").run()
    visit.check()
    assert visit.app.number_input[0].max == 2
    assert "31 of 31" in visit.heading()  # the open image stays among them
    visit.press("leave_previous")
    assert "p29\\.png" in visit.heading()
    visit.app.selectbox(key="status_filter").set_value("unlabeled").run()
    visit.press(f"leave_open_{ids[30]}")
    assert "1 of 30" in visit.heading()
    # The last one of the filter's state goes: the filter goes with it.
    for image_id in ids[30:]:
        place.edit(image_id, lambda document: edits.with_status(document, Status.DONE))
    visit.run()
    assert visit.app.selectbox(key="status_filter").value == "all"
    assert "60 of 60 finished" in visit.shown()
    assert "p30\\.png" in visit.heading()


def test_a_damaged_document_stands_in_the_list_and_is_not_opened(new_place: NewPlace) -> None:
    place = new_place()
    good, bad, newer = place.add("a.png", "b.png", "c.png")
    place.project.put(f"annotations/{bad}.json", b'{"rects": [')
    later = old_document("c.png").replace(b'"1.0"', b'"2.0"')
    place.project.put(f"annotations/{newer}.json", later)
    before = place.project.objects()
    dataset = place.project.open()  # another process, which has nothing in its listing
    bind(Context(place.project.settings, dataset, place.saver))
    visit = place.visit(good)
    assert sum(":red[:material/warning:]" in label for label in visit.listed()) == 2
    visit.press(f"leave_open_{bad}")
    [error] = visit.errors()
    assert "is damaged" in error
    assert "It was left as it is" in error
    assert visit.canvas() is None
    visit.press(f"leave_open_{newer}")
    [error] = visit.errors()
    assert "newer Labeler" in error
    visit.press(f"leave_open_{good}")
    assert visit.errors() == []
    assert place.project.objects() == before


# --- the picture ----------------------------------------------------------------------------


def test_an_image_whose_original_is_missing(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    place.project.remove("uploads/a.png")
    visit = place.visit(image_id)
    [warning] = visit.app.warning
    assert "The original a\\.png is not in the store" in warning.value
    assert "Upload the file again" in warning.value
    assert visit.canvas() is None
    assert "1 box" in visit.heading()
    assert not place.dataset.add_image("a.png", png()).created
    visit.uploaded(image_id)
    visit.run()  # now that there is a canvas, its guard answers
    assert visit.app.warning == []
    assert visit.canvas() is not None
    assert len(visit.rects(image_id)) == 1


def test_another_picture_in_the_place_of_the_original(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    place.project.put("uploads/a.png", png(32, 32))
    visit = place.visit(image_id)
    [warning] = visit.app.warning
    assert "is not the one that the boxes were drawn on" in warning.value
    assert visit.canvas() is None


def test_boxes_of_another_size_of_picture_are_left_alone(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    document = old_document("a.png", image_width=640, image_height=480)
    place.project.put(f"annotations/{image_id}.json", document)
    visit = place.visit(image_id)
    [warning] = visit.app.warning
    assert "a picture of 640 x 480 pixels" in warning.value
    assert visit.canvas() is None
    assert place.project.objects()[f"annotations/{image_id}.json"][0] == document


# --- boxes ----------------------------------------------------------------------------------


def test_what_the_canvas_sends_is_stored(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    visit = place.visit()
    assert "nothing drawn yet" in visit.shown()
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
    assert "not labelled yet · 0 boxes" in visit.heading()


def test_what_can_not_be_taken_over_is_told(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    visit = place.visit()
    visit.draw(box(4, 5, 0.2, 0.2, "car"))
    assert "A click alone draws nothing" in visit.shown()
    visit.draw(box(4, 5, 20, 10, "car") | {"angle": 30})
    assert "Boxes can't be turned" in visit.shown().replace("\\", "")
    visit.draw(box(4, 5, 20, 10, "  "))
    assert "A label can't be empty" in visit.shown().replace("\\", "")
    assert visit.rects(image_id) == []


def test_a_label_typed_on_the_canvas_can_be_added(new_place: NewPlace) -> None:
    place = new_place(LABELS="car")
    [image_id] = place.add("a.png")
    visit = place.visit()
    visit.draw(box(4, 5, 20, 10, "**bird**"))
    assert visit.rects(image_id) == [("**bird**", 4, 5, 20, 10)]
    [warning] = visit.app.warning
    assert warning.value == "The label “\\*\\*bird\\*\\*” is not in the label set."
    visit.press("add_label_**bird**")
    assert visit.app.warning == []
    assert [label.name for label in place.dataset.label_set().labels] == ["car", "**bird**"]


def test_relabel_and_delete_in_the_list_of_boxes(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX, OTHER.model_copy(update={"label": "old one"}))
    visit = place.visit()
    key = visit.canvas()
    visit.app.toggle(key="list_boxes").set_value(True).run()
    first, second = (s for s in visit.app.selectbox if (s.key or "").startswith("leave_label_"))
    assert first.options == ["car", "dog"]
    assert (second.options, second.value) == (["old one", "car", "dog"], "old one")
    first.set_value("dog").run()
    visit.check()
    assert [rect[0] for rect in visit.rects(image_id)] == ["dog", "old one"]
    assert visit.canvas() != key  # the canvas shows it anew
    visit.press(f"leave_delete_{image_id}_b")
    [rect] = place.dataset.stored_document(image_id).document.rects
    assert rect == BOX.model_copy(update={"label": "dog"})
    visit.press(f"leave_delete_{image_id}_a")
    assert visit.rects(image_id) == []
    assert len(visit.app.toggle) == 0


def test_an_old_document_is_shown_and_left_as_it_is(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    old = old_document("a.png")
    place.project.put(f"annotations/{image_id}.json", old)
    visit = place.visit(image_id)
    assert "in progress · 2 boxes · 64 x 48" in visit.heading()
    assert "saved 2023-12-01 14:30:22" in visit.shown()
    visit.app.toggle(key="list_boxes").set_value(True).run()
    visit.run()
    assert place.project.objects()[f"annotations/{image_id}.json"][0] == old


# --- two people -----------------------------------------------------------------------------


def relabelled(label: str) -> Callable[[AnnotationDocument], AnnotationDocument]:
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
    place.edit(image_id, relabelled("bird"))
    visit.draw(box(1.5, 2.25, 10, 8, "dog", "a"))
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird", "dog"]  # both, until then
    [warning] = visit.app.warning
    text = warning.value.replace("\\", "")
    assert "Yours: “dog” at 1.5, 2.25, 10 x 8. Theirs: “bird” at 1.5, 2.25, 10 x 8." in text
    visit.press(f"leave_resolve_{choice}_0")
    assert [rect[0] for rect in visit.rects(image_id)] == labels
    assert visit.app.warning == []
    assert place.dataset.stored_document(image_id).document.rects[0].id == "a"


@pytest.mark.parametrize(("choice", "count"), [("ours", 0), ("theirs", 1), ("both", 1)])
def test_a_box_that_one_deleted_and_another_changed(
    new_place: NewPlace, choice: str, count: int
) -> None:
    place = new_place(LABELS="car,dog,bird")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    visit = place.visit()
    place.edit(image_id, relabelled("bird"))
    visit.draw()
    assert [rect[0] for rect in visit.rects(image_id)] == ["bird"]
    [warning] = visit.app.warning
    assert "Yours\\: deleted" in warning.value
    visit.press(f"leave_resolve_{choice}_0")
    assert len(visit.rects(image_id)) == count
    assert visit.app.warning == []


def test_conflicts_on_one_box_time_and_again(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog,bird,fish,cow")
    [image_id] = place.add("a.png")
    place.with_boxes(image_id, BOX)
    visit = place.visit()
    place.edit(image_id, relabelled("bird"))
    visit.draw(box(1.5, 2.25, 10, 8, "dog", "a"))
    assert len(visit.app.warning) == 1
    visit.app.toggle(key="list_boxes").set_value(True).run()
    place.edit(image_id, relabelled("cow"))
    visit.app.selectbox(key=f"leave_label_{image_id}_a_bird").set_value("fish").run()
    visit.check()
    assert len(visit.app.warning) == 2
    assert sorted(rect[0] for rect in visit.rects(image_id)) == ["cow", "dog", "fish"]


# --- export ---------------------------------------------------------------------------------


def test_an_export_with_nothing_in_it(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat")
    visit = place.visit()
    visit.press("export")
    assert visit.errors() == []
    assert "0 images, 0 boxes" in visit.shown()
    [path] = place.folder.glob("exports/*.json")
    assert f"/api/exports/{path.name}" in visit.shown()


def test_an_export_tells_what_it_left_out(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat")
    good, bad = place.add("a.png", "b.png")
    place.with_boxes(good, BOX.model_copy(update={"width": 0.2}), OTHER)
    place.project.put(f"annotations/{bad}.json", b"{")
    visit = place.visit(good)
    visit.press("export")
    assert "1 image, 1 box" in visit.shown()
    captions = [caption.value.replace("\\", "") for caption in visit.app.caption]
    assert "Images left out because their document can't be opened: 1 (b.png)" in captions
    assert any("less than 1 px wide or high: 1 (a.png)" in caption for caption in captions)


# --- a store that fails ---------------------------------------------------------------------


def test_the_page_goes_on_with_what_it_had(new_place: NewPlace) -> None:
    place = new_place(LABELS="cat,dog")
    [image_id] = place.add("a.png")
    place.dataset.add_labels(["bird"])
    visit = place.visit()
    key = visit.canvas()
    good = (place.folder / "labels.json").read_bytes()
    place.project.put("labels.json", b"{")
    visit.run()
    [error] = visit.errors()
    assert "labels\\.json is damaged" in error
    assert visit.canvas() == key
    assert len(visit.app.radio(key="label").options) == 3
    visit.draw(box(4, 5, 20, 10, "cat"))
    assert visit.rects(image_id) == [("cat", 4, 5, 20, 10)]
    assert (place.folder / "labels.json").read_bytes() == b"{"
    newcomer = place.visit()
    assert [error] * 2 == newcomer.errors()  # in the sidebar, and where that is closed
    assert newcomer.canvas() is None
    assert len(newcomer.listed()) == 1
    place.project.put("labels.json", good)
    visit.run()
    assert visit.errors() == []
