"""Folders are part of an image's name, from adding to export and back."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.registry import IMPORTED, find_format
from labeler.model.document import Rect, Status
from labeler.project.project import Project
from tests.datasets.formats.support import Content, written
from tests.datasets.imports.support import boxes, coco, counts, documents, imported, lines
from tests.pictures import png
from tests.projects import Workspace

CAM1, CAM2 = png(100, 60), png(101, 60)
CAR = ("car", 10, 10, 20, 20)


def without_sizes(content: dict[str, Any]) -> dict[str, Any]:
    for image in content["images"]:
        del image["width"], image["height"]
    return content


def voc(name: str) -> str:
    return (
        f"<annotation><filename>{name}</filename><object><name>car</name><bndbox><xmin>10</xmin>"
        "<ymin>10</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>"
    )


def labelme(path: str) -> Content:
    points = [[10, 10], [30, 30]]
    shape = {"label": "car", "points": points, "shape_type": "rectangle"}
    return {"version": "5.4.1", "shapes": [shape], "imagePath": path}


LABEL_FILES: dict[str, dict[str, Content]] = {
    "coco": {
        "set.json": without_sizes(coco({"cam2/0001.png": [[10, 10, 20, 20]]}))
    },
    "yolo": {
        "classes.txt": "car",
        "labels/cam2/0001.txt": f"0 {20 / 101} {20 / 60} {20 / 101} {20 / 60}",
    },
    "voc": {"Annotations/cam2/0001.xml": voc("0001.png")},
    "labelme": {"cam2/0001.json": labelme("0001.png")},
    "cvat": {
        "annotations.xml": '<annotations><image id="0" name="cam2/0001.png">'
        '<box label="car" xtl="10" ytl="10" xbr="30" ybr="30"/></image></annotations>'
    },
    "labelstudio": {
        "set.json": [{
            "id": 1, "image": "/data/local-files/?d=cam2/0001.png",
            "label": [{
                "x": 1000 / 101, "y": 1000 / 60, "width": 2000 / 101, "height": 2000 / 60,
                "rectanglelabels": ["car"], "original_width": 101, "original_height": 60,
            }],
        }],
    },
}  # fmt: skip


def opened(workspace: Workspace, **pictures: bytes) -> Project:
    project = workspace.open()
    for name, data in pictures.items():
        project.add_image(f"{name}/0001.png", data)
    return project


@pytest.mark.parametrize("kind", [kind.name for kind in IMPORTED])
def test_labels_go_onto_the_image_in_their_folder(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    project = opened(workspace, cam1=CAM1, cam2=CAM2)
    report = imported(project, written(tmp_path / "set", LABEL_FILES[kind]), kind)
    assert (counts(report), lines(report)) == ({"imported": 1}, [])
    stored = documents(project)
    assert boxes(stored["cam2/0001.png"]) == [CAR]
    assert stored["cam1/0001.png"].rects == ()
    assert stored["cam1/0001.png"].status is Status.UNLABELED


@pytest.mark.parametrize("kind", [kind.name for kind in IMPORTED])
def test_labels_never_go_onto_an_image_in_another_folder(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    project = opened(workspace, cam1=CAM1)
    report = imported(project, written(tmp_path / "set", LABEL_FILES[kind]), kind)
    assert counts(report) == {"left_out": 1}
    assert "cam1/0001.png" in lines(report)[0]
    assert documents(project)["cam1/0001.png"].rects == ()
    assert report.problems.left_out == 1


def test_labels_of_an_image_that_was_refused_go_onto_no_other(
    workspace: Workspace, tmp_path: Path
) -> None:
    files: dict[str, Content] = {
        "classes.txt": "car",
        "images/cam1/0001.png": CAM1,
        "images/cam2/0001.png": b"a text",
        "labels/cam2/0001.txt": "0 0.5 0.5 0.2 0.2",
    }
    project = workspace.open()
    report = imported(project, written(tmp_path, files), "yolo")
    assert counts(report) == {"left_out": 1}
    assert "its image was not added" in lines(report)[-1]
    stored = documents(project)
    assert [(name, one.status, one.rects) for name, one in stored.items()] == [
        ("images/cam1/0001.png", Status.UNLABELED, ())
    ]


def test_each_split_means_the_images_beside_it(workspace: Workspace, tmp_path: Path) -> None:
    files: dict[str, Content] = {}
    for split, data, left in (("train", CAM1, 1), ("val", CAM2, 2)):
        content = without_sizes(coco({"0001.png": [[left, 1, 5, 5]]}))
        files |= {
            f"roboflow/{split}/0001.png": data,
            f"roboflow/{split}/_annotations.coco.json": content,
        }
    project = workspace.open()
    report = imported(project, written(tmp_path, files))
    assert (counts(report), lines(report)) == ({"imported": 2}, [])
    stored = documents(project)
    assert boxes(stored["roboflow/train/0001.png"]) == [("car", 1, 1, 5, 5)]
    assert boxes(stored["roboflow/val/0001.png"]) == [("car", 2, 1, 5, 5)]


def test_each_subset_of_cvat_means_its_own_images(workspace: Workspace, tmp_path: Path) -> None:
    """CVAT exports a project's images to `images/SUBSET/`, and names them without it."""
    box = '<box label="car" xtl="{}" ytl="1" xbr="9" ybr="9"/>'
    image = '<image id="{}" name="cam1/0001.png" subset="{}">' + box + "</image>"
    content = image.format(0, "train", 1) + image.format(0, "night", 2)
    files: dict[str, Content] = {
        "images/train/cam1/0001.png": CAM1,
        "images/night/cam1/0001.png": CAM2,
        "annotations.xml": f"<annotations>{content}</annotations>",
    }
    dataset = workspace.open()
    report = imported(dataset, written(tmp_path, files), "cvat")
    assert (counts(report), lines(report)) == ({"imported": 2}, [])
    stored = documents(dataset)
    assert boxes(stored["images/train/cam1/0001.png"]) == [("car", 1, 1, 8, 8)]
    assert boxes(stored["images/night/cam1/0001.png"]) == [("car", 2, 1, 7, 8)]


@pytest.mark.parametrize(
    "where",
    [
        "<folder>cam2</folder><filename>0001.png</filename><path>C:\\d\\cam2\\0001.png</path>",
        "<folder>any</folder><filename>0001.png</filename><path>/home/x/cam2/0001.png</path>",
        "<folder>cam2</folder><filename>0001.png</filename><path>0001.png</path>",
        "<folder>cam2</folder><filename>0001.png</filename>",
    ],
)
def test_the_folder_of_a_voc_file_is_the_images(
    workspace: Workspace, tmp_path: Path, where: str
) -> None:
    text = voc("0001.png").replace("<filename>0001.png</filename>", where)
    path = written(tmp_path / "set", {"0001.xml": text})
    dataset = opened(workspace, cam1=CAM1)
    assert counts(imported(dataset, path, "voc")) == {"left_out": 1}
    dataset.add_image("cam2/0001.png", CAM2)
    assert counts(imported(dataset, path, "voc")) == {"imported": 1}
    stored = documents(dataset)
    assert boxes(stored["cam2/0001.png"]) == [CAR]
    assert stored["cam1/0001.png"].rects == ()


def test_names_that_label_studio_gave_are_found_as_they_are(
    workspace: Workspace, tmp_path: Path
) -> None:
    """It exports its uploads under them: two of one name are told apart by nothing else."""
    names = ("1d7e3948-0001.png", "2d7e3948-0001.png")
    regions = [{"x": 0, "y": 0, "width": left, "height": 50, "rectanglelabels": ["car"]}
               for left in (50, 100)]  # fmt: skip
    tasks = [
        {"id": number, "image": f"/data/upload/3/{name}", "label": [regions[number]]}
        for number, name in enumerate(names)
    ]
    files: dict[str, Content] = {f"images/{names[0]}": CAM1, f"images/{names[1]}": CAM2}
    project = workspace.open()
    path = written(tmp_path / "set", {**files, "set.json": tasks})
    report = imported(project, path, "labelstudio")
    assert (counts(report), lines(report)) == ({"imported": 2}, [])
    stored = documents(project)
    assert boxes(stored[f"images/{names[0]}"]) == [("car", 0, 0, 50, 30)]
    assert boxes(stored[f"images/{names[1]}"]) == [("car", 0, 0, 101, 30)]


@pytest.mark.parametrize("other", ["a.jpg", "A.png", "1d7e3948-a.png"])
def test_labels_of_a_missing_image_go_onto_none_of_a_name_like_it(
    workspace: Workspace, tmp_path: Path, other: str
) -> None:
    project = workspace.open()
    project.add_image("a.png", CAM1)
    content = without_sizes(coco({other: [[1, 1, 5, 5]], "a.png": [[2, 2, 5, 5]]}))
    report = imported(project, written(tmp_path / "set", {"set.json": content}))
    assert counts(report) == {"imported": 1, "left_out": 1}
    assert other in lines(report)[0]
    assert boxes(documents(project)["a.png"]) == [("car", 2, 2, 5, 5)]


def test_two_names_that_a_tool_may_have_changed_are_not_one_image(
    workspace: Workspace, tmp_path: Path
) -> None:
    project = workspace.open()
    project.add_image("a.png", CAM1)
    names = {f"{digit}d7e3948-a.png": [[1.0, 1.0, 5.0, 5.0]] for digit in (1, 2)}
    path = written(tmp_path / "set", {"set.json": without_sizes(coco(names))})
    report = imported(project, path)
    assert counts(report) == {"left_out": 2}
    assert documents(project)["a.png"].rects == ()


def test_files_about_one_image_are_joined(workspace: Workspace, tmp_path: Path) -> None:
    one, other = coco({"a.png": [[1, 2, 3, 4]]}), coco({"a.png": [[1, 2, 3, 4], [5, 5, 5, 5]]})
    empty = coco({"a.png": []})
    files: dict[str, Content] = {"a.png": png(), "x.json": one, "y.json": other, "z.json": empty}
    project = workspace.open()
    report = imported(project, written(tmp_path, files))
    assert (counts(report), lines(report)) == ({"imported": 1}, [])
    assert boxes(documents(project)["a.png"]) == [("car", 1, 2, 3, 4), ("car", 5, 5, 5, 5)]


def test_equal_images_are_counted_the_same_in_every_run(
    workspace: Workspace, tmp_path: Path
) -> None:
    files: dict[str, Content] = {"classes.txt": "car"}
    for folder in "abcdef":
        files |= {
            f"images/{folder}/x.png": CAM1,
            f"labels/{folder}/x.txt": "0 0.5 0.5 0.2 0.2",
        }
    path = written(tmp_path / "set", files)
    for _ in range(6):
        fresh = Workspace(str(tmp_path / f"project{_}"))
        dry = imported(fresh.open(), path, "yolo", dry_run=True)
        report = imported(fresh.open(), path, "yolo")
        assert (dry.added_images, report.added_images) == (1, 1)
        [name] = documents(fresh.open())
        assert name == "images/a/x.png"


# --- there and back -----------------------------------------------------------------------

NAMES = (
    "0001.png", "x.jfif", "photo", "a b.PNG", "c.jpg_large", "ünï.png", "0001.jpg", "test.png",
    "classes.png", "1d7e3948-a.png", "2d7e3948-a.png", "a%20b.png", "a,#'b.png", "labeler.png",
)  # fmt: skip
FOLDERS = (
    "", "cam1/", "cam2/", "images/", "cam1/images/", "labels/", "train/", "default/", "a b/",
    "c%20d/", "Annotations/", "images/train/", "data/upload/3/",
)  # fmt: skip
SIDES = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(2, 40), st.integers(2, 30))
FLAGS = st.fixed_dictionaries(
    {}, optional={flag: st.just(True) for flag in ("difficult", "truncated", "occluded")}
)
COCOS = st.fixed_dictionaries(
    {},
    optional={
        "iscrowd": st.just(True),
        "track_id": st.integers(0, 2),
        "color": st.text(min_size=1, max_size=5),
        "note": st.fixed_dictionaries({"by": st.text(), "at": st.integers()}),
    },
)
RECTS = st.lists(st.tuples(SIDES, FLAGS, COCOS), max_size=3, unique_by=lambda rect: rect[0])
PROJECTS = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)), RECTS, min_size=1, max_size=6
)


def state(project: Project) -> dict[str, Any]:
    return {
        document.image_path: (
            document.metadata.content_md5,
            document.status,
            sorted(
                (
                    r.label,
                    r.left,
                    r.top,
                    r.width,
                    r.height,
                    json.dumps(r.model_extra, sort_keys=True),
                )
                for r in document.rects
            ),
        )
        for document in documents(project).values()
    }


def said(kind: str, flags: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The attributes that the format has a word for."""
    raised = flags | {name: value for name, value in more.items() if value is True}
    words = {"coco": flags | more, "voc": flags, "yolo": {}, "labelme": raised, "cvat": raised}
    return words[kind]


@pytest.mark.parametrize("kind", ["coco", "yolo", "voc", "labelme", "cvat"])
@given(images=PROJECTS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_project_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    images: dict[tuple[str, str], list[tuple[Any, dict[str, Any], dict[str, Any]]]],
) -> None:
    place = tmp_path_factory.mktemp("there")
    first, second = (Workspace(str(place / name), IMAGE_ID="content") for name in ("one", "two"))
    project, back = first.open(), second.open()
    for number, ((folder, name), rects) in enumerate(images.items()):
        data = png(60 + number, 50)
        added = project.add_image(folder + name, data)
        before = project.open_document(added.image_id)
        drawn = tuple(
            Rect.model_validate(
                {
                    **dict(zip(("left", "top", "width", "height"), sides, strict=True)),
                    "label": "car",
                    "id": f"r{index}",
                    **said(kind, flags, more),
                }
            )
            for index, (sides, flags, more) in enumerate(rects)
        )
        done = before.document.metadata.model_copy(update={"status": Status.DONE.value})
        wanted = before.document.model_copy(update={"rects": drawn, "metadata": done})
        project.save_document(added.image_id, wanted, before, by="")
        if kind == "coco":
            back.add_image(folder + name, data)
    path = place / "set"
    if kind == "coco":
        with open_exporter(project).make() as file:
            path.write_bytes(b"".join(file.chunks()))
    else:
        with open_exporter(project).make(kind=find_format(kind), originals=True) as bundle:
            path.write_bytes(b"".join(bundle.chunks()))
            assert bundle.without_original == []
    report = imported(back, path, kind)
    assert lines(report) == []
    assert state(back) == state(project)


def test_ultralytics_finds_every_label(workspace: Workspace) -> None:
    """By its rule: the last folder `images` in a path becomes `labels`, then `.txt`."""
    project = workspace.open()
    for number, name in enumerate(("images/a.png", "images/images/b.png", "labels/c.jfif", "d")):
        project.add_image(name, png(60 + number, 50))
    for entry in project.list_images():
        before = project.open_document(entry.image_id)
        rect = Rect(left=1, top=2, width=30, height=30, label="car", id="one")
        wanted = before.document.model_copy(update={"rects": (rect,)})
        project.save_document(entry.image_id, wanted, before, by="")
    with open_exporter(project).make(kind=find_format("yolo"), originals=True) as bundle:
        data = b"".join(bundle.chunks())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        listed = archive.read("train.txt").decode().split()
        known = json.loads(archive.read("labeler.json"))["images"]
    pictures = [name for name in names if name.startswith("images/")]
    assert len(pictures) == 4
    assert sorted(f"./{name}" for name in pictures) == sorted(listed)
    assert sorted(known) == sorted(pictures)
    for name in pictures:
        assert name.rpartition(".")[2] in ("jpg", "png")
        front, _, rest = f"/{name}".rpartition("/images/")
        assert f"{front}/labels/{rest}".rpartition(".")[0].lstrip("/") + ".txt" in names
