"""The dashboard and the page of deleted images, for admins."""

from __future__ import annotations

import pytest

from labeler.model import edits
from labeler.model.document import Rect, Status
from tests.ui.visit import NewPlace, seen


def rect(label: str, left: float = 5, width: float = 10) -> Rect:
    return Rect(left=left, top=5, width=width, height=10, label=label, id=f"{label}{left}")


def test_each_number_leads_to_its_images(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    first, second, _ = place.add("a.png", "b.png", "c.png")
    place.with_boxes(first, rect("car"), rect("car", 30, 2))
    place.edit(first, lambda document: edits.with_status(document, Status.DONE))
    place.with_boxes(second, rect("dog"))
    visit = place.visit()
    visit.follow("dashboard")
    words = visit.shown()
    assert "1 of 3 finished, 2 left." in words
    buttons = {b.key: seen(b.label) for b in visit.app.button if (b.key or "").startswith("dash")}
    assert buttons["dashboard_label_car"] == "car · **2** in 1 image"
    assert buttons["dashboard_warning_tiny"] == "tiny boxes · **1 image**, 1 box"
    assert buttons["dashboard_status_done"].endswith("**1** done")
    visit.app.query_params["person"] = "lea"
    visit.press("dashboard_warning_tiny")
    there = {name: "".join(value) for name, value in visit.app.query_params.items()}
    assert there == {"image": there["image"], "view": "gallery", "warning": "tiny"}


def test_a_deleted_image_is_restored(new_place: NewPlace) -> None:
    place = new_place()
    [image_id] = place.add("cam/a.png")
    place.with_boxes(image_id, rect("car"))
    place.project.trash.delete(image_id, place.project.stored_version(image_id))
    visit = place.visit()
    visit.follow("dashboard")
    visit.press("open_trash")
    assert "cam/a.png" in visit.shown()
    visit.press(f"restore_{image_id}")
    assert "The trash is empty." in visit.shown()
    assert [rect[0] for rect in visit.rects(image_id)] == ["car"]


def test_the_dashboard_says_that_it_waits_for_the_images(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place()
    place.add("a.png")
    visit = place.visit()
    with monkeypatch.context() as patched:
        patched.setattr(place.project.image_index, "is_listed", lambda wait_s: False)
        visit.app.session_state["session"].overview.view = None
        visit.follow("dashboard")
        assert "The numbers follow when all images are listed." in visit.shown()
    visit.run()
    visit.follow("dashboard")
    assert "0 of 1 finished, 1 left." in visit.shown()
