"""What is worth a look in a document: the same as the workbench finds, on the same cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeler.model.box_warnings import MOST_COMPARED, BoxWarning, box_warnings, count_warnings
from labeler.model.document import AnnotationDocument, Rect

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "ui" / "workbench" / "warning_cases.json").read_text()
)
KNOWN = {"car": "car", "automobile": "car", "dog": "dog"}


def document(rects: list[Any], size: int | None = 100) -> AnnotationDocument:
    return AnnotationDocument.model_validate(
        {"rects": rects, "image_path": "a.png", "image_width": size, "image_height": size}
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_a_worked_case(case: dict[str, Any]) -> None:
    made = document(case["rects"])
    found = box_warnings(made, lambda text: (KNOWN.get(text, text), text in KNOWN))
    told = {rect.id: some for rect, some in zip(made.rects, found, strict=True) if some}
    assert told == {name: list(map(BoxWarning, some)) for name, some in case["warnings"].items()}


def test_a_document_that_does_not_say_its_size_has_two_edges() -> None:
    rect = {"left": 90.0, "top": 5.0, "width": 10.0, "height": 10.0, "label": "car"}
    assert count_warnings(document([rect])) == {"edge": 1}
    assert count_warnings(document([rect], None)) == {}
    assert count_warnings(document([rect | {"top": 0.0}], None)) == {"edge": 1}


def test_no_duplicates_are_looked_for_among_too_many() -> None:
    rects = [
        Rect(left=5 + 1e-3 * (at % 2), top=5, width=20, height=20, label="car", id=str(at))
        for at in range(MOST_COMPARED + 1)
    ]
    made = document([])
    few, many = (made.model_copy(update={"rects": tuple(rects[:n])}) for n in (2, len(rects)))
    assert count_warnings(few) == {"duplicate": 2}
    assert count_warnings(many) == {}
