"""labelme, CVAT and Label Studio, each as its program writes it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from labeler.datasets.formats.reading import ImportedImage
from labeler.errors import InvalidImport
from tests.datasets.formats.support import boxes_of, found_in, written

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
    (image,), problems = found_in(tmp_path, "labelme")
    assert (image.name, image.width, image.height) == ("../photos/a.jpg", 64, 48)
    assert boxes_of(image) == [
        ("cat", 10, 5, 20, 15), ("cat", 1, 1, 4.5, 8), ("cat", 15, 15, 10, 10)
    ]  # fmt: skip
    assert image.lost == 2
    assert problems == [
        "sub/a.json: shape 4: 'linestrip' has no box; skipped",
        "sub/a.json: shape 5: 'point' has no box; skipped",
    ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (shape("rectangle", (1, "x"), (2, 2)), "'x' is not a number"),
        (shape("rectangle", (1, 2, 3)), "not pairs of numbers"),
        (shape("rectangle", (-1e308, 1), (1e308, 2)), "a number is too large"),
        (shape("polygon"), "it has no points"),
        (shape("circle", (1, 1)), "a circle has two points"),
        (shape("rectangle", (1, 1), (2, 2), label=5), "its label is 5"),
        ("x", "'' has no box"),
    ],
)
def test_a_bad_labelme_shape_is_named(tmp_path: Path, bad: Any, words: str) -> None:
    written(tmp_path, {"a.json": labelme(bad, shape("rectangle", (1, 1), (2, 3)))})
    (image,), problems = found_in(tmp_path, "labelme")
    assert boxes_of(image) == [("cat", 1, 1, 1, 2)]
    assert len(problems) == 1
    assert problems[0].startswith("a.json: shape 1: ")
    assert words in problems[0]


def test_labelme_files_that_are_none(tmp_path: Path) -> None:
    written(tmp_path, {
        "a.json": "{", "b.json": labelme(imagePath=None), "c.json": {}, "d.json": '{"shapes": NaN}'
    })  # fmt: skip
    (image,), problems = found_in(tmp_path, "labelme")
    assert (image.name, image.any_extension) == ("b", True)
    assert [problem.partition(":")[0] for problem in problems] == ["a.json", "c.json", "d.json"]
    with pytest.raises(InvalidImport, match="it has no list `shapes`"):
        found_in(tmp_path / "c.json", "labelme")
    written(tmp_path, {"e.json": labelme() | {"shapes": None}})
    with pytest.raises(InvalidImport, match=r"no list `shapes`\.$"):
        found_in(tmp_path / "e.json", "labelme")


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
  <box label="dog" xtl="-1e308" ytl="2" xbr="1e308" ybr="12"/>
  <tag label="night"/>
</image>
<image id="1" name="b.jpg" width="64" height="48"></image>
<track id="0" label="car"/>
</annotations>"""


def test_cvat_shapes_by_their_box(tmp_path: Path) -> None:
    written(tmp_path, {"annotations.xml": CVAT})
    (image, empty), problems = found_in(tmp_path, "cvat")
    assert (image.name, image.width, image.height) == ("sub/a.jpg", 64, 48)
    assert boxes_of(image) == [
        ("car", 1.5, 2, 9.5, 10), ("car", 15, 5, 10, 20), ("dog", 1, 2, 4, 7.5),
        ("dog", 15, 17, 10, 6), ("dog", 3, 4, 5, 6),
    ]  # fmt: skip
    assert dict(image.boxes[0].attributes) == {"occluded": True, "color": "red"}
    assert image.lost == 3
    assert (empty.name, empty.boxes) == ("b.jpg", ())
    file = "annotations.xml: image sub/a.jpg"
    assert problems == [
        f"{file}: what it says about the whole image was skipped: 'night'",
        f"{file}, box on line 6: it is rotated; the upright box around it was imported",
        f"{file}, polyline on line 10: not a box; skipped",
        f"{file}, box on line 11: 'x' is not a number",
        f"{file}, box on line 12: a number is too large",
        "annotations.xml: track on line 16: it is of a video; export the task as `CVAT for "
        "images 1.1`",
    ]


def test_an_image_of_which_only_the_whole_is_described_is_no_empty_one(tmp_path: Path) -> None:
    """CVAT's tags and labelme's flags say what an image is, not that nothing is on it."""
    tagged = '<annotations><image name="a.jpg" width="6" height="4"><tag label="night"/></image>'
    written(tmp_path, {
        "a.xml": tagged + "</annotations>", "a.json": labelme(flags={"night": True, "wet": False}),
        "b.json": labelme(flags={"night": False}),
    })  # fmt: skip
    for file, kind, is_annotated in (
        ("a.xml", "cvat", False),
        ("a.json", "labelme", False),
        ("b.json", "labelme", True),
    ):
        (image,), problems = found_in(tmp_path / file, kind)
        assert (image.boxes, image.lost, image.is_annotated) == ((), 0, is_annotated)
        assert [problem.endswith("skipped: 'night'") for problem in problems] == (
            [] if is_annotated else [True]
        )


def test_cvat_files_that_are_none(tmp_path: Path) -> None:
    written(tmp_path, {"voc.xml": "<annotation/>", "cut.xml": CVAT[:600]})
    for name in ("voc.xml", "cut.xml"):
        with pytest.raises(InvalidImport, match=name):
            found_in(tmp_path / name, "cvat")
    with pytest.raises(InvalidImport, match="choose Pascal VOC"):
        found_in(tmp_path / "voc.xml", "cvat")


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
    images, problems = found_in(tmp_path, "labelstudio")
    assert [image.name for image in images] == ["1a2b3c4d-a b.jpg", "street/b.png", "c/d.jpeg"]
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
    assert "region 2: it is rotated" in problems[0]
    assert "region 5: not a box" in problems[1]
    assert "region 6: 'x' is not a number" in problems[2]
    assert "region 7: it has 2 labels" in problems[3]
    assert problems[4].endswith("it names no image")


def one_region(**more: Any) -> dict[str, Any]:
    return {
        "x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0,
        "original_width": 100, "original_height": 50, **more,
    }  # fmt: skip


def tasks(tmp_path: Path, *content: Any) -> tuple[list[ImportedImage], list[str]]:
    written(tmp_path, {"tasks.json": list(content)})
    return found_in(tmp_path / "tasks.json", "labelstudio")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"x": 5, "y": 5, "radiusX": 1e308, "radiusY": 1, "ellipselabels": ["dog"]}, "too large"),
        (region(1, 1, 1, 1, rotation=9, original_width=1e-300), "the image's size is missing"),
    ],
)
def test_numbers_that_no_image_has_are_named(tmp_path: Path, bad: Any, words: str) -> None:
    (image,), problems = tasks(tmp_path, {"image": "a.jpg", "label": [bad, region(10, 20, 30, 40)]})
    assert boxes_of(image) == [("car", 0.1, 0.2, 0.3, 0.4)]
    assert image.lost == 1
    assert words in problems[0]


@pytest.mark.parametrize("content", [{"image": "a.jpg"}, {"images": [], "annotations": []}])
def test_what_is_no_list_of_tasks_is_refused(tmp_path: Path, content: Any) -> None:
    written(tmp_path, {"full.json": content})
    with pytest.raises(InvalidImport, match="list of tasks"):
        found_in(tmp_path, "labelstudio")


def test_a_shape_and_its_label_under_two_keys_are_one_one_region(tmp_path: Path) -> None:
    (image,), problems = tasks(tmp_path, {
        "image": "a.jpg", "bbox": [one_region()], "label": [one_region(labels=["Text"])],
        "annotation_id": 7,
    })  # fmt: skip
    assert problems == []
    assert boxes_of(image) == [("Text", 0.1, 0.2, 0.3, 0.4)]


@pytest.mark.parametrize(
    "given",
    [
        one_region(),
        one_region(labels=[]),
        {"format": "rle", "rle": [1, 2], "brushlabels": ["a"], "original_width": 9},
        {"imageDataURL": "data:,", "bitmasklabels": ["a"]},
        {"x": 1, "y": 2, "width": 0.5, "keypointlabels": ["a"]},
        {"choices": ["good"]},
        {"vertices": [{"x": 1}], "vectorlabels": ["a"]},
        {"start": 1, "end": 5, "hypertextlabels": ["a"]},
    ],
)
def test_a_region_that_is_no_box_with_a_label_is_lost(tmp_path: Path, given: Any) -> None:
    (image,), problems = tasks(tmp_path, {"image": "a.jpg", "what": [given], "annotation_id": 7})
    assert (image.boxes, image.lost) == ((), 1)
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("task", "is_annotated"),
    [
        ({"image": "a.jpg", "annotation_id": None}, False),
        ({"image": "a.jpg"}, False),
        ({"image": "a.jpg", "annotation_id": 7}, True),
        ({"image": "a.jpg", "annotation_id": 7, "choice": "Cat"}, False),
        ({"image": "a.jpg", "annotation_id": 7, "label": [], "lead_time": 2.5}, True),
        ({"data": {"image": "a.jpg"}, "annotations": []}, False),
        ({"data": {"image": "a.jpg"}}, False),
        ({"data": {"image": "a.jpg"}, "completions": [{"id": 1, "result": []}]}, True),
        ({"data": {"image": "a.jpg"}, "annotations": [{"was_cancelled": True}]}, False),
        ({"data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": []}]}, True),
    ],
)
def test_a_task_that_nobody_annotated_is_no_empty_image(
    tmp_path: Path, task: Any, is_annotated: bool
) -> None:
    (image,), problems = tasks(tmp_path, task)
    assert (image.boxes, image.lost, image.is_annotated) == ((), 0, is_annotated)
    assert problems == []


def test_the_whole_json_is_read_and_predictions_are_not(tmp_path: Path) -> None:
    value = {key: one_region()[key] for key in ("x", "y", "width", "height", "rotation")}
    result = {
        "id": "r1", "type": "rectanglelabels", "from_name": "label", "to_name": "image",
        "original_width": 100, "original_height": 50, "value": value | {"rectanglelabels": ["car"]},
    }  # fmt: skip
    (image,), problems = tasks(tmp_path, {
        "id": 3, "data": {"image": "/data/upload/1/0123abcd-a.png"},
        "annotations": [{"id": 1, "result": [result, {"type": "relation", "from_id": "r1"}]}],
        "predictions": [{"result": [result | {"value": {**value, "x": 50}}]}],
    })  # fmt: skip
    assert problems == []
    assert (image.name, image.width, image.height) == ("0123abcd-a.png", 100, 50)
    assert boxes_of(image) == [("car", 0.1, 0.2, 0.3, 0.4)]


def annotation(*values: Any, **more: Any) -> dict[str, Any]:
    return {"result": [{"value": value} for value in values], **more}


def test_answers_about_the_whole_image_are_no_boxes(tmp_path: Path) -> None:
    car, choice = one_region(rectanglelabels=["car"]), {"choices": ["wet"]}
    images, problems = tasks(
        tmp_path,
        {"data": {"image": "a.jpg"}, "annotations": [annotation(car, choice)]},
        {"data": {"image": "b.jpg"}, "annotations": [annotation(choice)]},
        {"image": "c.jpg", "label": [car], "choice": "wet", "annotation_id": 1},
    )
    assert [(len(image.boxes), image.lost) for image in images] == [(1, 0), (0, 1), (1, 0)]
    assert [problem.partition(": ")[2] for problem in problems] == [
        "task nothing on line 1: 1 answers without a region were skipped"
    ] * 2


@pytest.mark.parametrize(
    "result", [{"a": 1}, "x", ["x"], [{"type": "rectanglelabels", "x": 1}], [{"value": "x"}]]
)
def test_a_result_that_is_no_region_is_lost(tmp_path: Path, result: Any) -> None:
    (image,), problems = tasks(
        tmp_path, {"data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": result}]}
    )
    assert (image.boxes, image.lost) == ((), 1)
    assert len(problems) == 1


def test_several_annotations_of_a_task(tmp_path: Path) -> None:
    """The ground truth is taken alone; what differs is joined, for somebody to look at."""
    car, other = (one_region(x=x, rectanglelabels=["car"]) for x in (10, 12))
    data = {"data": {"image": "a.jpg"}}
    images, problems = tasks(
        tmp_path,
        data | {"annotations": [annotation(car), annotation(other, ground_truth=True)]},
        data | {"annotations": [annotation(car), annotation(other, was_cancelled=True)]},
        data | {"annotations": [annotation(car), annotation(car)]},
        data | {"annotations": [annotation(car), annotation(other)]},
    )
    assert [[box.left for box in image.boxes] for image in images] == [
        [0.12], [0.1], [0.1], [0.1, 0.12]
    ]  # fmt: skip
    assert [image.lost for image in images] == [0, 0, 0, 1]
    assert [problem.partition("line 1: ")[2] for problem in problems] == [
        "it has 2 annotations; the boxes of all were imported"
    ]


@pytest.mark.parametrize("name", ["a.jfif", "a.JPE", "a.mpo"])
def test_an_image_is_found_by_every_supported_extension(tmp_path: Path, name: str) -> None:
    (image,), _ = tasks(tmp_path, {"image": f"/data/upload/1/0123abcd-{name}", "annotation_id": 1})
    assert image.name == f"0123abcd-{name}"


def test_a_task_of_several_images_is_left_out_and_named(tmp_path: Path) -> None:
    images, problems = tasks(tmp_path, {
        "first": "a.jpg", "second": "b.jpg", "label": [one_region(rectanglelabels=["x"])]
    })  # fmt: skip
    assert images == []
    assert problems == ["tasks.json: task nothing on line 1: it names several images: a.jpg, b.jpg"]


@pytest.mark.parametrize(
    "data",
    [
        {"pages": ["a.png", "b.png"]},
        {"pages": [{"page": "/data/upload/1/a.png"}, {"page": "/data/upload/1/b.png"}]},
    ],
)
def test_a_task_of_several_pages_is_left_out_and_named(tmp_path: Path, data: Any) -> None:
    region = one_region(rectanglelabels=["x"], item_index=1)
    for task in ({"data": data, "annotations": [annotation(region)]}, {**data, "label": [region]}):
        images, problems = tasks(tmp_path, task)
        assert images == []
        assert problems[0].endswith("it names several images: a.png, b.png")


def test_relations_without_regions_are_lost(tmp_path: Path) -> None:
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": [relation]}]}
    (image,), problems = tasks(tmp_path, task)
    assert (image.boxes, image.lost, len(problems)) == ((), 1, 1)


@pytest.mark.parametrize(
    ("more", "is_annotated"),
    [
        ({"boxes": [[1, 1, 5, 5]]}, False),
        ({"regions": [{"x": 1}]}, False),
        ({"lineColor": [0, 255, 0, 128], "checked": True, "vqaData": {"question": "?"}}, True),
    ],
)
def test_labelme_without_shapes_but_with_another_list_is_no_empty_image(
    tmp_path: Path, more: Any, is_annotated: bool
) -> None:
    written(tmp_path, {"a.json": labelme(**more)})
    (image,), problems = found_in(tmp_path, "labelme")
    assert (image.boxes, image.is_annotated, len(problems)) == ((), is_annotated, not is_annotated)


@pytest.mark.parametrize(
    "other", ["<track id='0' label='x'/>", "<shapes><box image='a'/></shapes>"]
)
def test_what_is_not_understood_in_cvat_may_be_the_boxes_of_an_image_without(
    tmp_path: Path, other: str
) -> None:
    box = "<box label='car' xtl='1' ytl='1' xbr='5' ybr='5'/>"
    images = f"<image name='a.png'/><image name='b.png'>{box}</image>{other}"
    written(tmp_path, {"a.xml": f"<annotations>{images}</annotations>"})
    found, problems = found_in(tmp_path, "cvat")
    assert [(one.name, one.lost) for one in found] == [("b.png", 0), ("a.png", 1)]
    assert len(problems) == 1


def test_a_video_of_cvat_says_how_to_export_it(tmp_path: Path) -> None:
    written(tmp_path, {"annotations.xml": "<annotations><track id='0' label='x'/></annotations>"})
    images, problems = found_in(tmp_path, "cvat")
    assert images == []
    assert "CVAT for images 1.1" in problems[0]


def test_turning_keeps_the_middle_of_what_turns_about_it() -> None:
    from labeler.datasets.formats.reading import turned

    for degrees in (0, 30, 90, 123.4, 360):
        left, top, width, height = turned(10, 20, 30, 40, degrees, about_center=True)
        assert math.isclose(left + width / 2, 25)
        assert math.isclose(top + height / 2, 40)
        assert width * height >= 30 * 40 - 1e-9
