"""labelme, CVAT and Label Studio, each as its program writes it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from labeler.errors import InvalidImport
from labeler.formats import Format
from tests.formats.support import boxes_of, found_in, written

# --- labelme ------------------------------------------------------------------------------


def shape(kind: str, *points: Any, label: Any = "cat") -> dict[str, Any]:
    return {
        "label": label, "points": [list(point) for point in points], "group_id": None,
        "shape_type": kind, "flags": {},
    }  # fmt: skip


def labelme(*shapes: Any, **more: Any) -> dict[str, Any]:
    return {
        "version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": "..\\photos\\a.jpg",
        "imageData": None, "imageHeight": 48, "imageWidth": 64, **more,
    }  # fmt: skip


def test_labelme_shapes_by_their_box(tmp_path: Path) -> None:
    content = labelme(
        shape("rectangle", (30, 20), (10, 5)),
        shape("polygon", (1, 1), (5.5, 2), (3, 9)),
        shape("circle", (20, 20), (23, 24)),
        shape("linestrip", (1, 1), (2, 2)),
        shape("point", (1, 1)),
    )
    written(tmp_path, {"sub/a.json": content})
    (image,), problems = found_in(tmp_path, Format.LABELME)
    assert (image.name, image.width, image.height) == ("../photos/a.jpg", 64, 48)
    assert boxes_of(image) == [
        ("cat", 10, 5, 20, 15), ("cat", 1, 1, 4.5, 8), ("cat", 15, 15, 10, 10)
    ]  # fmt: skip
    assert image.lost == 2
    assert problems == [
        "sub/a.json: shape 4: 'linestrip' has no box: it is not taken",
        "sub/a.json: shape 5: 'point' has no box: it is not taken",
    ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (shape("rectangle", (1, "x"), (2, 2)), "'x' is not a number"),
        (shape("rectangle", (1, 2, 3)), "not pairs of numbers"),
        (shape("polygon"), "it has no points"),
        (shape("circle", (1, 1)), "a circle has two points"),
        (shape("rectangle", (1, 1), (2, 2), label=5), "its label is 5"),
        ("x", "'' has no box"),
    ],
)
def test_a_bad_labelme_shape_is_named(tmp_path: Path, bad: Any, words: str) -> None:
    written(tmp_path, {"a.json": labelme(bad, shape("rectangle", (1, 1), (2, 3)))})
    (image,), problems = found_in(tmp_path, Format.LABELME)
    assert boxes_of(image) == [("cat", 1, 1, 1, 2)]
    assert len(problems) == 1
    assert problems[0].startswith("a.json: shape 1: ")
    assert words in problems[0]


def test_labelme_files_that_are_none(tmp_path: Path) -> None:
    written(tmp_path, {
        "a.json": "{", "b.json": labelme(imagePath=None), "c.json": {}, "d.json": '{"shapes": NaN}'
    })  # fmt: skip
    (image,), problems = found_in(tmp_path, Format.LABELME)
    assert (image.name, image.any_extension) == ("b", True)
    assert [problem.partition(":")[0] for problem in problems] == ["a.json", "c.json", "d.json"]
    with pytest.raises(InvalidImport, match="it has no list `shapes`"):
        found_in(tmp_path / "c.json", Format.LABELME)


# --- CVAT ---------------------------------------------------------------------------------

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>t</name></task></meta>
<image id="0" name="sub/a.jpg" width="64" height="48">
  <box label="car" source="manual" occluded="1" xtl="1.5" ytl="2" xbr="11" ybr="12" z_order="0">
    <attribute name="color">red</attribute></box>
  <box label="car" occluded="0" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90.0"/>
  <polygon label="dog" occluded="0" points="1.00,2.00;5.00,2.00;3.00,9.50"/>
  <ellipse label="dog" occluded="0" cx="20" cy="20" rx="5" ry="3"/>
  <mask label="dog" occluded="0" rle="1, 2" left="3" top="4" width="5" height="6"/>
  <polyline label="dog" points="1,1;2,2"/>
  <box label="dog" xtl="x" ytl="2" xbr="11" ybr="12"/>
  <tag label="night"/>
</image>
<image id="1" name="b.jpg" width="64" height="48"></image>
<track id="0" label="car"/>
</annotations>"""


def test_cvat_shapes_by_their_box(tmp_path: Path) -> None:
    written(tmp_path, {"annotations.xml": CVAT})
    (image, empty), problems = found_in(tmp_path, Format.CVAT)
    assert (image.name, image.width, image.height) == ("sub/a.jpg", 64, 48)
    assert boxes_of(image) == [
        ("car", 1.5, 2, 9.5, 10), ("car", 15, 5, 10, 20), ("dog", 1, 2, 4, 7.5),
        ("dog", 15, 17, 10, 6), ("dog", 3, 4, 5, 6),
    ]  # fmt: skip
    assert dict(image.boxes[0].attributes) == {"occluded": 1}
    assert image.lost == 2
    assert (empty.name, empty.boxes) == ("b.jpg", ())
    file = "annotations.xml: image sub/a.jpg"
    assert problems == [
        f"{file}, box on line 6: it is turned: the upright box around it was taken",
        f"{file}, polyline on line 10: it is no box and was left out",
        f"{file}, box on line 11: 'x' is not a number",
        "annotations.xml: track on line 15: it is of a video; export the task as `CVAT for "
        "images 1.1`",
    ]


def test_cvat_files_that_are_none(tmp_path: Path) -> None:
    written(tmp_path, {"voc.xml": "<annotation/>", "cut.xml": CVAT[:600]})
    for name in ("voc.xml", "cut.xml"):
        with pytest.raises(InvalidImport, match=name):
            found_in(tmp_path / name, Format.CVAT)


# --- Label Studio -------------------------------------------------------------------------


def region(x: Any, y: Any, width: Any, height: Any, **more: Any) -> dict[str, Any]:
    return {
        "x": x, "y": y, "width": width, "height": height, "rotation": 0,
        "rectanglelabels": ["car"], "original_width": 200, "original_height": 100, **more,
    }  # fmt: skip


def test_label_studio_regions_by_their_box(tmp_path: Path) -> None:
    tasks = [
        {
            "id": 1, "annotator": 1, "lead_time": 3.2, "choice": "x",
            "picture": "/data/upload/3/1a2b3c4d-a%20b.jpg",
            "kinds": [
                region(10, 20, 30, 40),
                region(50, 50, 10, 10, rotation=90),
                {"points": [[10, 10], [20, 10], [20, 30]], "polygonlabels": ["dog"]},
                {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["dog"]},
                {"brushlabels": ["dog"], "rle": [1]},
                region("x", 1, 1, 1),
                region(1, 1, 1, 1, rectanglelabels=["a", "b"]),
            ],
        },
        {"id": 2, "image": "/data/local-files/?d=street/b.png", "label": []},
        {"id": 3, "image": "https://example.com/c/d.jpeg?sig=x"},
        {"id": 4, "text": "no image at all"},
    ]  # fmt: skip
    written(tmp_path, {"min.json": tasks})
    images, problems = found_in(tmp_path, Format.LABEL_STUDIO)
    assert [image.name for image in images] == ["a b.jpg", "street/b.png", "c/d.jpeg"]
    assert boxes_of(images[0]) == [
        ("car", 0.1, 0.2, 0.3, 0.4),
        ("car", 0.45, 0.5, 0.05, 0.2),  # 20 x 10 px at 100, 50, turned about its corner
        ("dog", 0.1, 0.1, 0.1, 0.2),
        ("dog", 0.4, 0.3, 0.2, 0.4),
    ]
    assert (images[0].width, images[0].height, images[0].lost) == (200, 100, 3)
    assert [problem.partition(" on line")[0] for problem in problems] == [
        "min.json: task 1", "min.json: task 1", "min.json: task 1", "min.json: task 1",
        "min.json: task 4",
    ]  # fmt: skip
    assert "region 2: it is turned" in problems[0]
    assert "region 5: it is no box" in problems[1]
    assert "region 6: 'x' is not a number" in problems[2]
    assert "region 7: it has 2 labels" in problems[3]
    assert problems[4].endswith("it names no image")


@pytest.mark.parametrize("content", [[{"id": 1, "annotations": []}], {"image": "a.jpg"}, ["x"]])
def test_what_is_no_json_min_is_refused(tmp_path: Path, content: Any) -> None:
    written(tmp_path, {"full.json": content})
    with pytest.raises(InvalidImport, match="JSON-MIN"):
        found_in(tmp_path, Format.LABEL_STUDIO)


def test_turning_keeps_the_middle_of_what_turns_about_it() -> None:
    from labeler.formats.found import turned

    for degrees in (0, 30, 90, 123.4, 360):
        left, top, width, height = turned(10, 20, 30, 40, degrees, about_center=True)
        assert math.isclose(left + width / 2, 25)
        assert math.isclose(top + height / 2, 40)
        assert width * height >= 30 * 40 - 1e-9
