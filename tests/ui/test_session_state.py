"""What a session holds, whatever arrives in whichever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from labeler.project.project import Project
from labeler.runtime.jobs import Jobs
from labeler.ui.context import Context, bind_context
from labeler.ui.drawable.saver import Saver
from tests.pictures import png, same_size
from tests.projects import Workspace


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    workspace = Workspace(str(tmp_path / "data"))
    made = workspace.open()
    saver = Saver(made, interval_s=0.0)
    bind_context(Context(workspace.settings, made, saver, workspace.access, Jobs()))
    yield made
    assert saver.flush(10) == 0
    workspace.close()


def in_session(script: Callable[..., None], **values: Any) -> None:
    """Run it as a page of a new session."""
    app = AppTest.from_function(script, kwargs=values, default_timeout=30).run()
    assert [error.value for error in app.exception] == []


def labels_of(project: Project, image_id: str) -> list[str]:
    return [rect.label for rect in project.stored_document(image_id).document.rects]


def test_what_arrives_late_goes_to_the_image_that_it_was_drawn_on(project: Project) -> None:
    """A store that hangs keeps the old canvas in the tab, where the person goes on."""

    def script(one: str, other: str) -> None:
        from labeler.ui import session_state
        from labeler.ui.context import page_context
        from labeler.ui.drawable.guard import Room

        box = {"type": "LabeledRect", "left": 10, "top": 10, "width": 90, "height": 80}
        image = session_state.opened(page_context(), one)
        key = session_state.mount(image, Room(640, 480)).key
        assert session_state.take_drawing(
            key, {"version": "7.4.0", "objects": [{**box, "label": "first"}]}
        )
        session_state.mount(session_state.opened(page_context(), other), Room(640, 480))
        boxes = [{**box, "label": "first"}, {**box, "top": 200, "label": "late"}]
        assert session_state.take_drawing(key, {"version": "7.4.0", "objects": boxes})
        assert not session_state.take_drawing(key, {"version": "7.4.0", "objects": boxes})
        again = session_state.opened(page_context(), one)
        assert [rect.label for rect in again.draft.wanted.rects] == ["first", "late"]

    one, other = (project.add_image(name, png()).image_id for name in ("a.png", "b.png"))
    in_session(script, one=one, other=other)
    assert labels_of(project, one) == ["first", "late"]
    assert labels_of(project, other) == []


def test_a_canvas_that_was_left_and_is_mounted_anew_takes_no_box_with_it(project: Project) -> None:
    """The browser may show it for a moment while another page comes, as it was once given."""

    def script(one: str) -> None:
        from labeler.ui import session_state
        from labeler.ui.context import page_context
        from labeler.ui.drawable.guard import Room

        box = {"type": "LabeledRect", "left": 10, "top": 10, "width": 90, "height": 80}
        key = session_state.mount(session_state.opened(page_context(), one), Room(640, 480)).key
        assert not session_state.take_drawing(key, {"objects": [], "background": ""})
        assert session_state.take_drawing(
            key, {"version": "7.4.0", "objects": [{**box, "label": "first"}]}
        )
        session_state.leave(None)
        assert not session_state.take_drawing(key, {"objects": [], "background": ""})

    image_id = project.add_image("a.png", png()).image_id
    in_session(script, one=image_id)
    assert labels_of(project, image_id) == ["first"]


def test_what_is_drawn_while_the_box_list_changes_is_kept(project: Project) -> None:
    def script(one: str) -> None:
        from labeler.model import edits
        from labeler.ui import session_state
        from labeler.ui.context import page_context
        from labeler.ui.drawable.guard import Room

        box = {"type": "LabeledRect", "left": 10, "top": 10, "width": 90, "height": 80}
        image = session_state.opened(page_context(), one)
        key = session_state.mount(image, Room(640, 480)).key
        assert session_state.take_drawing(
            key, {"version": "7.4.0", "objects": [{**box, "label": "first"}]}
        )
        session_state.change(image, lambda document: edits.with_rects(document, []))
        session_state.give_up_canvas(image)
        boxes = [{**box, "label": "first"}, {**box, "top": 200, "label": "late"}]
        assert session_state.take_drawing(key, {"version": "7.4.0", "objects": boxes})
        assert session_state.mount(image, Room(640, 480)).key != key

    image_id = project.add_image("a.png", png()).image_id
    in_session(script, one=image_id)
    assert labels_of(project, image_id) == ["late"]


def test_a_document_of_another_picture_than_the_one_seen_is_not_edited(
    project: Project, tmp_path: Path
) -> None:
    def script(one: str) -> None:
        from labeler.ui import session_state
        from labeler.ui.context import page_context

        image = session_state.opened(page_context(), one)
        assert image.info is None
        assert "another picture" in image.problem

    first, second = same_size()
    image_id = project.add_image("a.png", first).image_id
    project.image_info(image_id)
    root = tmp_path / "data"
    (root / "uploads" / "a.png").unlink()
    (root / "annotations" / f"{image_id}.json").unlink()
    elsewhere = Workspace(str(root))
    assert elsewhere.open().add_image("a.png", second).image_id == image_id
    elsewhere.close()
    in_session(script, one=image_id)


def test_images_that_were_left_are_let_go_once_they_are_saved(project: Project) -> None:
    def script(ids: list[str]) -> None:
        from labeler.ui import session_state
        from labeler.ui.context import page_context
        from labeler.ui.drawable.guard import Room

        box = {"type": "LabeledRect", "left": 10, "top": 10, "width": 90, "height": 80}
        for image_id in ids:
            image = session_state.opened(page_context(), image_id)
            key = session_state.mount(image, Room(640, 480)).key
            assert session_state.take_drawing(
                key, {"version": "7.4.0", "objects": [{**box, "label": "one"}]}
            )
            assert len(session_state.session().left) <= 1
            session_state.all_stored()  # as each run of the page asks
        session_state.leave(None)
        assert page_context().saver.flush(10) == 0
        assert session_state.all_stored()
        assert session_state.session().left == {}

    ids = [project.add_image(f"{number}.png", png()).image_id for number in range(6)]
    in_session(script, ids=ids)
    assert [labels_of(project, image_id) for image_id in ids] == [["one"]] * 6
