"""The data page: counts before an export, exports in every format, what has changed since one."""

from __future__ import annotations

import csv

import pytest

from labeler.ui.data_exports import COMPARISON
from labeler.ui.export_panel import KIND
from tests.projects import OTHER
from tests.ui.visit import NewPlace, Place, Visit, three_images


@pytest.fixture
def place(new_place: NewPlace) -> Place:
    return three_images(new_place)


def opened(place: Place) -> Visit:
    visit = place.visit()
    visit.follow("data")
    return visit


def ended(place: Place, visit: Visit, kind: str) -> None:
    for job in place.jobs.of(kind):
        job.future.result(30)
    visit.run()


def test_what_an_export_would_hold_is_told_before(place: Place) -> None:
    visit = opened(place)
    assert "2 images with 3 boxes." in visit.shown()
    visit.app.multiselect(key="data_label").select("dog")
    visit.run()
    assert "1 image with 1 box." in visit.shown()
    visit.app.text_input(key="data_split").set_value("50/x")
    visit.run()
    assert any("split" in text for text in visit.errors())


@pytest.mark.parametrize("kind", ["coco", "cocozip", "csv"])
def test_each_format_is_written_and_listed(place: Place, kind: str) -> None:
    visit = opened(place)
    visit.app.selectbox(key="data_format").select(kind)
    visit.run()
    assert (f"/api/export/{kind}?" in visit.shown()) is (kind != "coco")
    visit.press("data_export")
    ended(place, visit, KIND)
    (path,) = [
        one for one in place.folder.glob(f"exports/dataset_{kind}_*")
        if one.suffix not in (".jsonl", ".jsonld")
    ]  # fmt: skip
    assert f"/api/exports/{path.name}?token=" in visit.shown()
    assert visit.errors() == []


def test_an_export_takes_the_selection_and_the_images(place: Place) -> None:
    visit = opened(place)
    visit.app.selectbox(key="data_format").select("csv")
    visit.app.text_input(key="data_name").set_value("b*")
    visit.run()
    visit.press("data_export")
    ended(place, visit, KIND)
    (path,) = place.folder.glob("exports/*.csv")
    with path.open(newline="") as file:
        assert [row["file_name"] for row in csv.DictReader(file)] == ["b.png"]


def test_what_has_changed_since_an_export(place: Place) -> None:
    visit = opened(place)
    assert "There is no export yet." in visit.shown()
    visit.press("data_export")
    ended(place, visit, KIND)
    visit.press("compare")
    ended(place, visit, COMPARISON)
    assert "Nothing has changed." in visit.shown()
    (image_id,) = [one.image_id for one in place.project.list_images() if one.image_path == "c.png"]
    place.with_boxes(image_id, OTHER)
    visit.press("compare")
    ended(place, visit, COMPARISON)
    assert "1 image changed" in [one.label for one in visit.app.expander]
    visit.press("data_export")
    ended(place, visit, KIND)
    newest, oldest = sorted(place.folder.glob("exports/*.json"), reverse=True)
    visit.app.selectbox(key="compare_earlier").select(f"exports/{oldest.name}")
    visit.app.selectbox(key="compare_later").select(f"exports/{newest.name}")
    visit.run()
    visit.press("compare")
    ended(place, visit, COMPARISON)
    assert "1 image added" in [one.label for one in visit.app.expander]
    assert "dog: 1 → 2 boxes" in visit.shown()
