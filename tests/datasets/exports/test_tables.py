"""CSV, NDJSON, image folders and Parquet, as independent readers have them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats import parquet as ours
from labeler.datasets.formats.csv_table import COLUMNS, guard, unguard
from labeler.datasets.formats.registry import find_format
from tests.datasets.exports.support import LABEL_NAMES, RECTS, four_images, packed
from tests.pictures import jpeg
from tests.projects import Workspace

SIDES = ("left", "top", "width", "height")
EXPECTED = {
    name: [(rect["label"], *(rect[side] for side in SIDES)) for rect in rects]
    for name, rects in RECTS.items()
}
"""Label and box of each image."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield from four_images(tmp_path)


def close(found: list[Any], expected: list[Any]) -> None:
    """The same labels, and boxes to a hundredth of a pixel."""
    assert [one[0] for one in found] == [one[0] for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert one[1:] == pytest.approx(other[1:], abs=0.005)


# --- CSV ------------------------------------------------------------------------------------


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_csv_has_a_row_per_box_and_one_for_an_empty_image(workspace: Workspace) -> None:
    rows = rows_of(packed(workspace, "csv"))
    assert tuple(rows[0]) == COLUMNS
    found: dict[str, list[Any]] = {}
    for row in rows:
        boxes = found.setdefault(unguard(row["file_name"]), [])
        if row["label"]:
            boxes.append((unguard(row["label"]), *(float(row[side]) for side in SIDES)))
        assert (row["image_width"], row["image_height"]) == ("64", "48")
        assert (row["status"], row["split"]) == ("done", "")
    for name, boxes in found.items():
        close(boxes, EXPECTED[name])
    assert found.keys() == EXPECTED.keys()
    assert [row["label_number"] for row in rows if row["file_name"] == "a.jpg"] == ["3", "4"]
    first = next(row for row in rows if row["file_name"] == "a.jpg")
    assert json.loads(first["attributes"]) == {"difficult": 1}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "'quoted", "＝1", "=HYPERLINK()"]
)
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    made = Workspace(str(tmp_path / "data"))
    project = made.open()
    project.labels.add([text])
    made.put(f"uploads/{text}.png", jpeg())
    (entry,) = project.list_images()
    opened = project.open_document(entry.image_id)
    values = opened.document.model_dump(exclude_unset=True)
    values["rects"] = [{"left": 1, "top": 1, "width": 5, "height": 5, "label": text}]
    project.save_document(
        entry.image_id, type(opened.document).model_validate(values), opened, by=""
    )
    (row,) = rows_of(packed(made, "csv"))
    assert row["label"] == f"'{text}"
    assert row["file_name"] == f"'{text}.png"
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    made.close()


@given(st.text(alphabet="=+-@'\t\r\nab＝", max_size=6))
def test_a_guarded_text_comes_back_as_it_was(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


# --- Ultralytics NDJSON ---------------------------------------------------------------------


def test_ndjson_has_a_line_per_image(workspace: Workspace) -> None:
    first, *lines = map(json.loads, packed(workspace, "ndjson").splitlines())
    assert first["type"] == "dataset"
    assert first["task"] == "detect"
    assert first["class_names"] == {str(number): name for number, name in enumerate(LABEL_NAMES)}
    assert "path" not in first  # a name has a folder, which Ultralytics looks for nowhere
    assert {line["type"] for line in lines} == {"image"}
    ids = {entry.image_path: entry.image_id for entry in workspace.open().list_images()}
    names = {name: name for name in EXPECTED} | {"a.png": f"{ids['a.png']}/a.png"}
    by_file = {line["file"]: line for line in lines}
    for name, expected in EXPECTED.items():
        line = by_file[names[name]]
        assert (line["width"], line["height"], line["split"]) == (64, 48, "train")
        found = [
            (
                first["class_names"][str(number)],
                (x - width / 2) * 64, (y - height / 2) * 48, width * 64, height * 48,
            )
            for number, x, y, width, height in line["annotations"]["boxes"]
        ]  # fmt: skip
        close(found, expected)


def test_ndjson_lies_beside_the_images_of_the_yolo_zip(workspace: Workspace) -> None:
    """Ultralytics looks for images/<split>/<file> below `path`, where no file has a folder."""
    packed_part = partial(packed, workspace, name="[ae]*.jpg", split="50/50")
    first, *lines = map(json.loads, packed_part("ndjson").splitlines())
    assert first["path"] == "."
    with zipfile.ZipFile(io.BytesIO(packed_part("yolo", originals=True))) as archive:
        pictures = {name for name in archive.namelist() if name.startswith("images/")}
    assert {f"images/{line['split']}/{line['file']}" for line in lines} == pictures


# --- Hugging Face ---------------------------------------------------------------------------


def loaded(kind: str, cache: Path, **where: Any) -> Any:
    return datasets.load_dataset(kind, cache_dir=str(cache), **where)


def objects_of(row: dict[str, Any]) -> list[Any]:
    objects = row["objects"]
    return [(label, *bbox) for label, bbox in zip(objects["labels"], objects["bbox"], strict=True)]


def test_an_image_folder_as_datasets_loads_it(workspace: Workspace, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(workspace, "imagefolder", originals=True))) as archive:
        archive.extractall(tmp_path / "set")
    found = loaded(str(tmp_path / "set"), tmp_path / "cache")
    assert list(found) == ["train"]
    ids = {entry.image_id: entry.image_path for entry in workspace.open().list_images()}
    assert len(found["train"]) == len(EXPECTED)
    for row in found["train"]:
        close(objects_of(row), EXPECTED[ids[row["image_id"]]])
        assert row["image"].size == (row["width"], row["height"]) == (64, 48)
        names = [LABEL_NAMES[number] for number in row["objects"]["categories"]]
        assert names == row["objects"]["labels"]


def test_the_splits_of_an_image_folder(workspace: Workspace, tmp_path: Path) -> None:
    """A folder of the project that is called `test` is no split."""
    project = workspace.open()
    for number in range(6):
        added = project.add_image(f"test/{number}.jpg", jpeg(60, 40 + number))
        opened = project.open_document(added.image_id)
        done = opened.document.metadata.model_copy(update={"status": "done"})
        wanted = opened.document.model_copy(update={"metadata": done})
        project.save_document(added.image_id, wanted, opened, by="")
    data = packed(workspace, "imagefolder", originals=True, split="50/50")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "set")
    found = loaded(str(tmp_path / "set"), tmp_path / "cache")
    assert set(found) == {"train", "validation"}
    assert sum(len(part) for part in found.values()) == 10
    assert all(part[0]["image"] for part in found.values())


@pytest.mark.parametrize("originals", [True, False])
def test_parquet_as_datasets_loads_it(
    workspace: Workspace, tmp_path: Path, originals: bool
) -> None:
    path = tmp_path / "set.parquet"
    path.write_bytes(packed(workspace, "parquet", originals=originals))
    found = loaded("parquet", tmp_path / "cache", data_files=str(path), split="train")
    assert {row["file_name"] for row in found} == EXPECTED.keys()
    for row in found:
        close(objects_of(row), EXPECTED[row["file_name"]])
        assert ("image" in row) is originals
        if originals:
            assert row["image"].size == (64, 48)
    feature = found.features["objects"]["categories"].feature
    assert feature.names == LABEL_NAMES
    first = next(row for row in found if row["file_name"] == "a.jpg")
    assert [feature.int2str(number) for number in first["objects"]["categories"]] == [
        "car", "traffic light",
    ]  # fmt: skip
    assert json.loads(first["objects"]["attributes"][0]) == {"difficult": 1}


def test_parquet_with_images_is_written_in_small_groups(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "_GROUP_BYTES", 1)
    path = tmp_path / "set.parquet"
    path.write_bytes(packed(workspace, "parquet", originals=True))
    file = parquet.ParquetFile(path)
    assert file.metadata.num_row_groups == len(EXPECTED)
    assert file.read().column("file_name").to_pylist() == sorted(EXPECTED)


def test_an_image_that_is_gone_has_a_row_without_bytes(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.remove("uploads/a.png")
    path = tmp_path / "set.parquet"
    made = open_exporter(workspace.open()).make(kind=find_format("parquet"), originals=True)
    with made:
        path.write_bytes(b"".join(made.chunks()))
        assert made.without_original == ["a.png"]
    rows = parquet.read_table(path).to_pylist()
    assert [row["file_name"] for row in rows if row["image"] is None] == ["a.png"]
    first = next(row for row in rows if row["file_name"] == "a.jpg")
    assert first["image"] == {"bytes": jpeg(), "path": "a.jpg"}


@pytest.mark.parametrize("kind", ["csv", "ndjson", "imagefolder", "parquet", "labelstudio"])
def test_the_same_data_gives_the_same_bytes(workspace: Workspace, kind: str) -> None:
    originals = find_format(kind).carries_images
    first = packed(workspace, kind, originals=originals)
    assert packed(workspace, kind, originals=originals) == first


@pytest.mark.parametrize("kind", ["csv", "ndjson", "imagefolder", "parquet", "labelstudio"])
def test_an_empty_project_is_a_file_too(tmp_path: Path, kind: str) -> None:
    made = Workspace(str(tmp_path / "data"))
    assert packed(made, kind)
    made.close()
