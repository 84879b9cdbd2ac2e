"""Images by the labels in their documents: each document is read once, and few at a time."""

from __future__ import annotations

from labeler.model import edits
from labeler.model.document import Rect
from labeler.project.project import Dataset
from tests.pictures import png
from tests.projects import Project


def draw(dataset: Dataset, image_id: str, *labels: str) -> None:
    opened = dataset.open_document(image_id)
    rects = [
        Rect(left=number, top=0, width=5, height=5, label=label, id=f"{label}{number}")
        for number, label in enumerate(labels)
    ]
    dataset.save_document(image_id, edits.with_rects(opened.document, rects), opened, "")


def test_labels_are_found_few_at_a_time_and_again_after_a_change(project: Project) -> None:
    dataset = project.open()
    ids = [dataset.add_image(f"{number}.png", png()).image_id for number in range(5)]
    for image_id in ids[:4]:
        draw(dataset, image_id, "cat", "dog", "cat")
    assert len(dataset.label_texts(dataset.list_images(), most=3)) == 3
    found = dataset.label_texts(dataset.list_images(), most=3)
    assert found == dict.fromkeys(ids[:4], frozenset({"cat", "dog"}))
    assert dataset.label_texts(dataset.list_images(), most=0) == found
    draw(dataset, ids[0], "bird")
    assert ids[0] not in dataset.label_texts(dataset.list_images(), most=0)
    assert dataset.label_texts(dataset.list_images(), most=1)[ids[0]] == {"bird"}
