"""Names in other programs' files and the images that they mean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.imports import match
from labeler.datasets.imports.match import AmbiguousName, Elsewhere, ImageNames, NameMatch, Stated

INDEX = ImageNames([
    ("a.jpg", "1"), ("b/a.jpg", "2"), ("c/x.png", "3"), ("c/d/y.png", "4"), ("e/d/y.png", "5"),
    ("café.jpg", "6"), ("t.jpg", "7"), ("t.png", "8"), ("f/z.jpg", "9"), ("g/z.jpg", "10"),
    ("noext", "11"), ("set/images/train/0001.png", "12"), ("set/images/val/0001.png", "13"),
    ("cam1/0002.png", "14"), ("IMG_9.JPG", "15"), ("a street (1).jpg", "16"),
    ("0abc12de-car.png", "17"), ("video/frame_000003.PNG", "18"),
    ("pics/train/test_1.png", "19"), ("v/images/train/cam1/3.png", "20"),
    ("v/images/val/cam1/3.png", "21"), ("v/images/val/cam2/3.png", "22"),
    ("cam 5/4.png", "23"), ("cam 6/4.png", "24"), ("Shot 2023 at 10.00.00 (2).PNG", "25"),
    ("p_jpg.rf.0123456789abcdef0123456789abcdef.jpg", "26"), ("20230101-bus.png", "27"),
    ("cam7/5.png", "28"), ("q.jfif", "29"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", NameMatch("1", True)),
        ("b/a.jpg", NameMatch("2", True)),
        ("images/b/a.jpg", NameMatch("2", True)),
        ("images/5/y.png", NameMatch("5", True)),
        ("/abs/../c/x.png", NameMatch("3", True)),
        ("x.png", NameMatch("3", False)),
        ("train/x.png", Elsewhere(("c/x.png",))),
        ("cam2/0002.png", Elsewhere(("cam1/0002.png",))),
        ("C:\\cam2\\0002.png", Elsewhere(("cam1/0002.png",))),
        ("D:\\cam1\\0002.png", NameMatch("14", True)),
        ("more/cam1/0002.png", NameMatch("14", True)),
        ("train/a.jpg", NameMatch("1", True)),
        ("d/y.png", AmbiguousName(("c/d/y.png", "e/d/y.png"))),
        ("c/d/y.png", NameMatch("4", True)),
        ("z.jpg", AmbiguousName(("f/z.jpg", "g/z.jpg"))),
        ("h/z.jpg", Elsewhere(("f/z.jpg", "g/z.jpg"))),
        ("set/valid/0001.png", NameMatch("13", True)),
        ("0001.png", AmbiguousName(("set/images/train/0001.png", "set/images/val/0001.png"))),
        ("no.jpg", None),
        (unicodedata.normalize("NFD", "café.jpg"), NameMatch("6", True)),
        ("A.jpg", NameMatch("1", True)),
        ("img_9.jpg", NameMatch("15", True)),
        ("IMG_9.png", NameMatch("15", True)),
        ("t.bmp", AmbiguousName(("t.jpg", "t.png"))),
        ("1d7e3948-a_street_1.jpg", NameMatch("16", True)),
        ("images/1d7e3948__a_street_1.jpg", NameMatch("16", True)),
        ("a_street_1_jpg.rf.0123456789abcdef0123456789abcdef.jpg", NameMatch("16", True)),
        ("a%20street%20(1).jpg", NameMatch("16", True)),
        ("car.png", NameMatch("17", True)),
        ("frame_000003", NameMatch("18", False)),
        ("half\ud800.jpg", None),
        ("", None),
        # Roboflow writes a dash for marks, the extension in its case, and a digest.
        (
            "Shot-2023-at-10-00-00-2-_PNG.rf.0123456789abcdef0123456789abcdef.jpg",
            NameMatch("25", True),
        ),
        ("IMG_9_JPG.rf.0123456789abcdef0123456789abcdef.jpg", NameMatch("15", True)),
        ("q_jfif.rf.Xy3kP0aQ9bZ7.jpg", NameMatch("29", True)),
        # Another digest is another image: a copy that was augmented, an upload of the same name.
        ("p_jpg.rf.ffff456789abcdef0123456789abcdef.jpg", None),
        ("1abc12de-car.png", None),
        ("20230102-bus.png", None),
        ("1d7e3948-20230101-bus.png", NameMatch("27", True)),
        # Folders are decoded too, and never crossed.
        ("cam%205/4.png", NameMatch("23", True)),
        ("cam%2F7/5.png", Elsewhere(("cam7/5.png",))),
        ("cam8%5C5.png", Elsewhere(("cam7/5.png",))),
        ("cam7%5C5.png", NameMatch("28", True)),
        # Addresses, as tools write them in place of a name.
        ("https://host.example/bucket/cam%206/4.png?sig=a%2Fb", NameMatch("24", True)),
        ("gs://bucket/cam 5/4.png", NameMatch("23", True)),
        ("/data/local-files/?d=set/cam%206/4.png", NameMatch("24", True)),
        ("/tasks/1/presign/?fileuri=czM6Ly9iL2NhbTcvNS5wbmc=", NameMatch("28", True)),
        ("/tasks/1/presign/?fileuri=not base64", None),
        ("/data/upload/3/1d7e3948-5.png", NameMatch("28", False)),
        ("../label-studio/data/media/upload/3/1d7e3948-5.png", NameMatch("28", False)),
        ("upload/3/1d7e3948-4.png", AmbiguousName(("cam 5/4.png", "cam 6/4.png"))),
        ("http://[", None),
    ],
)
def test_names(name: str, expected: object) -> None:
    assert INDEX.find(Stated(name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b/a", NameMatch("2", True)),
        ("images/c/x", NameMatch("3", True)),
        ("t", AmbiguousName(("t.jpg", "t.png"))),
        ("noext", NameMatch("11", True)),
        ("q", NameMatch("29", True)),
        ("no", None),
        ("IMG_9_JPG.rf.0123456789abcdef0123456789abcdef", NameMatch("15", True)),
        ("a-street-1-_jpg.rf.0123456789abcdef0123456789abcdef", NameMatch("16", True)),
        ("p_jpg.rf.ffff456789abcdef0123456789abcdef", None),
        ("cam7%5C5", NameMatch("28", True)),
        ("cam8%5C5", Elsewhere(("cam7/5.png",))),
    ],
)
def test_names_without_their_extension(name: str, expected: object) -> None:
    assert INDEX.find(Stated(name, any_extension=True)) == expected


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        # The file lies beside its images, or is of the split that they are in.
        ("0001.png", "set/images/val/_annotations.coco.json", "13"),
        ("0001.png", "annotations/instances_train.json", "12"),
        ("0001.png", "instances_val2017.json", "13"),
        ("0001.png", "valid/_annotations.coco.json", "13"),
        ("0001.png", "test/_annotations.coco.json", None),
        ("0001.png", "instances_test.json", None),
        ("0001.png", "all.json", None),
        # Also where the name states folders that several splits have.
        ("cam1/3.png", "v/annotations/instances_train.json", "20"),
        ("cam1/3.png", "v/annotations/instances_val.json", "21"),
        ("cam1/3.png", "v/annotations/all.json", None),
        ("cam2/3.png", "v/annotations/all.json", "22"),
        ("cam2/3.png", "v/annotations/instances_train.json", "22"),
        # A folder that the name states counts more.
        ("set/train/0001.png", "instances_val.json", "12"),
    ],
)
def test_the_place_of_a_file_of_many_images(name: str, file: str, expected: str | None) -> None:
    found = INDEX.find(Stated(name, file))
    assert (found.image_id if isinstance(found, NameMatch) else None) == expected


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        ("../../images/val/0001.png", "set/json/val/0001.json", "13"),
        ("..\\..\\images\\train\\0001.png", "set/json/train/0001.json", "12"),
        ("0001.png", "set/labels/train/0001.xml", "12"),
        ("0002.png", "cam1/0002.json", "14"),
        ("0002.png", "cam2/0002.json", None),
        ("0002.png", "Annotations/0002.xml", "14"),
        ("/home/kim/0002.png", "cam1/0002.xml", None),
        # The file's own stem, where nothing is called as it says.
        ("renamed.png", "cam1/0002.xml", "14"),
        ("renamed.png", "cam2/0002.xml", None),
        # A split in the name of one image's file is none.
        ("test_1.png", "Annotations/test_1.xml", "19"),
        ("test_1.png", "Annotations/test/test_1.xml", None),
    ],
)
def test_the_place_of_a_file_of_one_image(name: str, file: str, expected: str | None) -> None:
    found = INDEX.find(Stated(name, file, is_of_one_image=True))
    assert (found.image_id if isinstance(found, NameMatch) else None) == expected


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("z.jpg", "f", NameMatch("9", True)),
        ("z.jpg", "h", AmbiguousName(("f/z.jpg", "g/z.jpg"))),
        ("x.png", "c", NameMatch("3", True)),
        ("x.png", "images", NameMatch("3", False)),
        ("x.png", "night", NameMatch("3", False)),
        ("t.jpg", "photos", NameMatch("7", True)),
        ("test_1.png", "val", Elsewhere(("pics/train/test_1.png",))),
        ("noext", "night", NameMatch("11", True)),
        ("a.jpg", "b", NameMatch("2", True)),
        ("cam1/3.png", "Train", NameMatch("20", True)),
        ("cam1/3.png", "Validation", NameMatch("21", True)),
        ("3.png", "train/cam1", NameMatch("20", True)),
        ("3.png", "cam2", NameMatch("22", True)),
    ],
)
def test_a_folder_that_is_stated_apart_from_the_name(
    name: str, folder: str, expected: object
) -> None:
    assert INDEX.find(Stated(name, "annotations.xml", folder=folder)) == expected


def test_a_file_of_one_image_never_leads_into_another_folder_than_it_states() -> None:
    found = INDEX.find(Stated("x.png", "x.xml", is_of_one_image=True, folder="cam2"))
    assert found == Elsewhere(("c/x.png",))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("old name", NameMatch("new", False)), ("val", Elsewhere(("set/train/a.png",)))],
)
def test_an_image_that_came_along_may_have_been_moved(folder: str, expected: object) -> None:
    index = ImageNames([], came_along=[("set/train/a.png", "new")])
    assert index.find(Stated("a.png", "a.xml", is_of_one_image=True, folder=folder)) == expected


def test_an_image_that_came_along_goes_before_one_that_was_there() -> None:
    index = ImageNames([("a.png", "old"), ("b.png", "b")], came_along=[("images/a.png", "new")])
    assert index.find(Stated("a.png")) == NameMatch("new", True)
    assert index.find(Stated("b.png")) == NameMatch("b", True)


def test_an_image_listed_twice_is_one() -> None:
    index = ImageNames([("x/a.jpg", "1"), ("1/a.jpg", "1")])
    assert index.find(Stated("a.jpg")) == NameMatch("1", False)
    assert index.of_base_name("any/a.jpg") == ["1", "1"]


FOLDERS = st.lists(st.sampled_from(["a", "b", "images", "train", "val"]), max_size=2)
PATHS = st.builds(
    lambda folders, base: "/".join([*folders, base]), FOLDERS, st.sampled_from(["x.png", "y.png"])
)


@given(st.lists(PATHS, max_size=6, unique=True), PATHS)
def test_no_name_leads_into_another_folder(paths: list[str], name: str) -> None:
    index = ImageNames((path, path) for path in paths)
    for path in paths:
        assert index.find(Stated(path)) == NameMatch(path, True)
    found = index.find(Stated(name))
    if isinstance(found, NameMatch):
        *mine, base = (part for part in found.image_id.split("/") if part != "images")
        *said, stated = (part for part in name.split("/") if part != "images")
        assert base == stated
        shared = min(len(mine), len(said))
        assert not shared or mine[-shared:] == said[-shared:]


@given(st.lists(PATHS, min_size=1, max_size=6, unique=True), PATHS)
def test_the_order_of_images_does_not_matter(paths: list[str], name: str) -> None:
    there = [ImageNames((path, path) for path in some) for some in (paths, paths[::-1])]
    assert there[0].find(Stated(name)) == there[1].find(Stated(name))


SUBSETS = ImageNames([
    ("images/default/1.png", "1"), ("images/night/1.png", "2"), ("images/day/1.png", "3"),
    ("images/train/1.png", "4"), ("obj/val/2.png", "5"), ("obj/train/2.png", "6"),
    ("a/img/3.png", "7"), ("b/img/3.png", "8"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("file", "folder", "expected"),
    [
        ("annotations/instances_night.json", "", "2"),
        ("annotations/instances_Default.json", "", "1"),
        ("annotations/person_keypoints_day.json", "", "3"),
        ("night.json", "", "2"),
        ("annotations/instances_train.json", "", "4"),
        ("annotations.xml", "default", "1"),
        ("annotations.xml", "night", "2"),
        ("annotations.xml", "Train", "4"),
    ],
)
def test_a_subset_means_the_images_in_its_folder(file: str, folder: str, expected: str) -> None:
    assert SUBSETS.find(Stated("1.png", file, folder=folder)) == NameMatch(expected, True)


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [
        # CVAT's folders of YOLO 1.1, by subset.
        ("obj_Train_data/2", "obj_Train_data/2.txt", "6"),
        ("obj_Validation_data/2", "obj_Validation_data/2.txt", "5"),
        ("3", "a/ann/3.json", "7"),
        ("b/bboxes/3", "b/bboxes/3.txt", "8"),
    ],
)
def test_the_folder_of_a_label_file_means_the_images(name: str, file: str, expected: str) -> None:
    found = SUBSETS.find(Stated(name, file, is_of_one_image=True, any_extension=True))
    assert found == NameMatch(expected, True)


@pytest.mark.parametrize("long", ["a" * 4097, "a" + "\u0301\u0316" * 3000, "d/" * 3000 + "a.jpg"])
def test_a_name_that_no_file_has_means_nothing_and_is_not_worked_on(
    long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    monkeypatch.setattr(match, "_split_path", worked.append)
    assert INDEX.find(Stated(long)) is None
    assert INDEX.find(Stated("a.jpg", file=long, is_of_one_image=True)) is None
    assert INDEX.find(Stated("a.jpg", folder=long)) is None
    assert not worked
