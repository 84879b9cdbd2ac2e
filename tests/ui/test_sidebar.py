"""The label picker, the image list and the export button."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from labeler.model import edits
from labeler.model.document import Status
from labeler.ui.text import plain
from tests.projects import BOX, OTHER, old_document
from tests.ui.visit import NewPlace, box, seen

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
    assert visit.rects(place.project.list_images()[0].image_id) == [("<b>x</b>", 10, 10, 20, 20)]
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
    assert visit.app.text_input[0].value == ""  # ready for the next one


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
        ("CAT ", "This label already exists"),
        ("a\u202eb", "direction of text"),
    ],
)
def test_a_label_that_is_not_added(new_place: NewPlace, typed: str, answer: str) -> None:
    place = new_place(LABELS="cat")
    place.add("a.png")
    visit = place.visit()
    visit.add_label(typed)
    assert answer in visit.shown()
    assert visit.app.text_input[0].value == typed  # to be repaired
    assert [label.name for label in place.project.labels.read().labels] == ["cat"]


def test_a_label_set_without_labels(new_place: NewPlace) -> None:
    place = new_place()
    [image_id] = place.add("a.png")
    place.workspace.put("labels.json", b'{"version": "1.0", "labels": []}')
    visit = place.visit()
    assert "No labels yet" in visit.shown()
    visit.draw(box(10, 10, 20, 20, ""))
    assert visit.rects(image_id) == []
    visit.add_label("cat")
    assert visit.app.radio(key="label").value == "cat"
    assert "No labels yet" not in visit.shown()


# --- the image list -------------------------------------------------------------------------


def test_the_list_has_pages_and_a_filter(new_place: NewPlace) -> None:
    place = new_place()
    ids = place.add(*(f"p{number:02}.png" for number in range(60)))
    for image_id in ids[:30]:
        place.edit(image_id, lambda document: edits.with_status(document, Status.DONE))
    visit = place.visit()
    assert "p30.png" in visit.heading()
    pages = visit.app.number_input[0]
    assert (pages.value, pages.max) == (2, 3)  # the page of the open image
    assert len(visit.listed()) == 25
    assert any("**p30.png**" in label for label in visit.listed())
    pages.set_value(3).run()
    assert [label.rpartition(" ")[2] for label in visit.listed()] == [
        f"p{number}.png" for number in range(50, 60)
    ]
    visit.press(f"open_{ids[59]}")
    assert "60 of 60" in visit.heading()
    assert visit.app.number_input[0].value == 3
    # A filter that leaves fewer pages than the one that is shown.
    visit.app.selectbox(key="status_filter").set_value("done").run()
    visit.check()
    assert visit.app.number_input[0].max == 2
    assert "31 of 31" in visit.heading()  # the open image stays among them
    assert "The open image is not one of these" in visit.shown()
    visit.press("previous")
    assert "The open image is not one of these" not in visit.shown()
    assert "p29.png" in visit.heading()
    visit.app.selectbox(key="status_filter").set_value("unlabeled").run()
    visit.press(f"open_{ids[30]}")
    assert "1 of 30" in visit.heading()
    # The last one of the filter's state goes: the list says so, and the open image stays.
    for image_id in ids[30:]:
        place.edit(image_id, lambda document: edits.with_status(document, Status.DONE))
    visit.run()
    assert visit.app.selectbox(key="status_filter").value == "unlabeled"
    assert "60 of 60 finished" in visit.shown()
    assert "0 of 60 images" in visit.shown()
    assert "p30.png" in visit.heading()


def test_a_filter_is_known_by_its_text_with_any_number() -> None:
    """A browser sends the text of an option, which is another one once the number in it is."""

    def script(sent: str, kept: str) -> None:
        import streamlit as st

        from labeler.ui import address, image_list

        st.query_params["status"] = "done"
        st.session_state[image_list._STATUS] = sent
        st.session_state[image_list._TEXT] = " street  scene "
        st.session_state[image_list._LABEL] = ""
        address.clicks().to_filters()
        image_list.follow_filters()
        assert st.query_params.get("status", "all") == kept
        assert st.query_params["find"] == "street scene"

    for sent, kept in (
        ("done (1)", "done"),
        ("in progress (1,204)", "in_progress"),
        ("all (2)", "all"),
        ("skipped", "skipped"),
        ("all", "all"),
    ):
        app = AppTest.from_function(
            script, kwargs={"sent": sent, "kept": kept}, default_timeout=120
        ).run()
        assert [error.value for error in app.exception] == []


def test_a_new_session_that_has_drawn_one_of_the_filters_keeps_the_others() -> None:
    """The browser sends all filters to a new instance, whose first run may break off early."""

    def script() -> None:
        import streamlit as st

        from labeler.ui import address, image_list

        st.query_params.from_dict({"status": "done", "find": "street", "label": "car"})
        st.session_state[image_list._STATUS] = "skipped (2)"
        address.clicks().to_filters()
        image_list.follow_filters()
        assert st.query_params.to_dict() == {
            "status": "skipped", "find": "street", "label": "car",
        }  # fmt: skip

    app = AppTest.from_function(script, default_timeout=120).run()
    assert [error.value for error in app.exception] == []


def test_a_damaged_document_stands_in_the_list_and_is_not_opened(new_place: NewPlace) -> None:
    place = new_place()
    bad, newer, _ = place.add("a.png", "b.png", "z.png")
    place.workspace.put(f"annotations/{bad}.json", b'{"rects": [')
    later = old_document("b.png").replace(b'"1.0"', b'"2.0"')
    place.workspace.put(f"annotations/{newer}.json", later)
    place.project.labels.read()
    before = place.workspace.objects()
    project = place.workspace.open()  # another process, which has nothing in its listing
    place.bind(project)
    visit = place.visit()
    assert "z.png" in visit.heading()  # where there is work that can be done
    assert sum(":red[:material/warning:]" in label for label in visit.listed()) == 2
    visit.press(f"open_{bad}")
    [error] = visit.errors()
    assert "is damaged" in error
    assert "It was left as it is" in error
    assert visit.canvas() is None
    visit.press(f"open_{newer}")
    assert len(visit.listed()) == 3
    [error] = visit.errors()
    assert "newer Labeler" in error
    visit.press("next")
    assert visit.errors() == []
    assert "z.png" in visit.heading()
    assert visit.app.button(key="previous").disabled  # the others can't be opened
    assert place.workspace.objects() == before


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
    place.workspace.put(f"annotations/{bad}.json", b"{")
    visit = place.visit(good)
    visit.press("export")
    assert "1 image, 1 box" in visit.shown()
    captions = [seen(caption.value) for caption in visit.app.caption]
    assert "Images left out because their document can't be opened: 1 (b.png)" in captions
    assert any("less than 1 px wide or high: 1 (a.png)" in caption for caption in captions)


def test_the_numbers_of_states_are_sent_when_they_change(new_place: NewPlace) -> None:
    """The browser goes by the text of an option: the old one would stay until another run."""
    place = new_place()
    place.add("a.png")
    visit = place.visit()
    assert visit.app.selectbox(key="status_filter").options[0] == "all (1)"
    visit.run()
    assert not visit.app.selectbox(key="status_filter").proto.set_value
    place.add("b.png")
    visit.run()
    shown = visit.app.selectbox(key="status_filter")
    assert (shown.options[0], shown.proto.set_value) == ("all (2)", True)
