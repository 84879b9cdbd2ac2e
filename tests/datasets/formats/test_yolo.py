"""YOLO read: Ultralytics' layout, texts beside images, outlines; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.errors import InvalidImport
from tests.datasets.formats.support import Content, boxes_of, found_in, written, zipped

YAML = "path: .\ntrain: images/train\nnames:\n  0: person # a comment\n  1: 'traffic light'\n"


def one(tmp_path: Path, text: str, yaml: str = YAML) -> tuple[list[tuple[object, ...]], list[str]]:
    written(tmp_path, {"data.yaml": yaml, "labels/a.txt": text})
    images, problems = found_in(tmp_path, "yolo")
    return [tuple(box) for box in boxes_of(images[0])], problems


@pytest.mark.parametrize("packed", [False, True])
def test_ultralytics_layout(tmp_path: Path, packed: bool) -> None:
    files: dict[str, Content] = {
        "set/data.yaml": YAML,
        "set/labels/train/street/a.txt": "0 0.5 0.5 0.2 0.4\n\n1 0.25 0.5 0.5 1 0.9\r\n",
        "set/labels/val/b.txt": "",
        "set/images/train/street/a.jpg": b"",
        "set/README.dataset.txt": "words for people",
        "set/train.txt": "./images/train/street/a.jpg",
    }
    path = zipped(tmp_path / "x.zip", files) if packed else written(tmp_path, files)
    (first, second), problems = found_in(path, "yolo")
    assert not problems
    assert (first.name, first.any_extension) == ("set/images/train/street/a.jpg", False)
    assert first.shares
    assert boxes_of(first) == [("person", 0.4, 0.3, 0.2, 0.4), ("traffic light", 0, 0, 0.5, 1)]
    assert (second.name, second.any_extension, second.boxes) == ("set/images/val/b", True, ())


def test_roboflow_layout_and_names_in_a_list(tmp_path: Path) -> None:
    written(tmp_path, {
        "data.yaml": "nc: 2\nnames: ['a', \"b\"]", "train/labels/x.txt": "1 0.5 0.5 1 1",
    })  # fmt: skip
    images, problems = found_in(tmp_path, "yolo")
    assert not problems
    assert images[0].name == "train/images/x"
    assert boxes_of(images[0]) == [("b", 0, 0, 1, 1)]


@pytest.mark.parametrize("names", ["classes.txt", "obj.names", "sub/classes.txt"])
def test_texts_beside_their_images(tmp_path: Path, names: str) -> None:
    written(tmp_path, {names: "\ufeffcat\ndog\n\n", "sub/x.txt": "1 0.5 0.5 1 1", "sub/x.png": b""})
    images, problems = found_in(tmp_path, "yolo")
    assert not problems
    assert images[0].name == "sub/x"
    assert boxes_of(images[0]) == [("dog", 0, 0, 1, 1)]


def test_outlines_and_keypoints(tmp_path: Path) -> None:
    outline = "0 0.1 0.2 0.5 0.2 0.5 0.6\n"
    assert one(tmp_path, outline) == ([("person", 0.1, 0.2, 0.4, 0.4)], [])
    keypoints = "0 0.5 0.5 0.2 0.2 0.4 0.4 2 0.6 0.6 2 0.1 0.1 0\n"
    yaml = YAML + "kpt_shape: [3, 3]\n"
    for behind in ("", " 0.9", " 0.9 5"):
        given = keypoints.strip() + behind
        assert one(tmp_path, given, yaml) == ([("person", 0.4, 0.4, 0.2, 0.2)], [])
    boxes, problems = one(tmp_path, "0 0.1 0.2 0.5 0.2 0.5 0.6", yaml)
    assert boxes == []
    assert "are not a box and the 9 of its key points" in problems[0]
    with pytest.raises(InvalidImport, match="`kpt_shape` is '17', not two numbers"):
        one(tmp_path, keypoints, YAML + "kpt_shape: 17\n")


def test_lines_end_in_every_way(tmp_path: Path) -> None:
    lines = "0 0.5 0.5 0.2 0.2", "1 0.5 0.5 1 1"
    expected = [("person", 0.4, 0.4, 0.2, 0.2), ("traffic light", 0, 0, 1, 1)]
    for end in ("\n", "\r\n", "\r"):
        assert one(tmp_path, "\ufeff" + end.join(lines) + end) == (expected, [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.5 0.5 0.2", "it has 4 numbers; a box has five"),
        ("0 0.5 nan 0.2 0.2", "'nan' is not a finite number"),
        ("0 0.5 inf 0.2 0.2", "'inf' is not a finite number"),
        ("0 0.5 1e999 0.2 0.2", "not a finite number"),
        ("0 -1e308 0.5 1e308 0.2", "a number is too large"),
        ("0 0.5 x 0.2 0.2", "'x' is not a number"),
        ("7 0.5 0.5 0.2 0.2", "there is no name for class 7"),
        ("0.5 0.5 0.5 0.2 0.2", "there is no name for class 0.5"),
        ("nan 0.5 0.5 0.2 0.2", "not a finite number"),
        ("0 0.1 0.2 0.3 0.4 5 0.6 0.7", "are neither a box nor an outline"),
        # A box with confidence and track, or a triangle.
        ("0 0.5 0.5 0.2 0.2 0.4 1", "may be a box or an outline"),
        # A box with one key point, or a triangle with a confidence.
        ("0 0.5 0.5 0.2 0.2 0.55 0.45 0.9", "may be a box or an outline"),
        ("0 0.5 0.5 0.2 0.2 0.5 0.5 2 0.5 0.5 2", "are neither a box nor an outline"),
        # Three predicted key points, one outside of the box, or an outline with a confidence.
        ("0 0.5 0.5 0.2 0.2 0.55 0.45 0.9 0.35 0.5 0.8 0 0 0", "may be a box or an outline"),
        ("0 320 240 100 80", "not shares of the image, from 0 to 1, but pixels"),
        ("0 0.5 0.5 0.2 0.2 -0.35", "-0.35 is neither a confidence nor a track"),
        ("0 0.5 0.5 0.2 0.2 1.57", "1.57 is neither a confidence nor a track"),
        ("0 0,5 0,5 0,2 0,2", "'0,5' is not a number"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_imported(
    tmp_path: Path, line: str, words: str
) -> None:
    boxes, problems = one(tmp_path, f"0 0.5 0.5 0.2 0.4\n{line}\n1 0.5 0.5 1 1")
    assert [box[0] for box in boxes] == ["person", "traffic light"]
    assert len(problems) == 1
    assert problems[0].startswith("labels/a.txt: line 2: ")
    assert words in problems[0]


def test_a_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    written(tmp_path, {
        "data.yaml": YAML, "labels/a.txt": b"\xff\xfe0\x00", "labels/b.txt": "0 .5 .5 1 1"
    })  # fmt: skip
    images, problems = found_in(tmp_path, "yolo")
    assert [image.name for image in images] == ["images/b"]
    assert problems == ["labels/a.txt: it is not UTF-8 text. Save it as UTF-8"]


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("names: [a", "not valid YAML"),
        ("names: 5", "`names` is not a list"),
        ("names: {a: b}", "'a' is not the number of a class"),
        ("names: {0: [b]}", "the name of class '0'"),
        ("a: &x [1]\nnames: *x", "an alias may stand for one short value only"),
        ("names: &x [*x]", "an alias may stand for one short value only"),
        ("names: *x", "an alias may stand for one short value only"),
        (f"a: &x {'n' * 1001}\nnames: [*x, *x]", "an alias may stand for one short value only"),
        ("names: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("[" * 5000, "nested too deep"),
        ("nc: 3", "does not say what its classes are called"),
        ("x: " + "y" * 2**18, "larger than"),
    ],
)
def test_bad_names_are_refused(tmp_path: Path, yaml: str, words: str) -> None:
    with pytest.raises(InvalidImport) as raised:
        one(tmp_path, "0 0.5 0.5 0.2 0.2", yaml)
    assert words in raised.value.message


def test_without_labels_there_is_nothing_to_import(tmp_path: Path) -> None:
    written(tmp_path, {"data.yaml": YAML, "images/a.jpg": b""})
    with pytest.raises(InvalidImport, match="holds no YOLO labels"):
        found_in(tmp_path, "yolo")


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.5 0.5 0.2 0.2 0.91 7", (0.4, 0.4, 0.2, 0.2)),
        ("0 0.5 0.5 0.2 0.2 7", (0.4, 0.4, 0.2, 0.2)),
        ("0 0.1 0.2 0.5 0.2 0.3 0.6", (0.1, 0.2, 0.4, 0.4)),
        ("0 0.1 0.2 0.5 0.2 0.3 0.6 0.9", (0.1, 0.2, 0.4, 0.4)),
        ("0 0.1 0.2 0.5 0.2 0.3 0.6 0.9 12", (0.1, 0.2, 0.4, 0.4)),
    ],
)
def test_what_stands_behind_a_box_or_an_outline_is_no_corner(
    tmp_path: Path, line: str, box: tuple[float, ...]
) -> None:
    boxes, problems = one(tmp_path, line)
    assert problems == []
    assert boxes[0][1:] == pytest.approx(box)


def test_every_scalar_of_yaml_is_a_name(tmp_path: Path) -> None:
    yaml = "names: {'0': no, 1: 007, 2: 1.10, 3: null, 4: 2024-01-01, 5: 0x1F}"
    boxes, _ = one(tmp_path, "\n".join(f"{kind} 0.5 0.5 0.1 0.1" for kind in range(6)), yaml)
    assert [box[0] for box in boxes] == ["no", "007", "1.10", "null", "2024-01-01", "0x1F"]
    with pytest.raises(InvalidImport, match="class 1 has two names"):
        one(tmp_path, "", "names: {1: a, '01': b}")


def test_lists_of_classes_and_of_images_among_labels_are_no_labels(tmp_path: Path) -> None:
    written(tmp_path, {
        "labels/a.txt": "0 .5 .5 .2 .2", "labels/classes.txt": "car\nbig truck\n",
        "labels/names.txt": "car\nbig truck\n", "labels/train2017.txt": "./images/a.jpg\n",
        "labels/empty.txt": "", "labels/fold1.txt": "a\nempty\n",
    })  # fmt: skip
    images, problems = found_in(tmp_path, "yolo")
    assert problems == []
    assert [image.name for image in images] == ["images/a", "images/empty"]


def test_an_alias_may_stand_for_a_path_or_a_name(tmp_path: Path) -> None:
    yaml = "train: &images images\nval: *images\nfirst: &car car\nnames: [*car, bus]"
    written(tmp_path, {"data.yaml": yaml, "labels/a.txt": "0 0.5 0.5 0.2 0.2"})
    (image,), problems = found_in(tmp_path, "yolo")
    assert ([box.label for box in image.boxes], problems) == (["car"], [])


@pytest.mark.parametrize("name", ["test", "train", "val"])
def test_an_image_called_like_a_list_keeps_its_boxes(tmp_path: Path, name: str) -> None:
    boxes = "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2 0.9\n"
    written(tmp_path, {"classes.txt": "car", "a.txt": "", f"{name}.txt": boxes})
    images, problems = found_in(tmp_path, "yolo")
    assert {image.name: len(image.boxes) for image in images} == {"a": 0, name: 2}
    assert problems == []


def test_an_empty_text_of_an_image_called_like_a_list_is_no_list(tmp_path: Path) -> None:
    files: dict[str, Content] = {"data.yaml": "names: [car]"}
    files |= {f"labels/{name}.txt": "" for name in ("a", "test", "val")}
    written(tmp_path, {**files, "images/test.png": b""})
    images, _ = found_in(tmp_path, "yolo")
    assert [image.name for image in images] == ["images/a", "images/test"]
