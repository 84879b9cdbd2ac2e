"""COCO files: the rules for any documents, and other people's readers as witnesses."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tracemalloc
import unicodedata
import warnings
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import globox
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from labeler.datasets.formats.coco_writer import CocoFile, CocoWriter
from labeler.datasets.formats.writing import WriteRequest
from labeler.datasets.manifest import ManifestRecord
from labeler.datasets.rules import MAX_PLACES, ExportRules, ExportSummary, ExportWarning
from labeler.datasets.selection import ALL, Selection
from labeler.errors import DamagedDocument, UnknownLabels
from labeler.images import ImageInfo
from labeler.model.document import AnnotationDocument, Rect, Status, parse_document
from labeler.model.labels import Label, LabelSet, label_key
from tests.strategies import KNOWN, LABELS, SIZES, documents

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for OpenCV, which reading boxes doesn't need
    import supervision


class NoPictures:
    """COCO's file holds none."""

    def original_file(self, image_id: str) -> bytes:
        raise AssertionError("a picture was asked for")

    def image_info(self, image_id: str) -> ImageInfo:
        raise AssertionError("a picture was asked for")


class SelectedImage(NamedTuple):
    """One image on its way into a file; `document` is None where it can't be opened."""

    number: int
    image_id: str
    file_name: str
    document: AnnotationDocument | None


LEFT_OUT_BOXES = (ExportWarning.BAD_LABEL, ExportWarning.SMALL, ExportWarning.TWICE)
LEFT_OUT_IMAGES = (ExportWarning.DAMAGED, ExportWarning.NO_SIZE, ExportWarning.BAD_NAME)


def to_coco(images: Iterable[SelectedImage], labels: LabelSet, choice: Selection = ALL) -> CocoFile:
    """The file of those of `images` that are chosen, as an export makes it."""
    rules = ExportRules(labels, choice)
    with CocoWriter(WriteRequest(labels, choice, NoPictures())) as writer:
        for image in images:
            name = image.file_name or (image.document.image_path if image.document else "")
            result, boxes = rules.apply(image.document, name)
            record = ManifestRecord(image.number, image.image_id, "", "", "", name, result)
            writer.add_image(record, boxes)
        rules.check()
        return writer.finished()


def export(images: list[SelectedImage], labels: LabelSet) -> tuple[bytes, ExportSummary]:
    with to_coco(images, labels) as file:
        return b"".join(file.chunks()), file.summary


def chosen(
    number: int, document: AnnotationDocument | None, file_name: str = "", image_id: str = ""
) -> SelectedImage:
    return SelectedImage(number, image_id, file_name, document)


def labels_for(*found: AnnotationDocument | None) -> LabelSet:
    names = {rect.label for document in found if document for rect in document.rects}
    return LabelSet().added(["never used", *sorted(names)])


def rect(left: float, top: float, width: float, height: float, label: str = "car") -> Rect:
    return Rect(left=left, top=top, width=width, height=height, label=label, id="r")


def document(*rects: Rect, name: str = "a.jpg", **values: Any) -> AnnotationDocument:
    plain = {"rects": rects, "image_path": name, "image_width": 100, "image_height": 60}
    return AnnotationDocument.model_validate(plain | values)


def boxes(data: bytes) -> list[list[float]]:
    return [annotation["bbox"] for annotation in json.loads(data)["annotations"]]


# --- any documents ------------------------------------------------------------------------


ANY_NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-20, 220)
ANY_LENGTH = st.floats(0, allow_infinity=False) | st.floats(0, 220)
ANY_RECT = st.builds(rect, ANY_NUMBER, ANY_NUMBER, ANY_LENGTH, ANY_LENGTH, LABELS)


@st.composite
def stored_documents(draw: st.DrawFn) -> AnnotationDocument:
    """Whatever a bucket may hold: boxes anywhere, twice, of no size, images of no size."""
    width, height = draw(SIZES)
    found = draw(st.lists(ANY_RECT, max_size=3))
    again = draw(st.lists(st.sampled_from(found), max_size=2)) if found else []
    values: dict[str, Any] = {
        "rects": [*found, *again],
        "image_path": draw(
            st.sampled_from(["a.jpg", "A.png", "d/a.jpg", "/a", "../a", "ü '\".gif"])
        ),
        "metadata": draw(KNOWN),
    }
    if draw(st.integers(0, 5)):
        values |= {"image_width": width, "image_height": height}
    return AnnotationDocument.model_validate(values)


@st.composite
def projects(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> list[SelectedImage]:
    found = draw(st.lists(documents, max_size=4))
    steps = draw(st.lists(st.integers(1, 3), min_size=len(found), max_size=len(found)))
    numbers = [sum(steps[: place + 1]) for place in range(len(steps))]
    return [chosen(number, one) for number, one in zip(numbers, found, strict=True)]


def refused(token: str) -> float:
    raise AssertionError(f"{token} is not strict JSON")


def check_rules(data: bytes, labels: LabelSet) -> dict[str, Any]:
    """The content of `data`, which keeps every rule."""
    text = data.decode("ascii")
    content: dict[str, Any] = json.loads(text, parse_constant=refused)
    assert list(content) == ["info", "licenses", "images", "annotations", "categories"]
    categories, images = content["categories"], content["images"]
    assert [one["id"] for one in categories] == list(range(1, len(categories) + 1))
    assert [one["name"] for one in categories] == [label.name for label in labels.labels]
    names = [one["name"] for one in categories]
    assert all(name == unicodedata.normalize("NFC", name.strip()) != "" for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(isinstance(one["supercategory"], str) for one in categories)
    numbers = [one["id"] for one in images]
    assert numbers == sorted(set(numbers))
    assert all(isinstance(number, int) and 1 <= number <= 2**31 - 1 for number in numbers)
    files = [one["file_name"] for one in images]
    assert len(set(files)) == len(files)
    for name in files:
        assert "\\" not in name
        assert not {"", ".", ".."} & set(name.split("/"))
    check_annotations(content["annotations"], {one["id"]: one for one in images}, len(names))
    return content


def check_annotations(
    annotations: list[dict[str, Any]], images: dict[int, dict[str, Any]], categories: int
) -> None:
    assert [one["id"] for one in annotations] == list(range(1, len(annotations) + 1))
    places = [one["image_id"] for one in annotations]
    assert places == sorted(places)
    for one in annotations:
        assert list(one) == [
            "id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation",
        ]  # fmt: skip
        image = images[one["image_id"]]
        assert 1 <= one["category_id"] <= categories
        left, top, width, height = one["bbox"]
        assert all(math.isfinite(number) for number in one["bbox"])
        assert all(number == round(number, 3) for number in one["bbox"])
        assert left >= 0
        assert top >= 0
        assert left + width <= image["width"]
        assert top + height <= image["height"]
        assert min(width, height) >= 1
        assert one["area"] == width * height
        assert (one["iscrowd"], one["segmentation"]) == (0, [])
    keys = [(one["image_id"], one["category_id"], *one["bbox"]) for one in annotations]
    assert len(set(keys)) == len(keys)


@given(projects(stored_documents() | documents(ids=False) | st.none()))
def test_whatever_is_stored_the_file_keeps_every_rule(images: list[SelectedImage]) -> None:
    labels = labels_for(*(image.document for image in images))
    data, summary = export(images, labels)
    content = check_rules(data, labels)
    assert export(images, labels) == (data, summary)
    counted = Counter(one["category_id"] for one in content["annotations"])
    assert summary.boxes == {one.name: counted[one.number] for one in labels.labels}
    assert summary.images == len(content["images"]) == sum(summary.statuses.values())
    assert summary.annotations == len(content["annotations"])
    out = sum(summary.warnings.get(one, 0) for one in LEFT_OUT_IMAGES)
    assert len(images) == summary.images + out + sum(summary.not_chosen.values())
    kept = {one["id"] for one in content["images"]}
    given_boxes = sum(
        len(image.document.rects) for image in images if image.document and image.number in kept
    )
    out = sum(summary.warnings.get(one, 0) for one in LEFT_OUT_BOXES)
    assert given_boxes == summary.annotations + out


@given(projects(documents(sized=True)))
def test_every_box_is_where_it_was(images: list[SelectedImage]) -> None:
    labels = labels_for(*(image.document for image in images))
    data, _ = export(images, labels)
    content = json.loads(data)
    numbers = {label_key(one.name): one.number for one in labels.labels}
    for image in images:
        assert image.document is not None
        if image.document.status is Status.SKIPPED:
            continue
        wanted = {
            (numbers[label_key(one.label)], one.left, one.top, one.width, one.height)
            for one in image.document.rects
            if one.width >= 1.001 and one.height >= 1.001
        }
        found = [
            (one["category_id"], *one["bbox"])
            for one in content["annotations"]
            if one["image_id"] == image.number
        ]
        for box in wanted:
            assert any(box == pytest.approx(other, abs=0.0011) for other in found)


@given(st.integers(1, 20_000), st.data())
def test_a_box_up_to_the_border_stays_inside_in_doubles(limit: int, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, limit * 100 - 100)) / 100
    width = data.draw(st.sampled_from([limit - left, round(limit - left, 2)]))
    found, summary = export(
        [chosen(1, document(rect(left, 0, width, 1), image_width=limit))],
        LabelSet().added(["car"]),
    )
    (box,) = boxes(found)
    assert box[0] + box[2] <= limit
    assert box == pytest.approx([left, 0, width, 1], abs=0.0011)
    assert not summary.warnings


# --- what goes in -------------------------------------------------------------------------


def test_what_was_not_asked_for_is_counted() -> None:
    images = [
        chosen(1, document(metadata={"status": "done"})),
        chosen(2, document(rect(1, 2, 3, 4), metadata={"status": "skipped"}, name="b.jpg")),
        chosen(3, document(name="c.jpg")),
        chosen(4, document(name="d.jpg")),
    ]
    data, summary = export(images, LabelSet())
    assert [one["id"] for one in json.loads(data)["images"]] == [1]
    assert summary.statuses == {Status.DONE: 1}
    assert summary.not_chosen == {Status.UNLABELED: 2, Status.SKIPPED: 1}
    assert summary.warning_lines() == ["Images not asked for: 2 unlabeled, 1 skipped"]
    with to_coco(
        images, labels_for(images[1].document), Selection(frozenset({Status.SKIPPED}))
    ) as file:
        assert file.summary.statuses == {Status.SKIPPED: 1}


def test_an_empty_project_is_a_file_that_loads(tmp_path: Path) -> None:
    data, summary = export([], LabelSet())
    assert check_rules(data, LabelSet())["images"] == []
    assert (summary.images, summary.annotations, summary.warning_lines()) == (0, 0, [])
    assert loaded(data, tmp_path).getImgIds() == []


def test_a_label_counts_by_its_name_ignoring_case_and_stray_white_space() -> None:
    labels = LabelSet().added(["Car", "été"])
    names = ("car", " CAR ", "e\u0301te\u0301")
    found = [rect(left, 0, 2, 2, name) for left, name in enumerate(names)]
    data, summary = export([chosen(1, document(*found))], labels)
    assert [one["category_id"] for one in json.loads(data)["annotations"]] == [1, 1, 2]
    assert summary.boxes == {"Car": 2, "été": 1}


def test_labels_that_the_set_lacks_are_all_named() -> None:
    found = document(*(rect(1, 2, 3, 4, name) for name in ("b", "car", "A", "a ", "B")))
    images = [chosen(1, found), chosen(2, document(rect(1, 2, 3, 4, "ü"), name="b.jpg"))]
    with pytest.raises(UnknownLabels, match="A, B, ü") as caught:
        export(images, LabelSet().added(["car"]))
    assert caught.value.names == ["A", "B", "ü"]
    data, _ = export(images, LabelSet().added(["car"]).added(caught.value.names))
    assert [one["category_id"] for one in json.loads(data)["annotations"]] == [3, 1, 2, 4]


@pytest.mark.parametrize("numbers", [(1, 3), (2, 3), (2, 1), (1, 1)])
def test_labels_whose_numbers_have_a_gap_are_refused(numbers: tuple[int, int]) -> None:
    labels = [
        Label(number=one, name=f"n{place}", color="#000000") for place, one in enumerate(numbers)
    ]
    with pytest.raises(DamagedDocument, match="without gaps"):
        export([], LabelSet(labels=tuple(labels)))


@pytest.mark.parametrize("numbers", [(0,), (2, 2), (2, 1), (2**31,)])
def test_images_come_in_ascending_order_of_numbers(numbers: tuple[int, ...]) -> None:
    images = [chosen(number, document(rect(1, 2, 3, 4))) for number in numbers]
    with pytest.raises(ValueError, match="image number"):
        export(images, LabelSet().added(["car"]))


def test_the_date_is_the_newest_time_in_the_data_in_utc() -> None:
    times = (
        "2023-12-31T23:00:00",
        "2024-01-01T00:30:00+02:00",
        "soon",
        "9999-12-31T23:00:00-05:00",
    )
    images = [
        chosen(number, document(rect(1, 2, 3, 4), metadata={"saved_at": time}, name=f"{number}"))
        for number, time in enumerate(times, start=1)
    ]
    info = json.loads(export(images, LabelSet().added(["car"]))[0])["info"]
    assert info["date_created"] == "2023-12-31T23:00:00+00:00"


# --- what is left out or changed ----------------------------------------------------------


def exported_with_warnings(
    *images: SelectedImage,
) -> tuple[bytes, dict[ExportWarning, int], ExportSummary]:
    data, summary = export(list(images), LabelSet().added(["car"]))
    check_rules(data, LabelSet().added(["car"]))
    return data, summary.warnings, summary


def test_boxes_that_no_reader_takes_are_left_out_and_named() -> None:
    data, found, summary = exported_with_warnings(
        chosen(
            1,
            document(
                rect(1, 2, 0.99, 4),
                rect(1, 2, 4, 0),
                rect(200, 2, 5, 5),
                rect(-5, 2, 5.9, 5),
                rect(1, 2, 3, 4),
                rect(1.001, 2.001, 3.001, 4.001),
                rect(1, 2, 3, 4, "  "),
                rect(1, 2, 3, 4, "x" * 101),
                rect(1, 2, 3, 4, "a\x00b"),
            ),
        )
    )
    assert boxes(data) == [[1, 2, 3, 4]]
    assert found == {ExportWarning.BAD_LABEL: 3, ExportWarning.SMALL: 4, ExportWarning.TWICE: 1}
    assert summary.places[ExportWarning.TWICE] == ("a.jpg",)
    assert summary.warning_lines() == [
        "Boxes left out because they have no proper label: 3 (a.jpg)",
        "Boxes left out because inside the image they are less than 1 px wide or high: 4 (a.jpg)",
        "Boxes left out because the same box is already there: 1 (a.jpg)",
    ]


def test_boxes_beyond_the_border_are_cut_there() -> None:
    data, found, _ = exported_with_warnings(
        chosen(
            1,
            document(
                rect(-5, -5.5, 1000, 1e308),
                rect(95, 55, 5.004, 5.004),
                rect(-1e308, 0, 1.7e308, 1),
                rect(1e308, 0, 1e308, 1),
                rect(-1, 0, 2.13, 1),
            ),
        )
    )
    assert boxes(data) == [[0, 0, 100, 60], [95, 55, 5, 5], [0, 0, 100, 1], [0, 0, 1.13, 1]]
    assert found == {ExportWarning.SMALL: 1, ExportWarning.CUT: 3}


def test_boxes_of_two_labels_in_one_place_both_stay() -> None:
    found = document(rect(1, 2, 3, 4), rect(1, 2, 3, 4, "bus"))
    data, summary = export([chosen(1, found)], LabelSet().added(["car", "bus"]))
    assert boxes(data) == [[1, 2, 3, 4]] * 2
    assert not summary.warnings


def test_images_that_no_reader_takes_are_left_out_and_named() -> None:
    box = rect(1, 2, 3, 4)
    bad = ("/a.jpg", "../a.jpg", "b/../a.jpg", "c\\a.jpg", "C:/a.jpg", "", "a//b.jpg", "a\n.jpg")
    _, found, summary = exported_with_warnings(
        chosen(1, None, "damaged.jpg"),
        chosen(2, document(box, image_width=None)),
        *(chosen(place, document(box, name=name)) for place, name in enumerate(bad, start=3)),
        chosen(99, document(box, name="/a.jpg"), "a.jpg"),
    )
    assert found == {
        ExportWarning.DAMAGED: 1,
        ExportWarning.NO_SIZE: 1,
        ExportWarning.BAD_NAME: len(bad),
    }
    assert summary.images == 1
    assert summary.places[ExportWarning.DAMAGED] == ("damaged.jpg",)
    assert summary.warning_lines()[-1].endswith("path: 8 (/a.jpg, ../a.jpg, b/../a.jpg, …)")


def test_names_that_differ_in_case_or_extension_are_kept_and_reported() -> None:
    box = rect(1, 2, 3, 4)
    names = ("a.jpg", "A.png", "d/a.jpg", "a", ".a", "a.b.jpg", "a.b.png")
    data, found, summary = exported_with_warnings(
        *(chosen(place, document(box), name) for place, name in enumerate(names, start=1))
    )
    assert [one["file_name"] for one in json.loads(data)["images"]] == list(names)
    assert found == {ExportWarning.SIMILAR: 3}
    assert summary.places[ExportWarning.SIMILAR] == ("A.png", "a", "a.b.png")


def test_the_same_name_twice_is_told_apart() -> None:
    def image(number: int, image_id: str, name: str = "a.jpg") -> SelectedImage:
        return chosen(number, document(rect(1, 2, 3, 4)), name, image_id)

    data, found, _ = exported_with_warnings(
        image(1, "x"), image(2, "y"), image(3, "y"), image(4, ""), image(5, "../z")
    )
    assert [one["file_name"] for one in json.loads(data)["images"]] == [
        "a.jpg", "y/a.jpg", "3/y/a.jpg", "4/a.jpg", "5/a.jpg",
    ]  # fmt: skip
    assert found == {ExportWarning.RENAMED: 4}


def test_a_summary_names_no_more_than_a_hundred_places() -> None:
    small = document(rect(1, 2, 0, 0))
    _, found, summary = exported_with_warnings(
        *(chosen(number, small, f"{number}.jpg") for number in range(1, MAX_PLACES + 2))
    )
    assert found[ExportWarning.SMALL] == MAX_PLACES + 1
    assert len(summary.places[ExportWarning.SMALL]) == MAX_PLACES


# --- streaming ----------------------------------------------------------------------------


def test_no_document_is_held_and_the_pieces_are_small() -> None:
    alive: weakref.WeakSet[AnnotationDocument] = weakref.WeakSet()
    rects = [rect(left, 2, 3, 4) for left in range(30)]
    most = 0

    def images() -> Iterator[SelectedImage]:
        nonlocal most
        for number in range(1, 1401):
            one = document(*rects, name=f"{number}.jpg")
            alive.add(one)
            most = max(most, len(alive))
            yield chosen(number, one)

    tracemalloc.start()
    with to_coco(images(), LabelSet().added(["car"])) as file:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        pieces = list(file.chunks())
        assert b"".join(file.chunks()) == b"".join(pieces)
    assert most <= 2
    assert peak < 8_000_000
    assert len(b"".join(pieces)) > 4_800_000
    assert max(map(len, pieces)) <= 2**18
    assert len(json.loads(b"".join(pieces))["annotations"]) == 42_000


def test_a_failure_in_the_middle_is_handed_on() -> None:
    def images() -> Iterator[SelectedImage]:
        yield chosen(1, document(rect(1, 2, 3, 4)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_coco(images(), LabelSet().added(["car"]))


# --- witnesses ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def witnessed() -> tuple[bytes, dict[str, set[tuple[str, float, float, float, float]]]]:
    """A file with boxes of many kinds, and the corners of each by image and label."""
    old = parse_document(
        b'{"rects": [{"left": 150.5, "top": 200.3, "width": 120.8, "height": 180.2,'
        b'"label": "person"}], "image_path": "street.jpg", "image_width": 1920,'
        b'"image_height": 1080, "metadata": {"saved_at": "2023-12-01T14:30:22.123456"}}',
        "street",
    )
    names = ("person", "Car", "猫", '"<b>', "👩‍🚒")
    many = [
        rect(left * 17.33, top * 11.07, 8.5 + left, 9.25 + top, names[(left + top) % 5])
        for left in range(8)
        for top in range(5)
    ]
    found = [
        old,
        document(*many, name="d/ä 'b'.png", image_width=300, image_height=200),
        document(rect(0, 0, 100, 60, "Car"), rect(99, 59, 1, 1, "Car"), name="full.webp"),
        document(metadata={"status": "done"}, name="empty.jpg"),
    ]
    images = [chosen(place * 7, one) for place, one in enumerate(found, start=1)]
    data, summary = export(images, labels_for(*found))
    assert not summary.warnings
    corners = {
        one.image_path: {
            (box.label, box.left, box.top, box.left + box.width, box.top + box.height)
            for box in one.rects
        }
        for one in found
    }
    return data, corners


def assert_same_boxes(found: set[Any], wanted: set[Any]) -> None:
    assert len(found) == len(wanted)
    for label, *corners in wanted:
        assert any(
            label == one[0] and corners == pytest.approx(one[1:], abs=0.006) for one in found
        )


def loaded(data: bytes, folder: Path) -> COCO:
    path = folder / "dataset.json"
    path.write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(path)


def test_pycocotools_reads_every_box(witnessed: Any, tmp_path: Path) -> None:
    data, corners = witnessed
    coco = loaded(data, tmp_path)
    for image in coco.loadImgs(coco.getImgIds()):
        found = set()
        for one in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            left, top, width, height = one["bbox"]
            (category,) = coco.loadCats([one["category_id"]])
            found.add((category["name"], left, top, left + width, top + height))
        assert_same_boxes(found, corners[image["file_name"]])
    assert {image["file_name"] for image in coco.imgs.values()} == set(corners)


def test_detections_equal_to_the_file_score_full_precision(witnessed: Any, tmp_path: Path) -> None:
    truth = loaded(witnessed[0], tmp_path)
    detections = [
        {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for one in truth.dataset["annotations"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        result = COCOeval(truth, truth.loadRes(detections), "bbox")
        result.evaluate()
        result.accumulate()
        result.summarize()
    assert result.stats[0] == pytest.approx(1.0)


def test_globox_reads_every_box(witnessed: Any, tmp_path: Path) -> None:
    data, corners = witnessed
    path = tmp_path / "dataset.json"
    path.write_bytes(data)
    found = {
        one.image_id: {(box.label, box.xmin, box.ymin, box.xmax, box.ymax) for box in one.boxes}
        for one in globox.AnnotationSet.from_coco(path)
    }
    assert found.keys() == corners.keys()
    for name, wanted in corners.items():
        assert_same_boxes(found[name], wanted)


def test_supervision_reads_every_box(witnessed: Any, tmp_path: Path) -> None:
    data, corners = witnessed
    path = tmp_path / "dataset.json"
    path.write_bytes(data)
    dataset = supervision.DetectionDataset.from_coco(str(tmp_path), str(path))
    names = {str(tmp_path / name): name for name in corners}
    assert set(dataset.image_paths) == set(names)
    for image_path, detections in dataset.annotations.items():
        assert detections.class_id is not None
        found = {
            (dataset.classes[category], *map(float, box))
            for box, category in zip(detections.xyxy, detections.class_id, strict=True)
        }
        assert_same_boxes(found, corners[names[image_path]])
