"""What the tests of the command line share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, with_boxes

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "labeler")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def labeled(workspace: Workspace) -> tuple[str, str]:
    """Two labeled images; their IDs."""
    project = workspace.open()
    ids = []
    for name, rects in (("a.png", (BOX, OTHER)), ("b.png", (BOX,))):
        image_id = project.add_image(name, png()).image_id
        opened = project.open_document(image_id)
        project.save_document(image_id, with_boxes(opened, *rects), opened, by="ana@example.com")
        ids.append(image_id)
    return ids[0], ids[1]
