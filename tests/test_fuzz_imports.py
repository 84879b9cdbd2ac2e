"""Readers of other programs' files raise our own errors, and what they find is sound.

`make test` tries the same few inputs each time; `make fuzz` tries FUZZ new ones (100,000).
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import warnings
import zipfile
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labeler.datasets.formats.dataset_files import dataset_files_of
from labeler.datasets.formats.reading import ImportedImage, Problems
from labeler.datasets.formats.registry import IMPORTED, find_format
from labeler.datasets.formats.voc import Convention
from labeler.errors import InvalidImport
from tests.fuzzing import changed, changed_json, fuzzed
from tests.pictures import png

COCO: dict[str, Any] = {
    "info": {"description": "x"},
    "images": [{"id": 1, "file_name": "a/b.png", "width": 64, "height": 48}],
    "categories": [{"id": 5, "name": "car", "supercategory": "thing"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3.5, 4], "iscrowd": 0,
         "segmentation": [[1, 1, 5, 1, 5, 5]], "attributes": {"occluded": True}},
        {"id": 2, "image_id": 1, "category_id": 2, "bbox": [10, 20, 5, 5], "iscrowd": 1,
         "segmentation": {"size": [48, 64], "counts": [1, 2, 3]}},
    ],
}  # fmt: skip
LABELME: dict[str, Any] = {
    "version": "5.5.0", "flags": {"checked": True}, "imagePath": "a.png", "imageData": None,
    "imageWidth": 64, "imageHeight": 48,
    "shapes": [
        {"label": "car", "points": [[1, 2], [30, 40]], "shape_type": "rectangle", "group_id": None,
         "flags": {"difficult": True}, "description": ""},
        {"label": "dog", "points": [[1, 2], [30, 40], [5, 6]], "shape_type": "polygon"},
    ],
}  # fmt: skip
TASK: dict[str, Any] = {
    "id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-a.png"},
    "annotations": [{"id": 1, "was_cancelled": False, "result": [
        {"id": "x", "type": "rectanglelabels", "from_name": "l", "to_name": "i",
         "original_width": 64, "original_height": 48, "image_rotation": 0,
         "value": {"x": 1, "y": 2, "width": 30, "height": 40, "rotation": 10,
                   "rectanglelabels": ["car"]}},
        {"id": "x", "type": "choices", "value": {"choices": ["bad"]}},
        {"id": "y", "type": "ellipselabels", "original_width": 64, "original_height": 48,
         "value": {"x": 50, "y": 50, "radiusX": 5, "radiusY": 6, "ellipselabels": ["dog"]}},
    ]}],
    "predictions": [],
}  # fmt: skip
VOC = b"""<annotation verified="yes"><folder>a</folder><filename>a.png</filename>
<size><width>64</width><height>48</height><depth>3</depth></size><segmented>0</segmented>
<object><name>car</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30.5</xmax><ymax>40</ymax></bndbox></object>
<object><name>dog</name><polygon><x1>1</x1><y1>2</y1><x2>3</x2><y2>9</y2></polygon></object>
</annotation>"""
CVAT = b"""<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>
<meta><task><labels><label><name>car</name><color>#ff0000</color><attributes/></label></labels>
</task></meta>
<image id="0" name="a.png" subset="train" width="64" height="48"><box label="car" source="manual"
occluded="0" xtl="1.0" ytl="2.0" xbr="30.00" ybr="40.0" z_order="0" rotation="10">
<attribute name="age">3</attribute></box><polygon label="car" points="1,2;3,4;5,9"/></image>
</annotations>"""
YOLO = {
    "data.yaml": b"path: .\ntrain: images/train\nval: images/val\nnames:\n  0: car\n  1: dog\n",
    "labels/train/a.txt": b"0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.2 0.2 0.9\n0 0.1 0.1 0.2 0.1 0.2 0\n",
    "images/train/a.png": png(),
    "classes.txt": b"car\ndog\n",
}
SINGLE: dict[str, tuple[bytes, ...]] = {
    "coco": (json.dumps(COCO).encode(),),
    "labelme": (json.dumps(LABELME).encode(),),
    "labelstudio": (json.dumps([TASK]).encode(),),
    "voc": (VOC,),
    "cvat": (CVAT,),
    "yolo": tuple(data for name, data in YOLO.items() if not name.endswith(".png")),
}
IN_ZIP: dict[str, dict[str, bytes]] = {
    "coco": {"annotations/instances.json": SINGLE["coco"][0], "images/a/b.png": png()},
    "labelme": {"x/a.json": SINGLE["labelme"][0], "x/a.png": png(), "x/b.json": b"{}"},
    "labelstudio": {"tasks.json": SINGLE["labelstudio"][0]},
    "voc": {
        "Annotations/a.xml": VOC,
        "JPEGImages/a.png": png(),
        "ImageSets/Main/train.txt": b"a\n",
    },
    "cvat": {"annotations.xml": CVAT, "images/train/a.png": png()},
    "yolo": YOLO,
}
JSON_SEEDS: tuple[tuple[str, Any], ...] = (
    ("coco", COCO), ("labelme", LABELME), ("labelstudio", [TASK]),
)  # fmt: skip


def read(kind: str, data: bytes, voc: Convention = Convention.AUTO) -> list[ImportedImage]:
    """What the reader finds; each box is of finite numbers, each problem fits on a line."""
    problems = Problems()
    images: list[ImportedImage] = []
    with (
        contextlib.suppress(InvalidImport),
        contextlib.closing(dataset_files_of(io.BytesIO(data), "file")) as source,
    ):
        images.extend(find_format(kind, IMPORTED).read(source, problems, voc))
    for image in images:
        for box in image.boxes:
            assert all(math.isfinite(value) for value in box[1:5]), box
            assert isinstance(box.label, str)
        assert isinstance(image.name, str)
        assert image.width is None or image.width > 0
    for problem in problems.kept:
        assert problem.line()
    return images


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            with warnings.catch_warnings():
                # Python's writer cuts names at a NUL. Two may become one: others' zips have that.
                warnings.filterwarnings("ignore", "Duplicate name")
                archive.writestr(name, data)
    return made.getvalue()


def test_each_format_that_is_read_is_fuzzed() -> None:
    names = {kind.name for kind in IMPORTED}
    assert names == SINGLE.keys() == IN_ZIP.keys()
    for kind in names:
        assert any(image.boxes for image in read(kind, zipped(IN_ZIP[kind]))), kind


@pytest.mark.parametrize("kind", sorted(SINGLE))
def test_a_file_with_other_bytes(kind: str) -> None:
    @fuzzed(60)
    @given(changed(SINGLE[kind]) | st.binary(max_size=100))
    def run(data: bytes) -> None:
        read(kind, data)

    run()


@pytest.mark.parametrize(("kind", "seed"), JSON_SEEDS)
def test_a_file_with_other_values(kind: str, seed: Any) -> None:
    @fuzzed(150)
    @given(changed_json(seed))
    def run(data: bytes) -> None:
        read(kind, data)

    run()


@pytest.mark.parametrize("kind", sorted(IN_ZIP))
def test_a_zip_with_a_file_of_other_bytes(kind: str) -> None:
    files = IN_ZIP[kind]

    @fuzzed(40)
    @given(
        st.sampled_from(sorted(files)).flatmap(
            lambda name: st.tuples(st.just(name), changed((files[name],)))
        )
    )
    def run(one: tuple[str, bytes]) -> None:
        read(kind, zipped({**files, one[0]: one[1]}))

    run()


NAMES = st.sampled_from(
    ("a.png", "../a.png", "/a.png", "a\\b.png", "a//b.png", ".a/b.png", "C:/a.png", "a/./b.png",
     "con.png", "a" * 300 + ".png", "a\0b.png", "é.png", "e\u0301.png", "A.PNG", "a.png/")
) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name[0] != "\0"  # Python's writer cuts a name there, and fails at an empty one
)  # fmt: skip


@fuzzed(60)
@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=6), changed((zipped(YOLO),)))
@example({"\u0301" * 2000: b""}, b"PK\x05\x06")
@example({"a": b"", "a\0b.png": b""}, b"PK\x05\x06")
def test_a_zip_with_other_names_or_bytes(files: dict[str, bytes], damaged: bytes) -> None:
    for data in (zipped(files), damaged):
        read("yolo", data)
        try:
            source = dataset_files_of(io.BytesIO(data), "file")
        except InvalidImport:
            continue
        with contextlib.closing(source):
            for name in source.files():
                assert not name.startswith("/")
                assert ".." not in name.split("/")
