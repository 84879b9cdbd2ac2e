"""labelme, CVAT and Label Studio: what those tools open, and back through our importers."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler.model.document import Status
from tests.datasets.exports.support import (
    LABEL_NAMES,
    RECTS,
    four_images,
    packed,
    unpacked,
)
from tests.datasets.imports.support import boxes, documents, imported
from tests.pictures import jpeg
from tests.projects import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from four_images(tmp_path)


def test_labelme_opens_a_json_beside_each_image(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "labelme", originals=True))
    ids = {entry.image_path: entry.image_id for entry in workspace.open().list_images()}
    own = f"{ids['a.png']}/a"
    assert set(files) == {
        "a.jpg", "a.json", "street/a.jpg", "street/a.json", "empty.jpg", "empty.json",
        f"{own}.png", f"{own}.json", "labels.txt", "labeler.json", "croissant.json",
    }  # fmt: skip
    assert json.loads(files["a.json"]) == {
        "version": "5.5.0", "flags": {}, "imagePath": "a.jpg", "imageData": None,
        "imageHeight": 48, "imageWidth": 64,
        "shapes": [
            {
                "label": "car", "points": [[1.5, 2.25], [11.51, 10.58]], "group_id": None,
                "description": "", "shape_type": "rectangle", "flags": {"difficult": True},
                "mask": None,
            },
            {
                "label": "traffic light", "points": [[0.0, 0.0], [64.0, 48.0]], "group_id": None,
                "description": "", "shape_type": "rectangle", "flags": {}, "mask": None,
            },
        ],
    }  # fmt: skip
    assert json.loads(files["street/a.json"])["imagePath"] == "a.jpg"
    assert files["labels.txt"].decode().splitlines() == LABEL_NAMES


def test_the_parts_of_a_split_are_folders_for_labelme(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "labelme", originals=True, split="50/50"))
    pictures = [name for name in files if name.endswith((".jpg", ".png"))]
    assert {name.partition("/")[0] for name in pictures} == {"train", "val"}
    assert all(f"{name.rpartition('.')[0]}.json" in files for name in pictures)


def test_cvat_knows_labels_and_attributes_before_it_reads_boxes(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "cvat", originals=True))
    assert "images/street/a.jpg" in files
    assert "images/a.png" in files  # an XML names images with their extension
    root = ET.fromstring(files["annotations.xml"])
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/size") == "4"
    labels = root.findall("meta/task/labels/label")
    assert [label.findtext("name") for label in labels] == LABEL_NAMES
    assert all((label.findtext("color") or "").startswith("#") for label in labels)
    (attribute,) = root.findall("meta/task/labels/label/attributes/attribute")
    assert {child.tag: child.text for child in attribute} == {
        "name": "difficult", "mutable": "False", "input_type": "checkbox",
        "default_value": "false", "values": "false",
    }  # fmt: skip
    images = {image.get("name"): image for image in root.findall("image")}
    assert images.keys() == RECTS.keys()
    first, second = images["a.jpg"].findall("box")
    assert first.attrib == {
        "label": "car", "source": "manual", "occluded": "0", "z_order": "0",
        "xtl": "1.50", "ytl": "2.25", "xbr": "11.51", "ybr": "10.58",
    }  # fmt: skip
    assert [(one.get("name"), one.text) for one in first] == [("difficult", "true")]
    assert len(second) == 0
    assert images["empty.jpg"].attrib.items() >= {"width": "64", "height": "48"}.items()


def test_cvat_has_parts_as_subsets(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "cvat", originals=True, split="50/50"))
    images = ET.fromstring(files["annotations.xml"]).findall("image")
    assert {image.get("subset") for image in images} == {"train", "val"}
    assert all(f"images/{image.get('subset')}/{image.get('name')}" in files for image in images)


def test_label_studio_has_a_task_per_image(workspace: Workspace) -> None:
    tasks = json.loads(packed(workspace, "labelstudio"))
    by_name = {task["data"]["image"]: task for task in tasks}
    first = by_name["/data/local-files/?d=a.jpg"]
    assert first["annotations"][0]["result"][1] == {
        "id": f"{first['id']}-2", "type": "rectanglelabels", "from_name": "label",
        "to_name": "image", "original_width": 64, "original_height": 48, "image_rotation": 0,
        "value": {
            "x": 0.0, "y": 0.0, "width": 100.0, "height": 100.0, "rotation": 0,
            "rectanglelabels": ["traffic light"],
        },
    }  # fmt: skip
    assert "/data/local-files/?d=street/a.jpg" in by_name
    assert by_name["/data/local-files/?d=empty.jpg"]["annotations"][0]["result"] == []


def test_label_studio_sees_that_nobody_has_looked(workspace: Workspace) -> None:
    project = workspace.open()
    entry = next(one for one in project.list_images() if one.image_path == "untouched.jpg")
    opened = project.open_document(entry.image_id)
    project.save_document(entry.image_id, opened.document, opened, by="")  # now its size is known
    tasks = json.loads(packed(workspace, "labelstudio", status="unlabeled"))
    assert [(task["data"]["image"][-13:], task["annotations"]) for task in tasks] == [
        ("untouched.jpg", [])
    ]


def test_label_studio_there_and_back(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_bytes(packed(workspace, "labelstudio"))
    other = Workspace(str(tmp_path / "other"))
    for name in RECTS:
        other.put(f"uploads/{name}", workspace.objects()[f"uploads/{name}"][0])
    assert imported(other.open(), path, "labelstudio").problems.kept == []
    there, back = documents(workspace.open()), documents(other.open())
    for name in RECTS:
        assert boxes(back[name]) == boxes(there[name])
        assert back[name].status is Status.DONE
    other.close()


ATTRIBUTES: dict[str, Any] = {
    "occluded": True, "truncated": 1, "color": "dark < red", "count": 3, "by": {"name": "x"},
}  # fmt: skip


def test_cvat_takes_every_attribute(tmp_path: Path) -> None:
    made, other = (Workspace(str(tmp_path / name)) for name in ("data", "other"))
    for place in (made, other):
        place.put("uploads/a.jpg", jpeg())
    project = made.open()
    (entry,) = project.list_images()
    opened = project.open_document(entry.image_id)
    values = opened.document.model_dump(exclude_unset=True)
    box = {"left": 1, "top": 1, "width": 9, "height": 9, "label": "car"}
    values["rects"] = [box | ATTRIBUTES, box | {"left": 20, "count": "many"}]
    project.save_document(
        entry.image_id, type(opened.document).model_validate(values), opened, by=""
    )
    path = tmp_path / "set.zip"
    path.write_bytes(packed(made, "cvat"))
    imported(other.open(), path, "cvat")
    first, second = documents(other.open())["a.jpg"].rects
    assert first.model_extra == {
        "occluded": True, "truncated": True, "color": "dark < red", "count": "3",
        "by": '{"name": "x"}',
    }  # fmt: skip
    assert second.model_extra == {"count": "many"}
    made.close()
    other.close()
