"""What the tests of exports share: a project of four images, and its exports."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.registry import EXPORTED, find_format
from labeler.datasets.selection import parse_selection
from labeler.project.project import Project
from tests.pictures import jpeg, png
from tests.projects import Workspace

RECTS: dict[str, list[dict[str, Any]]] = {
    "a.jpg": [
        {"left": 1.5, "top": 2.25, "width": 10.01, "height": 8.33, "label": "car", "difficult": 1},
        {"left": 0, "top": 0, "width": 64, "height": 48, "label": "traffic light"},
    ],
    "street/a.jpg": [{"left": 33.33, "top": 1, "width": 5, "height": 47, "label": "猫 <&>"}],
    "a.png": [{"left": 3, "top": 4, "width": 5, "height": 6, "label": "car"}],
    "empty.jpg": [],
}
ZIPPED = [kind.name for kind in EXPORTED if kind.suffix == ".zip" and kind.reader]
LABEL_NAMES = ["object", "unused: \"x\" # 'y'", "car", "traffic light", "猫 <&>"]


def four_images(tmp_path: Path) -> Iterator[Workspace]:
    """Four images with results, in folders too, and one that nobody has looked at."""
    made = Workspace(str(tmp_path / "data"))
    project = made.open()
    for number, name in enumerate(RECTS):
        data = (png if name.endswith("png") else jpeg)() + b"\0" * number
        made.put(f"uploads/{name}", data)
    made.put("uploads/untouched.jpg", jpeg())
    project.labels.add(LABEL_NAMES)
    project.image_index.expire()
    for name, rects in RECTS.items():
        label_image(project, name, rects)
    yield made
    made.close()


def label_image(project: Project, name: str, rects: list[dict[str, Any]]) -> None:
    """Save these boxes on the image, as done."""
    (entry,) = [one for one in project.list_images() if one.image_path == name]
    opened = project.open_document(entry.image_id)
    values = opened.document.model_dump(exclude_unset=True)
    values["rects"] = rects
    values["metadata"]["status"] = "done"
    project.save_document(
        entry.image_id, type(opened.document).model_validate(values), opened, by=""
    )


def packed(workspace: Workspace, kind: str, *, originals: bool = False, **choice: str) -> bytes:
    given = parse_selection({name: [value] for name, value in choice.items()})
    exporter = open_exporter(workspace.open())
    with exporter.make(given, kind=find_format(kind), originals=originals) as bundle:
        return b"".join(bundle.chunks())


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
