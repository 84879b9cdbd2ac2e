"""The format of a dataset, told from its files: our own exports, and what other tools write."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.datasets.formats.detection import detect_format
from labeler.datasets.formats.registry import EXPORTED, IMPORTED, find_format
from labeler.errors import InvalidImport
from tests.datasets.exports.support import four_images, packed
from tests.datasets.formats.support import Content, written, zipped
from tests.pictures import png
from tests.projects import Workspace

READ_AS = {"cocozip": "coco"}
OURS = [kind.name for kind in EXPORTED if kind.reader or kind.name in READ_AS]
COCO: Content = {"info": {}, "licenses": [], "images": [], "annotations": [], "categories": []}
VOC = "<?xml version='1.0'?>\n<!-- <annotations> -->\n<annotation><filename>a.jpg</filename>"
OTHERS: dict[str, tuple[str, dict[str, Content]]] = {
    "an empty COCO file": ("coco", {"set.json": COCO}),
    "Roboflow's COCO": (
        "coco",
        {"README.roboflow.txt": "1 a", "train/_annotations.coco.json": COCO, "train/a.png": png()},
    ),
    "the settings of a tool before it": (
        "coco",
        {"a_settings.json": {"theme": "dark"}, "set.json": COCO},
    ),
    "Roboflow's YOLO": (
        "yolo",
        {
            "README.dataset.txt": "A set", "data.yaml": "names: [car]",
            "train/labels/a.txt": "0 0.5 0.5 0.1 0.1\n", "train/images/a.png": png(),
        },
    ),
    "YOLO without names": ("yolo", {"labels/a.txt": "0 0.5 0.5 0.1 0.1\n"}),
    "VOC by LabelImg": ("voc", {"a.xml": VOC, "predefined_classes.txt": "car"}),
    "CVAT": ("cvat", {"annotations.xml": "<annotations><version>1.1</version></annotations>"}),
    "labelme": ("labelme", {"a.json": {"version": "5", "flags": {}, "shapes": []}, "a.png": png()}),
    "Label Studio": ("labelstudio", {"tasks.json": [{"id": 1, "data": {"image": "a.png"}}]}),
    "Label Studio's JSON-MIN": ("labelstudio", {"tasks.json": [{"image": "a.png", "label": []}]}),
}  # fmt: skip
NONE: dict[str, dict[str, Content]] = {
    "a detector's results": {"results.json": [{"image_id": 1, "category_id": 1, "bbox": []}]},
    "images alone": {"a.png": png()},
    "words": {"notes.txt": "0 cars were seen"},
    "another JSON": {"package.json": {"name": "x"}},
    "damaged files": {"set.json": "{", "a.xml": "<annot"},
    "another XML": {"page.xml": "<html></html>"},
}


def detected(path: Path) -> str:
    with contextlib.closing(open_dataset_files(path)) as source:
        return detect_format(source).name


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from four_images(tmp_path)


@pytest.mark.parametrize("kind", OURS)
def test_our_own_exports(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"set{find_format(kind).suffix}"
    path.write_bytes(packed(workspace, kind))
    assert detected(path) == READ_AS.get(kind, kind)
    assert {READ_AS.get(one, one) for one in OURS} == {one.name for one in IMPORTED}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("is_zip", [True, False])
def test_what_other_tools_write(tmp_path: Path, case: str, is_zip: bool) -> None:
    kind, files = OTHERS[case]
    path = zipped(tmp_path / "set.zip", files) if is_zip else written(tmp_path / "set", files)
    assert detected(path) == kind


def test_a_single_file_may_be_called_anything(tmp_path: Path) -> None:
    for number, (kind, content) in enumerate([
        ("coco", gzip.compress(json.dumps(COCO).encode())),
        ("coco", b"\xef\xbb\xbf" + json.dumps(COCO).encode()),
        ("voc", VOC.encode()),
        ("yolo", b"0 0.5 0.5 0.1 0.1\n"),
    ]):  # fmt: skip
        path = tmp_path / f"download ({number})"
        path.write_bytes(content)
        assert detected(path) == kind


@pytest.mark.parametrize("case", NONE)
def test_what_is_no_dataset_says_what_is_read(tmp_path: Path, case: str) -> None:
    with pytest.raises(InvalidImport, match=r"These are read: COCO, YOLO.*choose it"):
        detected(written(tmp_path / "set", NONE[case]))
