"""Pascal VOC read: LabelImg's numbers as they are, the official sets' from 1."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from labeler.datasets.formats.voc import Convention
from labeler.errors import InvalidImport
from tests.datasets.formats.support import boxes_of, found_in, written
from tests.pictures import REAL

LABELIMG = """<annotation verified="yes">
  <folder>photos</folder><filename>a b.jpg</filename><path>/home/x/photos/a b.jpg</path>
  <source><database>Unknown</database></source>
  <size><width>64</width><height>48</height><depth>3</depth></size><segmented>0</segmented>
  <object><name>dog</name><pose>Unspecified</pose><truncated>1</truncated>
    <difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>22.5</ymax></bndbox></object>
</annotation>"""
OFFICIAL = """<annotation><folder>VOC2012</folder><filename>2007_000027.jpg</filename>
  <source><database>The VOC2007 Database</database></source>
  <size><width>64</width><height>48</height></size>
  <object><name>person</name><pose>Left</pose><difficult>1</difficult><occluded>1</occluded>
    <bndbox><xmax>64</xmax><xmin>1</xmin><ymin>1</ymin><ymax>48</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>
</annotation>"""


def test_both_conventions_are_told_apart_or_given(tmp_path: Path) -> None:
    written(tmp_path, {"Annotations/a.xml": LABELIMG, "Annotations/b.xml": OFFICIAL})
    (labelimg, official), problems = found_in(tmp_path, "voc")
    assert boxes_of(labelimg) == [("dog", 1, 2, 10, 20.5)]
    assert dict(labelimg.boxes[0].attributes) == {"truncated": 1}
    assert (labelimg.name, labelimg.width, labelimg.height) == ("a b.jpg", 64, 48)
    assert not labelimg.any_extension
    assert boxes_of(official) == [("person", 0, 0, 64, 48)]
    assert dict(official.boxes[0].attributes) == {"difficult": 1, "occluded": 1, "pose": "Left"}
    assert problems == ["Annotations/b.xml: part on line 6: parts of objects are skipped"]
    for convention, left in ((Convention.OFFICIAL, 0), (Convention.LABELIMG, 1)):
        for image in found_in(tmp_path, "voc", convention)[0]:
            assert image.boxes[0].left == left


@pytest.mark.parametrize(
    ("filename", "name", "any_extension"),
    [
        ("<filename>x.png</filename>", "x.png", False),
        ("<filename>x</filename>", "x", True),
        ("<filename></filename>", "own", True),
        ("", "own", True),
        ("<filename>t/x.png</filename>", "t/x.png", False),
        ("<filename>c:\\d\\x.png</filename>", "c:/d/x.png", False),
    ],
)
def test_the_files_own_name_counts(
    tmp_path: Path, filename: str, name: str, any_extension: bool
) -> None:
    written(tmp_path, {"Annotations/sub/own.xml": f"<annotation>{filename}</annotation>"})
    (image,), problems = found_in(tmp_path, "voc")
    assert (image.name, image.any_extension) == (name, any_extension)
    assert (image.width, image.height, problems) == (None, None, [])


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("<bndbox><xmin>1</xmin></bndbox><name>x</name>", "nothing is not a number"),
        ("<name>x</name>", "it has no bndbox"),
        ("<name>x</name><robndbox><cx>1</cx></robndbox>", "nothing is not a number"),
        ("<name>x</name><obox><cx>1</cx></obox>", "no bndbox, but <obox>"),
        ("<bndbox/>", "it has no name"),
        (
            "<name>x</name><bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
            "</bndbox>",
            "'nan' is not a finite number",
        ),
        (
            "<name>x</name><bndbox><xmin>-1e308</xmin><ymin>1</ymin><xmax>1e308</xmax>"
            "<ymax>2</ymax></bndbox>",
            "a number is too large",
        ),
    ],
)
def test_a_bad_object_is_named_and_the_others_are_imported(
    tmp_path: Path, inner: str, words: str
) -> None:
    good = "<object>" + LABELIMG.partition("<object>")[2].partition("</annotation>")[0]
    text = f"<annotation>\n<object>{inner}</object>\n{good}</annotation>"
    written(tmp_path, {"a.xml": text})
    (image,), problems = found_in(tmp_path, "voc")
    assert boxes_of(image) == [("dog", 1, 2, 10, 20.5)]
    assert image.lost == 1
    assert len(problems) == 1
    assert problems[0].startswith("a.xml: object 1 on line 2: ")
    assert words in problems[0]


def corners(*values: float) -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), values, strict=True)
    return f"<bndbox>{''.join(f'<{tag}>{value}</{tag}>' for tag, value in tags)}</bndbox>"


def test_every_box_of_an_object_is_imported_and_a_rotated_one_by_the_box_around_it(
    tmp_path: Path,
) -> None:
    turned = "<cx>30</cx><cy>20</cy><w>10</w><h>4</h><angle>1.5707963267948966</angle>"
    written(tmp_path, {"a.xml": (
        f"<annotation><object><name>x</name>{corners(1, 2, 3, 5)}{corners(4, 4, 9, 9)}</object>"
        f"<object><name>y</name><robndbox>{turned}</robndbox></object></annotation>"
    )})  # fmt: skip
    (image,), problems = found_in(tmp_path, "voc")
    assert boxes_of(image) == [("x", 1, 2, 2, 3), ("x", 4, 4, 5, 5), ("y", 28, 15, 4, 10)]
    assert image.lost == 0
    assert problems == [
        "a.xml: object 2 on line 1: it is rotated; the upright box around it was imported"
    ]


@pytest.mark.parametrize(
    ("inner", "is_annotated"),
    [("<weather>rain</weather>", True), ("<boxes><box label='x' x='1'/></boxes>", False)],
)
def test_an_unknown_element_may_hold_what_an_image_has(
    tmp_path: Path, inner: str, is_annotated: bool
) -> None:
    written(tmp_path, {"a.xml": f"<annotation>{inner}</annotation>"})
    (image,), _ = found_in(tmp_path, "voc")
    assert (image.boxes, image.lost, image.is_annotated) == ((), 0, is_annotated)


@pytest.mark.parametrize("tag", ["Object", "objects", "item"])
def test_a_box_in_an_unknown_element_is_lost(tmp_path: Path, tag: str) -> None:
    thing = f"<object><name>x</name>{corners(1, 2, 3, 5)}</object>"
    inner = thing if tag == "objects" else thing[len("<object>") : -len("</object>")]
    written(tmp_path, {
        "a.xml": f"<annotation><weather>rain</weather>\n<{tag}>{inner}</{tag}></annotation>"
    })  # fmt: skip
    (image,), problems = found_in(tmp_path, "voc")
    assert (image.boxes, image.lost) == ((), 1)
    assert problems == [f"a.xml: {tag} on line 2: not an <object> of VOC"]


def test_a_bad_file_among_others_is_named(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY x "ha">]><annotation><filename>&x;</filename></annotation>'
    written(tmp_path, {"a.xml": bomb, "b.xml": LABELIMG, "c.xml": "<other/>", "d.xml": "<annota"})
    images, problems = found_in(tmp_path, "voc")
    assert [image.file for image in images] == ["b.xml"]
    assert [problem.partition(":")[0] for problem in problems] == ["a.xml", "c.xml", "d.xml"]
    assert "DTD" in problems[0]
    with pytest.raises(InvalidImport, match="DTD"):
        found_in(tmp_path / "a.xml", "voc")
    with pytest.raises(InvalidImport, match="holds no VOC file"):
        found_in(written(tmp_path / "empty", {"x.txt": "", "y.txt": ""}), "voc")


@pytest.mark.skipif(not REAL.exists(), reason="no real photos here")
def test_real_files_give_every_box_as_it_is_written() -> None:
    images, problems = found_in(REAL / "bccd80", "voc")
    assert (len(images), problems) == (80, [])
    for image in images:
        root = ET.parse(REAL / "bccd80" / image.file).getroot()
        wanted = []
        for element in root.iter("object"):
            xmin, ymin, xmax, ymax = (
                float(element.findtext(f"bndbox/{side}", "")) for side in
                ("xmin", "ymin", "xmax", "ymax")
            )  # fmt: skip
            wanted.append((element.findtext("name"), xmin, ymin, xmax - xmin, ymax - ymin))
        assert boxes_of(image) == wanted
        assert image.name == root.findtext("filename")


@pytest.mark.parametrize(
    ("text", "kept"),
    [("False", {}), ("no", {}), ("0", {}), ("", {}), ("True", 1), ("yes", 1), ("1", 1), ("2", 2)],
)
def test_flags_keep_their_meaning(tmp_path: Path, text: str, kept: object) -> None:
    box = "<bndbox><xmin>30</xmin><ymin>2</ymin><xmax>11</xmax><ymax>1</ymax></bndbox>"
    flag = f"<difficult>{text}</difficult><occluded>{text}</occluded>"
    thing = f"<annotation><object><name>x</name>{flag}{box}</object></annotation>"
    written(tmp_path, {"a.xml": thing})
    (image,), problems = found_in(tmp_path, "voc")
    assert problems == []
    assert dict(image.boxes[0].attributes) == (
        {"difficult": kept, "occluded": kept} if kept else {}
    )
    # Corners in the other order are the same box.
    assert boxes_of(image) == [("x", 11, 1, 19, 1)]
