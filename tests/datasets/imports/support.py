"""What the tests of imports share."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.datasets.formats.registry import find_format
from labeler.datasets.imports.place import ExistingBoxes
from labeler.datasets.imports.report import ImportReport, ImportRequest
from labeler.datasets.imports.run import run_import
from labeler.model.document import AnnotationDocument
from labeler.project.project import Project


def imported(
    project: Project, path: Path, kind: str = "coco", images: Path | None = None,
    by: str = "", **wanted: Any,
) -> ImportReport:  # fmt: skip
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(contextlib.closing(open_dataset_files(path)))
        beside = None
        if images:
            beside = stack.enter_context(contextlib.closing(open_dataset_files(images)))
        if "existing" in wanted:
            wanted["existing"] = ExistingBoxes(wanted["existing"])
        request = ImportRequest(find_format(kind), **wanted)
        return run_import(project, source, request, images=beside, by=by)


def lines(report: ImportReport) -> list[str]:
    return [problem.line() for problem in report.problems.kept]


def counts(report: ImportReport) -> dict[str, int]:
    """How many images became what, those of which there are any."""
    return {outcome.value: count for outcome, count in report.images.items() if count}


def documents(project: Project) -> dict[str, AnnotationDocument]:
    """The stored documents by the images' names."""
    project.image_index.expire()
    return {
        project.file_name(entry): document
        for entry, document in project.list_documents()
        if document is not None
    }


def boxes(document: AnnotationDocument) -> list[tuple[object, ...]]:
    return [(r.label, r.left, r.top, r.width, r.height) for r in document.rects]


def coco(images: dict[str, list[list[float]]], **more: Any) -> dict[str, Any]:
    """A COCO set: boxes by file name, all of label "car", images of 64 x 48."""
    numbered = list(enumerate(images.items(), 1))
    return {
        "images": [
            {"id": number, "file_name": name, "width": 64, "height": 48}
            for number, (name, _) in numbered
        ],
        "categories": [{"id": 5, "name": "car"}, {"id": 2, "name": "unused"}],
        "annotations": [
            {"id": 10 * number + index, "image_id": number, "category_id": 5, "bbox": bbox}
            for number, (_, bboxes) in numbered
            for index, bbox in enumerate(bboxes)
        ],
        **more,
    }  # fmt: skip
