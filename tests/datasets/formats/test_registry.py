"""The registry of formats: every row works, and nothing else lists formats."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from labeler.datasets.formats.registry import (
    EXPORTED,
    FORMATS,
    IMPORTED,
    DatasetFormat,
    find_format,
    format_of_export,
)
from labeler.errors import InvalidRequest

ROOT = Path(__file__).parents[3]
by_name = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)


@by_name
def test_a_row_names_what_there_is(kind: DatasetFormat) -> None:
    assert kind.writer or kind.reader
    if kind.writer:
        assert callable(import_module(f"labeler.datasets.formats.{kind.writer}").WRITER)
        assert kind.about
        assert kind.media_type
        assert kind.suffix.startswith(".")
    if kind.reader:
        assert callable(import_module(f"labeler.datasets.formats.{kind.reader}").READER)
        assert kind.import_files
    assert find_format(kind.name) is kind


def test_no_two_rows_have_one_name() -> None:
    assert len({kind.name for kind in FORMATS}) == len(FORMATS)
    assert len({kind.title for kind in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: kind.name)
def test_an_export_is_known_by_its_name(kind: DatasetFormat) -> None:
    name = f"dataset_{kind.name}_20260102_030405"
    assert format_of_export(name + kind.suffix) is kind
    assert format_of_export(f"{name}.exe") is None
    assert format_of_export(f"{name}{kind.suffix}\n") is None
    part = format_of_export(f"{name}_val{kind.suffix}")
    assert part is (kind if kind.is_incremental else None)


def test_a_format_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InvalidRequest, match="'mp3': choose one of coco, cocozip"):
        find_format("mp3")


def texts_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_nothing_else_lists_formats() -> None:
    """One name may stand for itself, such as the parameter `voc`; two are a list."""
    names = {kind.name for kind in FORMATS}
    own = ROOT / "labeler/datasets/formats"
    for path in [ROOT / "app.py", *ROOT.glob("labeler/**/*.py")]:
        if not path.is_relative_to(own):
            found = names.intersection(texts_in(path))
            assert len(found) < 2, f"{path} lists {found}: read the registry"


def test_the_documentation_lists_the_formats() -> None:
    rows = [
        "| {title} | `{name}` | {export} | {images} | {attributes} | {imports} |".format(
            title=kind.title,
            name=kind.name,
            export=f"`{kind.suffix}`" if kind.writer else "no",
            images="yes" if kind.carries_images else "no",
            attributes=kind.attributes if kind.writer else "",
            imports=kind.import_files or "no",
        )
        for kind in FORMATS
    ]
    text = (ROOT / "docs/formats.md").read_text()
    assert "\n".join(rows) in text
    imports = (ROOT / "docs/import.md").read_text()
    assert all(f"| `{kind.name}` |" in imports for kind in IMPORTED)
