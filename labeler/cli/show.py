"""`list`, `show` and `stats`: print the project's content and change nothing."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Final

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


def stats(_given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Print the numbers of images and boxes."""
    from labeler.model.document import Status

    labels = project.labels.read()
    statuses: Counter[str] = Counter()
    boxes = Counter({label.name: 0 for label in labels.labels})
    for number, (image, document) in enumerate(project.list_documents()):
        progress(f"{number} images")
        statuses["damaged" if image.problem else document.status if document else image.status] += 1
        for rect in document.rects if document else ():
            label = labels.find(rect.label)
            boxes[label.name if label else rect.label] += 1
    order = ["damaged", *Status]
    images = {status: statuses[status] for status in order if statuses[status]}
    for what, counts in (("images", images), ("boxes", boxes)):
        print_result(f"{sum(counts.values())}\t{what}")
        for name, count in counts.items():
            print_result(f"{count}\t  {visible(name)}")
    return True
