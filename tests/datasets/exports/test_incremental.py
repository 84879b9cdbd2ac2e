"""An export that takes over from an earlier one gives the same bytes as one that reads all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.selection import ALL, Selection, parse_selection
from labeler.errors import LabelerError
from labeler.image_names import name_size_id
from labeler.model.document import Rect, Status
from labeler.model.label_edits import merged, renamed
from labeler.model.layout import manifest_key
from labeler.project.project import Project
from tests.projects import Workspace
from tests.strategies import rects

CHOICES = {
    "all": ALL,
    "some": parse_selection({"status": ["done", "in_progress"], "name": ["*a*"]}),
    "cars": parse_selection({"label": ["car"]}),
    "train": parse_selection({"split": ["60/40"], "part": ["train"]}),
}
LABEL = st.sampled_from(["car", "Car", "dog", "bus", "old bus", "\x00"])
RECTS = st.lists(rects(labels=LABEL), max_size=3)
STATUS = st.sampled_from([*Status, "other"])
NAMES = st.sampled_from(["a.png", "b.png", "A.png", "d/a.png", "a.jpg", "/bad.png"])
IDS = st.sampled_from(
    [name_size_id(name, size) for name in ("a.png", "b.png") for size in (1, 2)] + ["0", "f", "z"]
)
"""Of originals that may be there, and of none."""


def coco(project: Project, choice: Selection) -> bytes:
    with open_exporter(project).make(choice) as file:
        return b"".join(file.chunks())


def told(work: Callable[[], object]) -> object:
    """What it gives, or the failure that it tells."""
    try:
        return work()
    except LabelerError as error:
        return error.message


def bytes_without_earlier(folder: Path, choice: Selection) -> object:
    """What a project gives that has the same images and numbers, and no export."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, f"{place}/data", ignore=shutil.ignore_patterns("exports"))
        workspace = Workspace(f"{place}/data")
        try:
            return told(lambda: coco(workspace.open(), choice))
        finally:
            workspace.close()


class Edits(RuleBasedStateMachine):
    """People work on a project, and it is exported in between."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.folder = self.place / "data"
        self.workspace = Workspace(str(self.folder), LABELS="car,dog,bus")
        self.workspace.open().labels.add(())

    def teardown(self) -> None:
        self.workspace.close()
        shutil.rmtree(self.place)

    @rule(image_id=IDS, name=NAMES, rects=RECTS, status=STATUS, sized=st.integers(0, 4))
    def save(self, image_id: str, name: str, rects: list[Rect], status: str, sized: int) -> None:
        document: dict[str, Any] = {
            "rects": [rect.model_dump(exclude_unset=True) for rect in rects],
            "image_path": name,
            "metadata": {"status": status, "saved_at": f"2024-01-01T00:00:{len(rects):02}"},
        }
        if sized:
            document |= {"image_width": 100, "image_height": 60}
        self.workspace.put(f"annotations/{image_id}.json", json.dumps(document).encode())

    @rule(image_id=IDS)
    def damage(self, image_id: str) -> None:
        self.workspace.put(f"annotations/{image_id}.json", b"{")

    @rule(image_id=IDS)
    def remove(self, image_id: str) -> None:
        told(lambda: self.workspace.remove(f"annotations/{image_id}.json"))

    @rule(name=NAMES.filter(lambda name: name[0] != "/"), size=st.integers(1, 2))
    def upload(self, name: str, size: int) -> None:
        self.workspace.put(f"uploads/{name}", b"x" * size)

    @rule(name=NAMES.filter(lambda name: name[0] != "/"))
    def remove_original(self, name: str) -> None:
        told(lambda: self.workspace.remove(f"uploads/{name}"))

    @rule(number=st.integers(1, 4), name=LABEL)
    def rename(self, number: int, name: str) -> None:
        told(
            lambda: self.workspace.open().labels.edit(lambda labels: renamed(labels, number, name))
        )

    @rule(number=st.integers(1, 4), into=st.integers(1, 4))
    def merge(self, number: int, into: int) -> None:
        told(lambda: self.workspace.open().labels.edit(lambda labels: merged(labels, number, into)))

    @rule(at=st.integers(0, 10_000), sources=st.booleans())
    def spoil_newest(self, at: int, sources: bool) -> None:
        """Somebody edits an export or what lies beside it."""
        kept = open_exporter(self.workspace.open()).kept()
        if kept:
            key = manifest_key(kept[0].key) if sources else kept[0].key
            data = bytearray((self.folder / key).read_bytes())
            data[at % len(data)] ^= 1
            self.workspace.put(key, bytes(data))

    @rule(name=st.sampled_from(sorted(CHOICES)))
    def export(self, name: str) -> None:
        choice = CHOICES[name]
        project = self.workspace.open()
        quick = told(lambda: coco(project, choice))
        assert quick == bytes_without_earlier(self.folder, choice)
        written = told(lambda: open_exporter(project).write(choice)[0].key)
        if isinstance(quick, bytes):
            assert (self.folder / str(written)).read_bytes() == quick
        self.workspace.close()


Edits.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestEdits = Edits.TestCase
