"""Images by the labels in their documents: each document is read once, and few at a time."""

from __future__ import annotations

from labeler.model import edits
from labeler.model.document import Rect
from labeler.project.project import Project
from tests.pictures import png
from tests.projects import Workspace


def draw(project: Project, image_id: str, *labels: str) -> None:
    opened = project.open_document(image_id)
    rects = [
        Rect(left=number, top=0, width=5, height=5, label=label, id=f"{label}{number}")
        for number, label in enumerate(labels)
    ]
    project.save_document(image_id, edits.with_rects(opened.document, rects), opened, "")


def test_labels_are_found_few_at_a_time_and_again_after_a_change(workspace: Workspace) -> None:
    project = workspace.open()
    ids = [project.add_image(f"{number}.png", png()).image_id for number in range(5)]
    for image_id in ids[:4]:
        draw(project, image_id, "cat", "dog", "cat")
    assert len(project.label_texts(project.list_images(), most=3)) == 3
    found = project.label_texts(project.list_images(), most=3)
    assert found == dict.fromkeys(ids[:4], frozenset({"cat", "dog"}))
    assert project.label_texts(project.list_images(), most=0) == found
    draw(project, ids[0], "bird")
    assert ids[0] not in project.label_texts(project.list_images(), most=0)
    assert project.label_texts(project.list_images(), most=1)[ids[0]] == {"bird"}


def test_labels_are_read_again_for_another_version_of_the_same_time(workspace: Workspace) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    draw(project, image_id, "cat", "dog")
    assert project.label_texts(project.list_images(), most=1)[image_id] == {"cat", "dog"}
    [(key, (data, _))] = [
        (key, found) for key, found in workspace.objects().items() if key.startswith("annotations/")
    ]
    workspace.put(key, data.replace(b'"dog"', b'"owl"'))
    project.image_index.expire()
    assert project.label_texts(project.list_images(), most=1)[image_id] == {"cat", "owl"}
