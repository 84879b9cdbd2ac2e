"""COCO read: every numbering, every kind of outline, by what pycocotools makes of the same."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from labeler.datasets.formats.coco import box_of_runs
from labeler.errors import InvalidImport
from tests.datasets.formats.support import Content, box_of, boxes_of, found_in, written, zipped
from tests.pictures import REAL

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for OpenCV, which reading boxes doesn't need
    import supervision

IMAGES = [{"id": 7, "file_name": "a.jpg", "width": 64, "height": 48}]
CATEGORIES = [{"id": 3, "name": "car"}, {"id": 90, "name": "dog"}]


def coco_file(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    numbered = [
        {"id": index, "image_id": 7, "category_id": 3, **values}
        for index, values in enumerate(annotations, 1)
    ]
    return {"images": IMAGES, "categories": CATEGORIES, "annotations": numbered, **more}


def one(path: Path, **annotation: Any) -> tuple[list[Any], list[str]]:
    """The boxes of the one image of a file with that annotation, and the problems."""
    written(path, {"set.json": coco_file(annotation)})
    images, problems = found_in(path / "set.json", "coco")
    return boxes_of(images[0]), problems


def test_ids_are_any_numbers_or_texts_and_lists_in_any_order(tmp_path: Path) -> None:
    first = {"image_id": "x", "category_id": 0, "bbox": [1, 2, 3, 4]}
    content = {
        "annotations": [
            {"id": 9, "image_id": -5, "category_id": 2**70, "bbox": [5, 6.5, 7, 8], "iscrowd": 1},
            {"id": 2**80, **first},
            {"id": 4, "image_id": -5, "category_id": 0, "bbox": [9, 9, 9, 9]},
        ],
        "images": [
            {"id": "x", "file_name": "b\\x.jpg"},
            {"id": "none", "file_name": "empty.jpg", "width": 3, "height": 4},
            {"id": -5, "file_name": "c.jpg", "width": 0, "height": None},
        ],
        "licenses": [1, {"a": [2]}, "x"],
        "info": {"year": 2017},
        "categories": [{"id": 2**70, "name": "Ü b"}, {"id": 0, "name": "zero"}],
    }
    written(tmp_path, {"set.json": content})
    images, problems = found_in(tmp_path / "set.json", "coco")
    assert not problems
    assert [(image.name, image.width, image.height) for image in images] == [
        ("b/x.jpg", None, None), ("empty.jpg", 3, 4), ("c.jpg", None, None),
    ]  # fmt: skip
    assert boxes_of(images[0]) == [("zero", 1, 2, 3, 4)]
    assert images[1].boxes == ()
    assert boxes_of(images[2]) == [("Ü b", 5, 6.5, 7, 8), ("zero", 9, 9, 9, 9)]
    assert [dict(box.attributes) for box in images[2].boxes] == [{"iscrowd": 1}, {}]
    assert [box.place for box in images[2].boxes] == ["annotation 9", "annotation 4"]


def test_polygons_and_runs_stand_for_a_missing_box(tmp_path: Path) -> None:
    polygons = [[10, 20, 30, 20, 30, 40.5], [5, 25, 6, 25, 6, 26]]
    assert one(tmp_path, segmentation=polygons) == ([("car", 5, 20, 25, 20.5)], [])
    runs = {"size": [48, 64], "counts": [48 * 3 + 5, 2, 46, 2, 48 * 60 - 7]}
    assert one(tmp_path, segmentation=runs, bbox=[]) == ([("car", 3, 5, 2, 2)], [])
    # A box that is there counts, whatever the outline says.
    assert one(tmp_path, segmentation=runs, bbox=[1, 1, 2, 2]) == ([("car", 1, 1, 2, 2)], [])


@pytest.mark.parametrize("seed", range(30))
def test_runs_have_the_box_that_pycocotools_finds(seed: int) -> None:
    source = random.Random(seed)
    height, width = source.randint(1, 40), source.randint(1, 40)
    picture = np.zeros((height, width), dtype=np.uint8, order="F")
    for _ in range(source.randint(1, 4)):
        y, x = source.randrange(height), source.randrange(width)
        picture[y : y + source.randint(1, 9), x : x + source.randint(1, 9)] = 1
    packed = mask.encode(picture)
    expected = tuple(float(value) for value in mask.toBbox(packed))
    assert box_of_runs([height, width], packed["counts"].decode()) == expected
    flat = picture.flatten("F")
    edges = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), flat.size]
    runs = ([0] if flat[0] else []) + np.diff(edges).tolist()
    assert box_of_runs([height, width], runs) == expected


@given(
    st.text(max_size=30)
    | st.lists(st.integers(-5, 3000), max_size=8)
    | st.sampled_from([None, 5, ["x"]])
)
def test_runs_of_any_kind_are_a_box_inside_the_image_or_refused(counts: Any) -> None:
    try:
        left, top, width, height = box_of_runs([40, 50], counts)
    except ValueError:
        return
    assert left >= 0 < width
    assert top >= 0 < height
    assert left + width <= 50
    assert top + height <= 40


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ({}, "its bbox is nothing, not four numbers"),
        ({"bbox": [1, 2, 3]}, "not four numbers"),
        ({"bbox": [1, 2, "3", 4]}, "'3' is not a number"),
        ({"bbox": [1, 2, True, 4]}, "True is not a number"),
        ({"bbox": [1, 2, 10**400, 4]}, "a number is too large"),
        ({"bbox": [1, 2, 1e13, 4]}, "a number is too large"),
        ({"segmentation": [[1, 2, 3]]}, "not a list of polygons"),
        ({"segmentation": {"size": [48], "counts": []}}, "the size of its mask"),
        ({"segmentation": {"size": [48, 64], "counts": [5]}}, "don't fill it"),
        ({"bbox": [1, 2, 3, 4], "category_id": 8}, "there is no category 8"),
        ({"bbox": [1, 2, 3, 4], "category_id": None}, "its category_id is nothing"),
    ],
)
def test_a_bad_annotation_is_named_and_the_others_are_imported(
    tmp_path: Path, annotation: dict[str, Any], problem: str
) -> None:
    written(tmp_path, {"set.json": coco_file(annotation, {"bbox": [1, 2, 3, 4]})})
    images, problems = found_in(tmp_path / "set.json", "coco")
    assert boxes_of(images[0]) == [("car", 1, 2, 3, 4)]
    assert images[0].lost == 1
    assert len(problems) == 1
    assert problems[0].startswith("set.json: annotation 1: ")
    assert problem in problems[0]


def test_bad_images_categories_and_strays_are_named(tmp_path: Path) -> None:
    content = coco_file({"bbox": [1, 1, 1, 1], "image_id": 99}, {"bbox": [1, 1, 2, 2]})
    content["annotations"].append({"image_id": 7, "category_id": 90, "bbox": [3, 3, 3, 3]})
    content["images"] = [*IMAGES, *IMAGES, {"id": 8}, "x"]
    content["categories"] = [*CATEGORIES, {"id": 3, "name": "bus"}, {"id": 5}]
    content["annotations"].append("x")
    written(tmp_path, {"set.json": content})
    images, problems = found_in(tmp_path / "set.json", "coco")
    # What is called `car` and `bus` may be either.
    assert [boxes_of(image) for image in images] == [[("dog", 3, 3, 3, 3)]]
    assert images[0].lost == 1
    for words in (
        "image 7: another image has this id",
        "image 8: its file_name is nothing, not a text",
        "'x' is not an object",
        "category 3 has two names",
        "its name is nothing",
        "annotation 1: there is no image 99",
        "annotation 2: its category 3 has two names",
    ):
        assert any(words in problem for problem in problems), (words, problems)
    assert len(problems) == 8


def test_two_images_of_one_id_get_the_boxes_of_neither(tmp_path: Path) -> None:
    content = coco_file({"bbox": [1, 1, 2, 2]})
    content["images"] = [*IMAGES, {"id": "7", "file_name": "b.jpg"}]
    written(tmp_path, {"set.json": content})
    (image,), problems = found_in(tmp_path / "set.json", "coco")
    assert (image.name, image.boxes, image.lost) == ("a.jpg", (), 1)
    assert problems == ["set.json: image '7': another image has this id"]


@pytest.mark.parametrize("size", [(64, 48), (64.0, 48.0), ("64", "48"), (0, None), ("?", -1)])
def test_a_size_is_a_number_in_whatever_type(tmp_path: Path, size: Any) -> None:
    content = coco_file({"bbox": [1, 1, 2, 2]})
    content["images"] = [IMAGES[0] | {"width": size[0], "height": size[1]}]
    written(tmp_path, {"set.json": content})
    (image,), _ = found_in(tmp_path / "set.json", "coco")
    known = str(size[0]).startswith("64")
    assert (image.width, image.height) == ((64, 48) if known else (None, None))


def test_a_list_beside_the_annotations_leaves_an_image_without_boxes_as_it_is(
    tmp_path: Path,
) -> None:
    content = coco_file({"bbox": [1, 1, 2, 2]}, regions=[{"image_id": 8, "x": 1}, {"image_id": 8}])
    content["images"] = [*IMAGES, {"id": 8, "file_name": "b.jpg"}]
    written(tmp_path, {"set.json": content})
    (first, second), problems = found_in(tmp_path / "set.json", "coco")
    assert (len(first.boxes), first.lost, first.is_annotated) == (1, 0, True)
    assert (second.boxes, second.lost, second.is_annotated) == ((), 0, False)
    assert problems == ["set.json: its elements of `regions` were skipped (2)"]


@pytest.mark.parametrize(
    "element", [{"imageId": 7}, {"img": "a.jpg"}, {"box": [[1, 1], [5, 5]]}, [[1, 1, 5, 5]]]
)
def test_an_unknown_list_may_hold_the_boxes_of_an_image_without(
    tmp_path: Path, element: Any
) -> None:
    written(tmp_path, {"set.json": coco_file(objects=[element])})
    (image,), problems = found_in(tmp_path / "set.json", "coco")
    assert (image.boxes, image.is_annotated) == ((), False)
    assert problems == ["set.json: its elements of `objects` were skipped (1)"]


def test_a_box_of_zeros_gives_way_to_the_outline(tmp_path: Path) -> None:
    outline = [[1, 2, 6, 2, 6, 9]]
    content = coco_file({"bbox": [0, 0, 0, 0], "segmentation": outline}, {"bbox": [0, 0, 0, 0]})
    written(tmp_path, {"set.json": content})
    (image,), _ = found_in(tmp_path / "set.json", "coco")
    assert [box[1:5] for box in image.boxes] == [(1, 2, 5, 7), (0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("more", "is_annotated"),
    [
        ({}, True),
        ({"categories": []}, False),
        ({"images": [IMAGES[0] | {"annotations": [{"bbox": [1, 2, 3, 4]}]}]}, False),
        ({"images": [IMAGES[0] | {"neg_category_ids": [3], "extra": {"name": "x"}}]}, True),
        ({"images": [IMAGES[0] | {"boxes": [[1, 1, 5, 5]]}]}, False),
        ({"images": [IMAGES[0] | {"objects": {"bbox": [[1, 1, 5, 5]], "category": [0]}}]}, False),
        ({"images": [IMAGES[0] | {"boxes": [], "gps": {"at": []}, "tags": ["night"]}]}, True),
        ({"videos": [{"id": 1, "file_names": ["a.jpg"]}], "licenses": [{"id": 1}]}, True),
    ],
)
def test_an_image_that_nobody_could_label_there_is_no_empty_one(
    tmp_path: Path, more: dict[str, Any], is_annotated: bool
) -> None:
    written(tmp_path, {"set.json": coco_file(**more)})
    (image,), problems = found_in(tmp_path / "set.json", "coco")
    assert (image.boxes, image.lost, image.is_annotated) == ((), 0, is_annotated)
    assert problems == []


@pytest.mark.parametrize(
    ("info", "as_displayed"),
    [({"contributor": "Label Studio"}, True), ({"contributor": "me"}, False), ([1], False)],
)
def test_label_studio_draws_on_the_photo_as_displayed(
    tmp_path: Path, info: Any, as_displayed: bool
) -> None:
    written(tmp_path, {"set.json": coco_file({"bbox": [1, 2, 3, 4]}, info=info)})
    (image,), _ = found_in(tmp_path / "set.json", "coco")
    assert image.as_displayed is as_displayed


def test_a_panoptic_segmentation_is_called_so(tmp_path: Path) -> None:
    boxes, problems = one(tmp_path, segments_info=[{"id": 5, "bbox": [1, 2, 3, 4]}])
    assert boxes == []
    assert "annotation 1: it is of a panoptic segmentation" in problems[0]


def test_folders_and_zips_may_hold_several_files(tmp_path: Path) -> None:
    other = coco_file({"bbox": [5, 5, 5, 5]})
    other["images"] = [{"id": 7, "file_name": "b.jpg"}]
    files: dict[str, Content] = {
        "annotations/train.json": coco_file({"bbox": [1, 2, 3, 4]}),
        "annotations/val.json": other,
        "package.json": {"name": "no dataset"},
        "train/a.jpg": b"",
    }
    written(tmp_path / "folder", files)
    for path in (tmp_path / "folder", zipped(tmp_path / "set.zip", files)):
        images, problems = found_in(path, "coco")
        assert [image.name for image in images] == ["a.jpg", "b.jpg"]
        assert boxes_of(images[1]) == [("car", 5, 5, 5, 5)]
        assert problems == ["package.json: it is not a COCO dataset: it has no list `images`"]


@pytest.mark.parametrize("content", [{}, {"annotations": []}, [], [{"image_id": 1}]])
def test_what_is_no_coco_is_refused(tmp_path: Path, content: Any) -> None:
    written(tmp_path, {"set.json": content})
    with pytest.raises(InvalidImport, match=r"set\.json is not a COCO dataset"):
        found_in(tmp_path / "set.json", "coco")


def _given(values: Any) -> Any:
    assert values is not None
    return values


@pytest.mark.skipif(not REAL.exists(), reason="no real photos here")
def test_a_real_file_is_read_as_supervision_reads_it() -> None:
    path = REAL / "coco_cc60"
    images, problems = found_in(path / "instances.json", "coco")
    assert not problems
    witness = supervision.DetectionDataset.from_coco(
        str(path / "images"), str(path / "instances.json")
    )
    theirs = {
        Path(name).name: sorted(
            (witness.classes[kind], *map(float, edges))
            for edges, kind in zip(found.xyxy, _given(found.class_id), strict=True)
        )
        for name, found in witness.annotations.items()
    }
    assert len(images) == 60
    for image in images:
        ours = sorted(
            (label, x, y, x + width, y + height)
            for label, x, y, width, height in map(box_of, image.boxes)
        )
        for our, their in zip(ours, theirs[image.name], strict=True):
            assert our[0] == their[0]
            assert our[1:] == pytest.approx(their[1:], abs=0.001)


@pytest.mark.parametrize(
    ("annotation", "boxes", "lost"),
    [
        ({"image_id": "1"}, 1, 0),
        ({"image_id": 1.0}, 1, 0),
        ({"image_id": "a.jpg"}, 1, 0),
        ({"image_id": None}, 0, 1),
        ({"image_id": 1.5}, 0, 1),
        ({"image_id": 77}, 0, 1),
        ({"category_id": "7"}, 1, 0),
        ({"category_id": None}, 0, 1),
        ({"bbox": None, "keypoints": [1, 2, 2]}, 0, 1),
        ({"bbox": None, "segments_info": [{"id": 5}]}, 0, 1),
    ],
)
def test_an_annotation_that_is_not_understood_is_lost_never_nothing(
    tmp_path: Path, annotation: dict[str, Any], boxes: int, lost: int
) -> None:
    given = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]} | annotation
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 7, "name": "car"}],
        "annotations": [given],
    }
    written(tmp_path, {"set.json": content})
    (image,), problems = found_in(tmp_path / "set.json", "coco")
    assert (len(image.boxes), image.lost) == (boxes, lost)
    assert len(problems) == lost


def test_a_list_of_images_alone_is_refused(tmp_path: Path) -> None:
    content = {"images": [{"id": 1, "file_name": "a.jpg"}], "categories": []}
    written(tmp_path, {"set.json": content})
    with pytest.raises(InvalidImport, match="has no list `annotations`"):
        found_in(tmp_path / "set.json", "coco")


def test_captions_say_nothing_of_boxes(tmp_path: Path) -> None:
    caption = {"id": 1, "image_id": 1, "caption": "a street"}
    content = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [caption]}
    written(tmp_path, {"captions.json": content})
    (image,), problems = found_in(tmp_path / "captions.json", "coco")
    assert (image.boxes, image.lost, image.is_annotated) == ((), 0, False)
    assert problems == ["captions.json: its captions were skipped (1)"]


def test_the_name_of_lvis_is_the_end_of_its_address(tmp_path: Path) -> None:
    image = {"id": 1, "coco_url": "http://images.cocodataset.org/train2017/0001%20a.jpg"}
    written(tmp_path, {"lvis.json": {"images": [image], "annotations": []}})
    (found,), problems = found_in(tmp_path / "lvis.json", "coco")
    assert (found.name, problems) == ("0001 a.jpg", [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"shapes": [], "imagePath": "a.jpg"}, "of labelme"),
        ([{"id": 1, "image": "a.jpg"}], "of Label Studio"),
        ([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}], "of a detector"),
        ([{"name": "x"}], "no list `images`.$"),
    ],
)
def test_a_file_of_another_format_says_which(tmp_path: Path, content: Any, words: str) -> None:
    written(tmp_path, {"set.json": content})
    with pytest.raises(InvalidImport, match=words):
        found_in(tmp_path / "set.json", "coco")
