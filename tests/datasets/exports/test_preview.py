"""What an export would hold, beside what it then holds; and what two exports have otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.exports.preview import preview_export
from labeler.datasets.formats.registry import find_format
from labeler.datasets.selection import Part, parse_selection
from labeler.errors import InvalidRequest, NotFound
from labeler.model.label_edits import renamed
from tests.datasets.exports.support import RECTS, four_images, label_image
from tests.pictures import jpeg
from tests.projects import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from four_images(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"status": ["unlabeled"]},
        {"label": ["car"]},
        {"label": ["car", "traffic light"], "name": ["*.jpg"]},
        {"name": ["street/*"]},
        {"split": ["50/50"], "part": ["val"]},
    ],
)
def test_a_preview_counts_what_the_export_holds(
    workspace: Workspace, given: dict[str, list[str]]
) -> None:
    project = workspace.open()
    selection = parse_selection(given)
    labels, entries = project.labels.read(), project.list_images()
    preview = preview_export(selection, labels, entries, project.file_name)
    with open_exporter(project).make(selection, kind=find_format("csv")) as made:
        summary = made.summary
    if given != {"status": ["unlabeled"]}:  # its size is not known before somebody opens it
        assert (preview.images, preview.boxes) == (summary.images, summary.annotations)
    assert preview.unknown == 0


def test_a_preview_of_a_split_counts_its_parts(workspace: Workspace) -> None:
    project = workspace.open()
    selection = parse_selection({"split": ["50/25/25"]})
    labels, entries = project.labels.read(), project.list_images()
    found = preview_export(selection, labels, entries, project.file_name)
    assert sum(found.parts.values()) == found.images == len(RECTS)
    for part, count in found.parts.items():
        alone = parse_selection({"split": ["50/25/25"], "part": [part.value]})
        assert preview_export(alone, labels, entries, project.file_name).images == count
    assert set(found.parts) <= set(Part)
    with pytest.raises(InvalidRequest, match="bird"):
        preview_export(parse_selection({"label": ["bird"]}), labels, entries, project.file_name)


def test_images_whose_labels_only_their_documents_know_are_counted(workspace: Workspace) -> None:
    """An older Labeler noted no labels with the document."""
    project = workspace.open()
    entries = [
        replace(one, labels=None) if one.image_path == "a.png" else one
        for one in project.list_images()
    ]
    selection = parse_selection({"label": ["car"]})
    found = preview_export(selection, project.labels.read(), entries, project.file_name)
    assert (found.images, found.boxes, found.unknown) == (1, 1, 1)


def test_the_difference_of_two_exports(workspace: Workspace) -> None:
    exporter = open_exporter(workspace.open())
    (first,) = exporter.write()
    assert exporter.compare(first.key, first.key).is_same
    project = workspace.open()
    label_image(project, "a.png", [*RECTS["a.png"], {**RECTS["a.png"][0], "left": 30}])
    workspace.put("uploads/new.jpg", jpeg() + b"new")
    project.image_index.expire()
    label_image(project, "new.jpg", [])
    (entry,) = [one for one in project.list_images() if one.image_path == "empty.jpg"]
    project.trash.delete(entry.image_id, project.stored_version(entry.image_id))
    project.image_index.expire()
    project.labels.edit(lambda labels: renamed(labels, 3, "automobile"))
    (second,) = open_exporter(workspace.open()).write()
    found = exporter.compare(first.key, second.key.removeprefix("exports/"))
    assert (found.changed, found.added, found.deleted) == (("a.png",), ("new.jpg",), ("empty.jpg",))
    assert found.boxes == {"automobile": (2, 3)}
    back = exporter.compare(second.key, first.key)
    assert (back.added, back.deleted) == (found.deleted, found.added)
    assert back.boxes == {"car": (3, 2)}
    with pytest.raises(NotFound):
        exporter.compare(first.key, "dataset_csv_20240101_000000.csv")


def test_all_exports_are_listed_the_newest_first(workspace: Workspace) -> None:
    exporter = open_exporter(workspace.open())
    keys = [
        exporter.write(kind=find_format(kind))[0].key for kind in ("coco", "csv", "yolo", "coco")
    ]
    listed = [info.key for info in exporter.kept_in_any_format()]
    assert sorted(listed) == sorted(keys)
    contents: dict[str, Any] = {key: workspace.objects()[key][0] for key in listed}
    assert json.loads(contents[keys[0]]) == json.loads(contents[keys[3]])
