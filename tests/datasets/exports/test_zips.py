"""YOLO and VOC as zips: what goes in, the same bytes, and back again without loss."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globox
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.registry import find_format
from labeler.datasets.formats.yolo import to_yaml, to_yolo
from labeler.datasets.rules import ExportBox
from labeler.datasets.selection import parse_selection
from labeler.model.document import Status
from tests.datasets.exports.support import (
    LABEL_NAMES,
    RECTS,
    ZIPPED,
    four_images,
    packed,
    unpacked,
)
from tests.datasets.formats.support import found_in, written
from tests.datasets.imports.support import boxes, documents, imported
from tests.pictures import REAL, jpeg, png
from tests.projects import Workspace
from tests.strategies import LABELS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for OpenCV, which reading boxes doesn't need
    import supervision


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from four_images(tmp_path)


def test_yolo_in_ultralytics_layout(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "yolo", originals=True))
    ids = {entry.image_path: entry.image_id for entry in workspace.open().list_images()}
    other = f"train/{ids['a.png']}/a"
    assert set(files) == {
        "labels/train/a.txt", "labels/train/street/a.txt", "labels/train/empty.txt",
        f"labels/{other}.txt", "images/train/a.jpg", "images/train/street/a.jpg",
        "images/train/empty.jpg", f"images/{other}.png", "data.yaml", "train.txt", "labeler.json",
        "croissant.json",
    }  # fmt: skip
    assert files["images/train/a.jpg"] == jpeg()
    assert files["labels/train/empty.txt"] == b""
    first, second = files["labels/train/a.txt"].decode().splitlines()
    assert first == "2 0.10164062 0.13364583 0.15640625 0.17354167"
    assert second == "3 0.50000000 0.50000000 1.00000000 1.00000000"
    assert yaml.safe_load(files["data.yaml"]) == {
        "train": "images/train", "val": "images/train", "names": dict(enumerate(LABEL_NAMES)),
    }  # fmt: skip


def test_voc_by_labelimgs_convention(workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "voc"))
    assert len(files) == 8
    text = files["Annotations/a.xml"].decode()
    for part in ("<filename>a.jpg</filename>", "<width>64</width>", "<name>car</name>",
                 "<xmin>1.5</xmin>", "<xmax>11.51</xmax>", "<ymax>10.58</ymax>",
                 "<difficult>1</difficult>", "<xmin>0</xmin>", "<xmax>64</xmax>"):  # fmt: skip
        assert part in text
    assert "<name>猫 &lt;&amp;&gt;</name>" in files["Annotations/street/a.xml"].decode()
    assert files["labels.txt"].decode().splitlines() == LABEL_NAMES
    stems = set(files["ImageSets/Main/trainval.txt"].decode().split())
    assert stems == {name[len("Annotations/") : -4] for name in files if "Annot" in name}


@pytest.mark.parametrize("kind", ZIPPED)
def test_the_same_data_gives_the_same_bytes(workspace: Workspace, kind: str) -> None:
    assert packed(workspace, kind, originals=True) == packed(workspace, kind, originals=True)


@pytest.mark.parametrize("kind", ZIPPED)
@pytest.mark.parametrize("originals", [True, False])
def test_there_and_back_again(
    workspace: Workspace, tmp_path: Path, kind: str, originals: bool
) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(packed(workspace, kind, originals=originals))
    other = Workspace(str(tmp_path / "other"))
    if not originals:
        for name in RECTS:
            other.put(f"uploads/{name}", workspace.objects()[f"uploads/{name}"][0])
    report = imported(other.open(), path, kind)
    assert report.problems.kept == []
    there = {
        document.metadata.content_md5: document for document in documents(workspace.open()).values()
    }
    back = {
        document.metadata.content_md5: document for document in documents(other.open()).values()
    }
    assert len(back) == 4
    for md5, document in back.items():
        assert boxes(document) == boxes(there[md5])
        assert document.status is Status.DONE
        assert (document.image_width, document.image_height) == (64, 48)
    # The label that every project begins with gave way, so the numbers stayed too.
    assert [label.name for label in other.open().labels.read().labels] == LABEL_NAMES
    if not originals:  # the same images under the same names, so the same texts
        assert unpacked(packed(other, kind)) == unpacked(packed(workspace, kind))
    if kind == "voc":
        extra = [rect.model_extra for document in back.values() for rect in document.rects]
        assert {"difficult": 1} in extra
    other.close()


def test_coco_with_its_images(tmp_path: Path, workspace: Workspace) -> None:
    files = unpacked(packed(workspace, "cocozip", originals=True))
    found = json.loads(files["annotations/instances_default.json"])
    alone = json.loads(packed(workspace, "coco"))
    assert {key: found[key] for key in ("images", "annotations", "categories")} == {
        key: alone[key] for key in ("images", "annotations", "categories")
    }
    assert {name for name in files if name.startswith("images/")} == {
        f"images/{image['file_name']}" for image in found["images"]
    }
    path = tmp_path / "set.zip"
    path.write_bytes(packed(workspace, "cocozip", originals=True))
    other = Workspace(str(tmp_path / "other"))
    report = imported(other.open(), path, "coco")
    assert (report.problems.kept, report.added_images) == ([], 4)
    assert {name: boxes(one) for name, one in documents(other.open()).items()} == {
        name: boxes(one) for name, one in documents(workspace.open()).items()
    }
    other.close()


def test_coco_with_images_has_a_file_for_each_part(workspace: Workspace) -> None:
    parts = [
        json.loads(data)
        for seed in map(str, range(20))
        for name, data in unpacked(packed(workspace, "cocozip", split="50/50", seed=seed)).items()
        if name in ("annotations/instances_train.json", "annotations/instances_val.json")
    ]
    assert {len(part["images"]) for part in parts} > {1, 3}
    for part in parts:
        numbers = {image["id"] for image in part["images"]}
        assert {one["image_id"] for one in part["annotations"]} <= numbers
        assert [one["id"] for one in part["annotations"]] == list(
            range(1, len(part["annotations"]) + 1)
        )


def test_a_split_goes_into_one_zip_and_a_part_alone(workspace: Workspace) -> None:
    def folders(seed: str) -> int:
        yolo = unpacked(packed(workspace, "yolo", split="50/50", seed=seed))
        return len({name.split("/")[1] for name in yolo if name.startswith("labels/")})

    seed = next(seed for seed in map(str, range(50)) if folders(seed) == 2)
    files = unpacked(packed(workspace, "yolo", split="50/50", seed=seed))
    parts = yaml.safe_load(files["data.yaml"])
    texts = [name for name in files if name.startswith("labels/")]
    assert len(texts) == 4
    assert {name.split("/")[1] for name in texts} == {"train", "val"}
    assert (parts["train"], parts["val"]) == ("images/train", "images/val")
    alone = unpacked(packed(workspace, "yolo", split="50/50", seed=seed, part="val"))
    assert {name for name in texts if "/val/" in name} == set(alone) - {
        "croissant.json", "data.yaml", "labeler.json", "val.txt",
    }  # fmt: skip
    assert yaml.safe_load(alone["data.yaml"])["train"] == "images/val"
    lists = unpacked(packed(workspace, "voc", split="50/50", seed=seed))
    stems = {
        part: set(lists[f"ImageSets/Main/{part}.txt"].decode().split())
        for part in ("train", "val", "trainval")
    }
    assert stems["train"] | stems["val"] == stems["trainval"]
    assert not stems["train"] & stems["val"]


def test_a_lost_image_is_reported_and_the_rest_is_there(workspace: Workspace) -> None:
    workspace.remove("uploads/street/a.jpg")
    with open_exporter(workspace.open()).make(kind=find_format("yolo"), originals=True) as bundle:
        files = unpacked(b"".join(bundle.chunks()))
    assert len(bundle.without_original) == 1
    assert sum(name.startswith("labels/") for name in files) == 4
    assert sum(name.startswith("images/") for name in files) == 3


def test_labels_that_the_set_lacks_are_added(tmp_path: Path, workspace: Workspace) -> None:
    workspace.remove("labels.json")
    files = unpacked(packed(workspace, "yolo"))
    names = list(yaml.safe_load(files["data.yaml"])["names"].values())
    assert names == ["object", "car", "traffic light", "猫 <&>"]
    assert [label.name for label in workspace.open().labels.read().labels] == names


@given(st.lists(LABELS | st.text(max_size=3).filter(str.isprintable), max_size=5))
def test_any_name_comes_back_from_yaml(names: list[str]) -> None:
    text = to_yaml(names, {"train": "images/train"})
    assert yaml.safe_load(text)["names"] == (dict(enumerate(names)) if names else None)


@st.composite
def a_box(draw: st.DrawFn) -> tuple[ExportBox, int, int]:
    width, height = draw(st.integers(1, 100_000)), draw(st.integers(1, 100_000))
    left, top = draw(st.integers(0, width * 100 - 1)), draw(st.integers(0, height * 100 - 1))
    right, bottom = (
        draw(st.integers(left + 1, width * 100)),
        draw(st.integers(top + 1, height * 100)),
    )
    return ExportBox(draw(st.integers(1, 99)), left, top, right, bottom), width, height


@given(a_box())
def test_yolo_numbers_are_exact_to_a_hundredth_of_a_pixel(
    drawn: tuple[ExportBox, int, int],
) -> None:
    box, width, height = drawn
    kind, *shares = to_yolo([box], width, height).split()
    x, y, across, down = map(float, shares)
    assert int(kind) == box.category - 1
    found = ((x - across / 2) * width, (y - down / 2) * height,
             (x + across / 2) * width, (y + down / 2) * height)  # fmt: skip
    assert [round(value * 100) for value in found] == list(box[1:5])


def test_one_image_at_a_time_is_in_memory(tmp_path: Path) -> None:
    made = Workspace(str(tmp_path / "data"))
    for number in range(30):
        made.put(f"uploads/{number}.png", png().ljust(2**20, b"x") + b"%02d" % number)
    choice = parse_selection({"status": ["unlabeled"]})
    project = made.open()
    for entry in project.list_images():
        opened = project.open_document(entry.image_id)
        project.save_document(entry.image_id, opened.document, opened, by="")
    with open_exporter(project).make(choice, kind=find_format("yolo"), originals=True) as bundle:
        tracemalloc.start()
        sent = sum(len(chunk) for chunk in bundle.chunks())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sent > 30 * 2**20
    assert peak < 8 * 2**20
    made.close()


# --- witnesses ----------------------------------------------------------------------------


def corners(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sorted(
            (r.label, r.left, r.top, r.left + r.width, r.top + r.height) for r in document.rects
        )
        for name, document in documents(workspace.open()).items()
    }


def agrees(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]], within: float) -> None:
    for our, their in zip(ours, sorted(theirs), strict=True):
        assert our[0] == their[0]
        assert our[1:] == pytest.approx(their[1:], abs=within)


def extracted(data: bytes, folder: Path) -> Path:
    return written(folder, dict(unpacked(data).items()))


def test_supervision_reads_every_yolo_box(workspace: Workspace, tmp_path: Path) -> None:
    folder = extracted(packed(workspace, "yolo", originals=True), tmp_path / "set")
    found = supervision.DetectionDataset.from_yolo(
        str(folder / "images/train"), str(folder / "labels/train"), str(folder / "data.yaml")
    )
    expected = corners(workspace)
    seen = 0
    for image, detections in found.annotations.items():
        name = str(Path(image).relative_to(folder / "images/train"))
        if name not in expected:
            continue
        classes = detections.class_id
        assert classes is not None
        theirs = [
            (found.classes[kind], *map(float, box))
            for box, kind in zip(detections.xyxy, classes, strict=True)
        ]
        agrees(expected[name], theirs, 0.01)
        seen += 1
    assert seen >= 2


def test_globox_reads_every_box(workspace: Workspace, tmp_path: Path) -> None:
    expected = corners(workspace)
    folder = extracted(packed(workspace, "voc", originals=True), tmp_path / "voc")
    found = globox.AnnotationSet.from_pascal_voc(folder / "Annotations")
    for name in ("a.jpg", "empty.jpg"):
        theirs = [(b.label, b.xmin, b.ymin, b.xmax, b.ymax) for b in found[name].boxes]
        agrees(expected[name], theirs, 0.001)
    folder = extracted(packed(workspace, "yolo", originals=True), tmp_path / "yolo")
    names = list(yaml.safe_load((folder / "data.yaml").read_text())["names"].values())
    found = globox.AnnotationSet.from_yolo_v5(
        folder=folder / "labels/train", image_folder=folder / "images/train"
    )
    theirs = [(names[int(b.label)], b.xmin, b.ymin, b.xmax, b.ymax) for b in found["a.jpg"].boxes]
    agrees(expected["a.jpg"], theirs, 0.01)


def test_what_globox_and_supervision_write_is_read(workspace: Workspace, tmp_path: Path) -> None:
    """Other programs' YOLO, VOC and CVAT of the same boxes, read as the same boxes."""
    expected = corners(workspace)["a.jpg"]
    folder = extracted(packed(workspace, "voc", originals=True), tmp_path / "voc")
    found = globox.AnnotationSet.from_pascal_voc(folder / "Annotations")
    found.save_pascal_voc(tmp_path / "theirs")
    found.save_cvat(tmp_path / "cvat.xml")
    found.save_labelme(tmp_path / "labelme")
    for path, kind in (
        (tmp_path / "theirs", "voc"),
        (tmp_path / "cvat.xml", "cvat"),
        (tmp_path / "labelme", "labelme"),
    ):
        images, problems = found_in(path, kind)
        assert problems == []
        image = next(image for image in images if image.name.endswith("a.jpg"))
        ours = [(b.label, b.left, b.top, b.left + b.width, b.top + b.height) for b in image.boxes]
        agrees(expected, ours, 0.01)


@pytest.mark.skipif(not REAL.exists(), reason="no real photos here")
@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
@pytest.mark.parametrize(("folder", "source"), [("coco_cc60", "coco"), ("bccd80", "voc")])
def test_real_photos_there_and_back_again(
    tmp_path: Path, folder: str, source: str, kind: str
) -> None:
    first, second = (Workspace(str(tmp_path / name)) for name in ("first", "second"))
    report = imported(first.open(), REAL / folder, source)
    assert report.problems.faults == 0
    path = tmp_path / "set"
    if kind == "coco":
        with open_exporter(first.open()).make() as file:
            path.write_bytes(b"".join(file.chunks()))
        imported(second.open(), path, "coco", images=REAL / folder)
    else:
        path.write_bytes(packed(first, kind, originals=True))
        imported(second.open(), path, kind)
    texts = []
    for workspace in (first, second):
        with open_exporter(workspace.open()).make() as file:
            content = json.loads(b"".join(file.chunks()))
        assert file.summary.statuses == {Status.DONE: len(content["images"])}
        names = {image["id"]: image["file_name"] for image in content["images"]}
        labels = {kind["id"]: kind["name"] for kind in content["categories"]}
        texts.append((
            sorted((i["file_name"], i["width"], i["height"]) for i in content["images"]),
            sorted(
                (names[a["image_id"]], labels[a["category_id"]], *a["bbox"])
                for a in content["annotations"]
            ),
            list(labels.values()),
        ))  # fmt: skip
    assert texts[0] == texts[1]
    assert len(texts[0][1]) > 800
    first.close()
    second.close()
