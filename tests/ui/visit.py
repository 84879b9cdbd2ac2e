"""A person at the page, as Streamlit runs it, on a real folder.

Only JavaScript does not run here: what the components send from a browser is put into their state
by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from labeler.model import edits
from labeler.model.document import AnnotationDocument, Rect
from labeler.project.project import Project
from labeler.runtime.jobs import Jobs
from labeler.ui.context import Context, bind_context
from labeler.ui.drawable.drawing import tag
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace

SCRIPT = Path(__file__).parents[2] / "labeler" / "ui" / "main.py"
SCALE = 800 / 64
"""Canvas pixels to a pixel of the test images, which have 64 x 48."""


def seen(markdown: str) -> str:
    """What a person reads: without the backslashes before marks, and what keeps links away."""
    unlinked = re.sub(r':color\[([^]]*)\]\{foreground="inherit"\}', r"\1", markdown)
    return re.sub(r"\\(.)", r"\1", unlinked)


class Visit:
    """One person's session."""

    def __init__(self, project: Project, image_id: str = "", *, runs: bool = True) -> None:
        self.project = project
        self.app = AppTest.from_file(str(SCRIPT), default_timeout=120)
        self.app.context = {"url": "http://127.0.0.1:8501/"}
        if image_id:
            self.app.query_params["image"] = image_id
        if runs:
            self.run()

    def run(self) -> None:
        """Run the page; nothing may reach the person as an exception."""
        self.app.run()
        self.check()

    def settle(self) -> None:
        """The browser's clock rings: the canvas has sent everything."""
        if "drawable" in self.app.session_state:
            self.app.session_state["drawable"].ring()
            self.run()

    def check(self) -> None:
        assert [error.value for error in self.app.exception] == []

    def shown(self) -> str:
        """All text on the page."""
        app = self.app
        kinds = (app.title, app.header, app.markdown, app.caption, app.success, app.info,
                 app.warning, app.error, app.toast)  # fmt: skip
        return "\n".join(seen(element.value) for kind in kinds for element in kind)

    def errors(self) -> list[str]:
        return [seen(element.value) for element in self.app.error]

    def warnings(self) -> list[str]:
        return [seen(element.value) for element in self.app.warning]

    def heading(self) -> str:
        return seen(self.app.main.markdown[0].value)

    def press(self, key: str) -> None:
        self.app.button(key=key).click().run()
        self.check()
        self.settle()

    def links(self) -> list[str]:
        """The titles of the pages that the row of links offers."""
        given = [json.loads(one.proto.json) for one in self.app.get("bidi_component")]
        [links] = [json.loads(data["links"]) for data in given if "links" in data]
        return [link["title"] for link in links]

    def follow(self, view: str | None, *, rings: bool = True) -> None:
        """Follow the link to that page; None leads back to the images."""
        self.app.session_state["clicks"].to_view(view)
        self.run()
        if rings:
            self.settle()

    def mark(self, name: str) -> None:
        """Press "done", "skip" or "reopen" of the open image."""
        image = self.app.session_state["drawable"].open
        assert image
        self.press(f"{name}_{image.work.image_id}")

    def uploaded(self, first: str, *, rings: bool = True) -> None:
        """What the uploader says when its files have been sent."""
        session = self.app.session_state["session"].id
        batch = {"id": 1, "session": session, "first": first}
        self.app.session_state["uploader"] = {"batch": batch}
        self.run()
        if rings:
            self.settle()

    def add_label(self, name: str) -> None:
        self.app.text_input[0].set_value(name)
        self.app.button(key="FormSubmitter:add_label-Add").click().run()
        self.check()

    def listed(self) -> list[str]:
        """The labels of the buttons of the image list."""
        buttons = (b for b in self.app.button if (b.key or "").startswith("open_"))
        return [seen(button.label) for button in buttons]

    def canvas(self) -> str | None:
        """The key of the canvas that is on the page."""
        image = self.app.session_state["drawable"].open
        return image.canvas.key if image and image.canvas else None

    def paint(self) -> None:
        """What the canvas sends once its image is painted."""
        key = self.canvas()
        assert key
        names = ("naturalWidth", "naturalHeight", "scaleX", "scaleY", "offsetX", "offsetY")
        self.app.session_state[key] = {"backgroundFit": dict.fromkeys(names, 1)}
        self.run()

    def draw(self, *objects: dict[str, Any]) -> None:
        """What the canvas sends: all boxes that are on it now."""
        key = self.canvas()
        assert key
        self.app.session_state[key] = {
            "drawing": {"raw": {"version": "7.4.0", "objects": list(objects)}}
        }
        self.run()

    def rects(self, image_id: str) -> list[tuple[str, float, float, float, float]]:
        """Label, left, top, width and height of the stored rects."""
        document = self.project.stored_document(image_id).document
        return [(r.label, r.left, r.top, r.width, r.height) for r in document.rects]


def box(
    left: float, top: float, width: float, height: float, label: str, rect_id: str = ""
) -> dict[str, Any]:
    """A box as the canvas holds it, in pixels of the image; `rect_id` for one it was given."""
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
        self.workspace = Workspace(str(folder), **{"CANVAS": "drawable", **environ})
        self.project = self.workspace.open()
        self.jobs = Jobs()
        self.bind(self.project)

    def bind(self, project: Project) -> None:
        """Have the page work on this view of the project."""
        bind_context(Context(self.workspace.settings, project, self.workspace.access, self.jobs))

    def add(self, *names: str) -> list[str]:
        return [self.project.add_image(name, png()).image_id for name in names]

    def edit(
        self, image_id: str, edit: Callable[[AnnotationDocument], AnnotationDocument]
    ) -> AnnotationDocument:
        """Somebody else's change."""
        opened = self.project.open_document(image_id)
        return self.project.save_document(image_id, edit(opened.document), opened, "").document

    def with_boxes(self, image_id: str, *rects: Rect) -> None:
        self.edit(image_id, lambda document: edits.with_rects(document, rects))

    def visit(self, image_id: str = "") -> Visit:
        return Visit(self.project, image_id)

    def close(self) -> None:
        self.jobs.close()
        self.workspace.close()


NewPlace = Callable[..., Place]


def three_images(new_place: NewPlace) -> Place:
    """A project with an image of two labels, one of one label, and one without boxes."""
    made = new_place(LABELS="car,dog")
    ids = made.add("a.png", "b.png", "c.png")
    made.with_boxes(ids[0], BOX, OTHER)
    made.with_boxes(ids[1], BOX)
    return made
