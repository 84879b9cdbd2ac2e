"""`list`, `show` and `stats`: print the project's content and change nothing."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Final

from labeler.cli.export import open_engine
from labeler.cli.terminal import print_result, progress
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.project.project import Project
    from labeler.settings import Settings

_SHOWN: Final = (
    "image_id", "image_path", "status", "rects", "saved_at", "saved_by", "original", "problem",
)  # fmt: skip


def list_images(given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Print the images with their statuses."""
    images = [
        image
        for image in project.list_images()
        if given.status is None or image.status == given.status
    ]
    if given.json:
        import json

        entries = [{name: getattr(image, name) for name in _SHOWN} for image in images]
        print_result(json.dumps(entries, ensure_ascii=False, indent=2))
        return True
    for image in images:
        state = "damaged" if image.problem else image.status
        print_result(f"{image.image_id}\t{state:<11}\t{image.rects}\t{visible(image.image_path)}")
    return True


def show_document(given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Print one annotation document."""
    document = project.open_document(given.image_id).document
    print_result(document.model_dump_json(indent=2, exclude_unset=True))
    return True


def stats(given: argparse.Namespace, settings: Settings, project: Project) -> bool:
    """Print the numbers of images and boxes."""
    from labeler.model.document import Status

    statuses, texts = _counts(given, settings, project)
    labels = project.labels.read()
    boxes = Counter({label.name: 0 for label in labels.labels})
    for text in sorted(texts):
        label = labels.find(text)
        boxes[label.name if label else text] += texts[text]
    order = ["damaged", *Status]
    images = {status: statuses[status] for status in order if statuses[status]}
    for what, counts in (("images", images), ("boxes", boxes)):
        print_result(f"{sum(counts.values())}\t{what}")
        for name, count in counts.items():
            print_result(f"{count}\t  {visible(name)}")
    return True


def _counts(
    given: argparse.Namespace, settings: Settings, project: Project
) -> tuple[Counter[str], Counter[str]]:
    """The images by status, and the boxes by the label in the document."""
    engine = open_engine(given, settings)
    if engine is not None:
        from labeler.datasets.exports.exporter import open_exporter

        return open_exporter(project).count(engine)
    statuses: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for number, (image, document) in enumerate(project.list_documents()):
        progress(f"{number} images")
        statuses["damaged" if image.problem else document.status if document else image.status] += 1
        labels.update(rect.label for rect in (document.rects if document else ()))
    return statuses, labels
