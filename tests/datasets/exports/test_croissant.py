"""Croissant descriptions, as mlcroissant reads them: beside an export, and in a zip."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import mlcroissant
import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.datasets.formats.labelme import from_labelme
from labeler.datasets.formats.reading import Problems
from labeler.datasets.formats.registry import EXPORTED, find_format
from labeler.datasets.formats.zip_manifest import CROISSANT
from labeler.datasets.selection import parse_selection
from labeler.model.layout import croissant_name
from labeler.project.project import Project
from tests.datasets.exports.support import LABEL_NAMES, RECTS, four_images, label_image, packed
from tests.datasets.imports.support import documents, imported
from tests.pictures import jpeg
from tests.projects import Workspace

# What mlcroissant calls: a class of rdflib and an argument of pandas that are going away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]
BOXES = sum(map(len, RECTS.values()))
SINGLE = [kind.name for kind in EXPORTED if kind.suffix != ".zip"]
ZIPS = [kind.name for kind in EXPORTED if kind.suffix == ".zip"]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    logging.getLogger("absl").setLevel(logging.ERROR)  # it recommends a license
    yield from four_images(tmp_path)


def read(path: Path) -> Any:
    """The description, without any error; mlcroissant raises them."""
    found = mlcroissant.Dataset(str(path))
    assert not found.metadata.ctx.issues.errors
    content = json.loads(path.read_bytes())
    assert content["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert content["keywords"] == LABEL_NAMES
    assert f"{len(RECTS)} images, {BOXES} boxes" in content["description"]
    return found


def text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def rows(found: Any, records: str) -> list[dict[str, Any]]:
    return [
        {name.rpartition("/")[2]: text(value) for name, value in row.items()}
        for row in found.records(records)
    ]


def kept(project: Project, folder: Path, kind: str, *, originals: bool = False) -> Path:
    (export,) = open_exporter(project).write(kind=find_format(kind), originals=originals)
    return folder / croissant_name(export.key)


@pytest.mark.parametrize("kind", SINGLE)
def test_a_description_lies_beside_each_export(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    found = read(kept(workspace.open(), tmp_path / "data", kind))
    for records in found.metadata.record_sets:
        assert rows(found, records.id)  # the file is there, and its SHA-256 is right


def test_mlcroissant_reads_the_records_of_coco(workspace: Workspace, tmp_path: Path) -> None:
    found = read(kept(workspace.open(), tmp_path / "data", "coco"))
    images = {row["id"]: row["file_name"] for row in rows(found, "images")}
    assert set(images.values()) == RECTS.keys()
    labels = {row["id"]: row["name"] for row in rows(found, "categories")}
    boxes = rows(found, "boxes")
    assert len(boxes) == BOXES
    first = next(row for row in boxes if images[row["image_id"]] == "a.png")
    assert labels[first["category_id"]] == "car"
    assert first["bbox"] == [3.0, 4.0, 5.0, 6.0]


def test_mlcroissant_reads_the_rows_of_csv(workspace: Workspace, tmp_path: Path) -> None:
    found = read(kept(workspace.open(), tmp_path / "data", "csv"))
    boxes = rows(found, "boxes")
    assert len(boxes) == BOXES + 1  # and the image without boxes
    assert {row["file_name"] for row in boxes} == RECTS.keys()
    (car,) = [row for row in boxes if row["file_name"] == "a.png"]
    assert [car[name] for name in ("label", "left", "top", "width", "height")] == [
        "car", 3.0, 4.0, 5.0, 6.0,
    ]  # fmt: skip


def test_mlcroissant_reads_the_lines_of_ndjson(workspace: Workspace, tmp_path: Path) -> None:
    found = read(kept(workspace.open(), tmp_path / "data", "ndjson"))
    head, *images = rows(found, "lines")
    assert (head["type"], head["file"], head["boxes"]) == ("dataset", None, None)
    assert {row["type"] for row in images} == {"image"}
    assert sorted(len(row["boxes"]) for row in images) == sorted(map(len, RECTS.values()))
    (car,) = [row for row in images if row["file"].endswith("a.png")]
    assert car["boxes"] == [[LABEL_NAMES.index("car"), *in_shares(3, 4, 5, 6, car)]]


def in_shares(left: int, top: int, width: int, height: int, row: dict[str, Any]) -> list[float]:
    """Center and size as shares of the image."""
    across, down = row["width"], row["height"]
    shares = ((left + width / 2) / across, (top + height / 2) / down, width / across, height / down)
    return [round(share, 8) for share in shares]


@pytest.mark.parametrize("originals", [True, False])
def test_mlcroissant_reads_the_rows_of_parquet(
    workspace: Workspace, tmp_path: Path, originals: bool
) -> None:
    found = read(kept(workspace.open(), tmp_path / "data", "parquet", originals=originals))
    images = {row["file_name"]: row for row in rows(found, "images")}
    assert images.keys() == RECTS.keys()
    car = images["a.png"]
    assert (car["labels"], car["bbox"]) == ([b"car"], [[3.0, 4.0, 5.0, 6.0]])
    assert ("image" in car) is originals
    if originals:
        assert car["image"].size == (car["width"], car["height"])


@pytest.mark.parametrize("kind", ZIPS)
@pytest.mark.parametrize("originals", [True, False])
def test_a_zip_describes_all_that_is_in_it(
    workspace: Workspace, tmp_path: Path, kind: str, originals: bool
) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(workspace, kind, originals=originals))) as archive:
        archive.extractall(tmp_path / "set")
        names = set(archive.namelist()) - {CROISSANT}
    read(tmp_path / "set" / CROISSANT)
    content = json.loads((tmp_path / "set" / CROISSANT).read_bytes())
    sets = content["distribution"]
    described = {name for one in sets for name in names if is_in(name, one)}
    assert described == names
    assert not [one for one in sets if is_in(CROISSANT, one)]
    formats = {media for one in sets for media in one["encodingFormat"]}
    assert ("image/jpeg" in formats) is originals


def is_in(name: str, files: dict[str, Any]) -> bool:
    """Whether a file set has that file."""
    return any(fnmatch(name, one) for one in files["includes"]) and not any(
        fnmatch(name, one) for one in files.get("excludes", ())
    )


def test_an_image_called_croissant_keeps_its_labels(workspace: Workspace, tmp_path: Path) -> None:
    """The name of its labelme file would be that of the description."""
    workspace.put("uploads/croissant.jpg", jpeg() + b"croissant")
    label_image(workspace.open(), "croissant.jpg", RECTS["a.png"])
    path = tmp_path / "set.zip"
    path.write_bytes(packed(workspace, "labelme", name="croissant.jpg"))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    other = Workspace(str(tmp_path / "other"))
    other.put("uploads/croissant.jpg", jpeg() + b"croissant")
    assert imported(other.open(), path, "labelme").problems.kept == []
    (document,) = documents(other.open()).values()
    assert [rect.label for rect in document.rects] == ["car"]
    other.close()


def test_a_labelme_file_of_others_is_read_under_any_name(tmp_path: Path) -> None:
    for name in ("croissant", "other"):
        content = {"shapes": [], "imagePath": f"{name}.jpg", "imageHeight": 48, "imageWidth": 64}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = from_labelme(open_dataset_files(tmp_path), Problems())
    assert [image.name for image in found] == ["croissant.jpg", "other.jpg"]


def test_a_description_is_no_export(workspace: Workspace) -> None:
    """The list, the numbers, the labels and the address do not take it for a COCO file."""
    exporter = open_exporter(workspace.open())
    written = [export.key for export in exporter.write(parse_selection({"split": ["50/50"]}))]
    described = {key for key in workspace.objects() if "croissant" in key}
    assert described == {croissant_name(key) for key in written}
    assert sorted(info.key for info in exporter.kept()) == sorted(written)
    again = open_exporter(workspace.open()).write(parse_selection({"split": ["50/50"]}))
    objects = workspace.objects()
    assert [objects[one.key][0] for one in again] == [objects[key][0] for key in written]
