"""The queries in docs/analysis.md, run on an export as the page says."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest
from pyarrow import parquet

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats import parquet as ours
from labeler.datasets.formats.registry import find_format
from labeler.datasets.formats.writing import Dataset, ExportedImage
from labeler.datasets.rules import ExportBox, SummaryBuilder
from labeler.model.document import Status
from labeler.model.labels import Label, LabelSet
from labeler.model.layout import document_key
from tests.datasets.exports.support import packed
from tests.projects import Workspace

PAGE = (Path(__file__).parents[3] / "docs" / "analysis.md").read_text("utf-8")
QUERIES = {
    (re.findall(r"^## (.+)$", PAGE[: found.start()], re.MULTILINE) or [""])[-1]: found[1]
    for found in re.finditer(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
"""Each query by the heading above it."""
EVERY = ",".join(Status)


ANA, BEN, REA = "ana@example.com", "ben@example.com", "rea@example.com"
CAR = (1.5, 2.25, 100.0, 80.0, "car")
DOG = (200.0, 10.0, 50.0, 60.0, "dog")


def document(
    name: str,
    boxes: list[tuple[float, float, float, float, str]],
    status: str = "done",
    by: str = ANA,
    at: str = "2026-11-20T23:30:00+00:00",
    verdict: str = "",
    corrected: str = "",
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"status": status, "saved_by": by, "saved_at": at, "version": "1.0"}
    if verdict:
        metadata["review"] = {"by": REA, "at": "2026-11-25T08:00:00+00:00", "verdict": verdict}
    if corrected:
        metadata |= {"labeled_by": by, "labeled_at": at, "saved_by": REA, "saved_at": corrected}
    sides = ("left", "top", "width", "height", "label")
    return {
        "rects": [dict(zip(sides, box, strict=True)) for box in boxes],
        "image_path": name,
        "image_width": 1000,
        "image_height": 800,
        "metadata": metadata,
    }


DOCUMENTS = {
    "0a": document("cam1/a.jpg", [CAR, DOG], "approved", verdict="approve"),
    "0b": document("cam1/b.jpg", [CAR], "returned", verdict="return"),
    "0c": document(
        "cam2/c.jpg",
        [(3.0, 4.0, 7.5, 30.0, "dog")],
        by=BEN,
        verdict="approve",
        corrected="2026-11-24T08:00:00+00:00",
    ),
    "0d": document("cam2/d.jpg", [], by=BEN, at="2026-11-21T00:10:00+00:00"),
    "0e": document("e.jpg", [], "unlabeled", by="", at=""),
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project, and its exports before and after a change in the folder of the queries."""
    made = Workspace(str(tmp_path / "data"))
    for image_id, values in DOCUMENTS.items():
        made.put(document_key(image_id), json.dumps(values).encode())
    monkeypatch.chdir(tmp_path)
    Path("set.parquet").write_bytes(packed(made, "parquet", status=EVERY))
    before = {**DOCUMENTS["0b"], "rects": []}
    made.put(document_key("0b"), json.dumps(before).encode())
    Path("earlier.parquet").write_bytes(packed(made, "parquet", status=EVERY))
    yield made
    made.close()


@pytest.fixture
def database(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(QUERIES["The views"])
        yield connection


FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Boxes by label": [("car", 2, 2), ("dog", 2, 2)],
    "Work per person and day": [(ANA, FRIDAY, 2, 3), (BEN, FRIDAY, 1, 1), (BEN, SATURDAY, 1, 0)],
    "Images without boxes": [("done", "cam2/d.jpg"), ("unlabeled", "e.jpg")],
    "Tiny boxes": [("cam2/c.jpg", "dog", 3.0, 4.0, 7.5, 30.0, BEN)],
    "Balance of labels per folder": [
        ("cam1", "car", 2, 66.7), ("cam1", "dog", 1, 33.3), ("cam2", "dog", 1, 100.0),
    ],
    "Agreement of reviewers with labelers": [(ANA, 2, 1, 1, 50.0), (BEN, 1, 1, 0, 100.0)],
    "Labels that occur together": [("car", "dog", 1)],
    "Two exports compared": [("cam1/b.jpg",)],
}  # fmt: skip


def test_every_query_of_the_page_is_run() -> None:
    assert QUERIES.keys() == {"The views", *EXPECTED}


@pytest.mark.parametrize("heading", EXPECTED)
def test_duckdb_answers(database: duckdb.DuckDBPyConnection, heading: str) -> None:
    assert database.execute(QUERIES[heading]).fetchall() == EXPECTED[heading]


def test_the_work_and_its_correction_are_told_apart(workspace: Workspace) -> None:
    rows = {row["file_name"]: row for row in parquet.read_table("set.parquet").to_pylist()}
    corrected = rows["cam2/c.jpg"]
    assert [corrected[name] for name in ("saved_by", "labeled_by")] == [REA, BEN]
    assert [corrected[name].day for name in ("saved_at", "labeled_at")] == [24, 20]
    opened = rows["e.jpg"]
    assert [opened[name] for name in ("labeled_by", "labeled_at")] == [None, None]


def test_polars_answers(workspace: Workspace) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(script, found)  # the page's own script
    assert found["by_label"].rows() == EXPECTED["Boxes by label"]
    assert found["per_person_and_day"].rows() == EXPECTED["Work per person and day"]
    assert found["empty"].rows() == [("cam2/d.jpg", "done"), ("e.jpg", "unlabeled")]
    assert found["tiny"].rows() == [("cam2/c.jpg", "dog", [3.0, 4.0, 7.5, 30.0])]


# --- what readers need of the file -------------------------------------------------------------

# The types that BigQuery's loader takes, and its rule for the names of columns.
LOADED = {"BYTE_ARRAY", "INT32", "INT64", "DOUBLE"}
LOGICAL = {"NONE", "STRING", "LIST"}
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
RESERVED = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")


@pytest.mark.parametrize("originals", [True, False])
def test_bigquery_has_a_type_for_each_column(workspace: Workspace, originals: bool) -> None:
    path = Path("loaded.parquet")
    made = open_exporter(workspace.open()).make(kind=find_format("parquet"), originals=originals)
    with made:
        path.write_bytes(b"".join(made.chunks()))
    schema = parquet.ParquetFile(path).schema
    names = [field.name for field in schema.to_arrow_schema()]
    assert len({name.casefold() for name in names}) == len(names)
    for place in range(len(schema)):
        column = schema.column(place)
        assert column.physical_type in LOADED
        logical = column.logical_type
        assert logical.type in LOGICAL or (
            logical.type == "TIMESTAMP"
            and "isAdjustedToUTC=true, timeUnit=microseconds" in str(logical)
        )
        parts = column.path.split(".")
        assert len(parts) <= 15
        for part in parts:
            assert COLUMN.fullmatch(part)
            assert not part.casefold().startswith(RESERVED)


def test_a_group_holds_the_rows_of_many_steps(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "_ROWS", 2)
    monkeypatch.setattr(ours, "_GROUP_ROWS", 4)
    Path("grouped.parquet").write_bytes(packed(workspace, "parquet", status=EVERY))
    found = parquet.ParquetFile("grouped.parquet").metadata
    assert [found.row_group(one).num_rows for one in range(found.num_row_groups)] == [4, 1]


def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are written as soon as a group is full: the writer holds one group at most."""
    monkeypatch.setattr(ours, "_GROUP_BYTES", 2**16)
    boxes = [ExportBox(1, 0, 0, 500, 500)] * 9
    image = ExportedImage(1, "0a", "a", "a", "", "done", 9, 9, 0, ANA, ANA, 0, "", "", boxes)
    labels = LabelSet(labels=(Label(number=1, name="car", color="#ffffff"),))
    no_boxes = SummaryBuilder().summary({})
    peaks = []
    for count in (1, 4_000, 16_000):  # the first brings what is imported at first use
        images = [image] * count
        dataset = Dataset(labels, no_boxes, False, images.__iter__, lambda _: None)
        tracemalloc.start()
        before, most = pyarrow.total_allocated_bytes(), 0
        for _ in ours.WRITER.args[0].chunks(dataset):
            most = max(most, pyarrow.total_allocated_bytes() - before)
        peaks.append(most + tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] * 1.5
