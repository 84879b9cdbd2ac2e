"""What the webhook is told of a project: once for each image that becomes done or approved."""

from __future__ import annotations

from typing import Any

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.model.reviews import Verdict, reviewed
from tests.pictures import png
from tests.projects import Workspace


def test_each_image_that_becomes_done_or_approved_is_told_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = workspace.open()
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(project.webhook, "tell", lambda event, **facts: told.append((event, facts)))
    image = project.add_image("a.png", png()).image_id
    for status in (Status.IN_PROGRESS, Status.DONE, Status.SKIPPED, Status.DONE):
        opened = project.open_document(image)
        project.save_document(image, with_status(opened.document, status), opened, "ana")
    opened = project.open_document(image)
    again = opened.document.model_copy(update={"x_key": 1})
    project.save_document(image, again, opened, "ben")
    opened = project.open_document(image)
    approved = reviewed(opened.document, Verdict.APPROVE, "eve", project.clock(), None)
    project.put_document(image, approved, opened.version)
    facts = {"image_id": image, "by": "ana", "rects": 0}
    assert told == [("done", facts), ("done", facts), ("approved", {**facts, "by": "eve"})]
    told.clear()
    open_exporter(project).write()
    assert told == [("export", {"format": "coco", "images": 1, "annotations": 0})]
