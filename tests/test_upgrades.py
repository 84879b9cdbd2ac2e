"""Two versions of the program at work on one project: neither damages what the other one writes.

What a newer minor version adds is not known here, and stays. What a newer major version changes
can't be understood here, and is refused and left alone. The other way round, the last release is
run on what this program writes.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.errors import DamagedDocument, NewerDocument
from labeler.model.label_edits import renamed
from labeler.model.layout import LABELS_KEY, REGISTRY_KEY, document_key
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes

ROOT = Path(__file__).parents[1]
LATER = {"kind": "polygon", "points": [[1, 2.5], [3, None]], "by": {"model": "x", "sure": 0.75}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(str(tmp_path / "data"), LABELS="car")
    yield made
    made.close()


def newer_document(image_id: str, version: str = "1.7") -> dict[str, Any]:
    """A document with keys at every level that this program does not know."""
    return {
        "rects": [
            {**BOX.model_dump(), "shape": LATER, "score": 0.5},
            {**OTHER.model_dump(), "track": [1, 2, 3]},
        ],
        "image_path": "a.png",
        "image_width": 64,
        "image_height": 48,
        "layers": [LATER, LATER],
        "metadata": {
            "image_path": "a.png",
            "image_id": image_id,
            "version": version,
            "status": "being_checked",
            "review": {"by": "zoe", "history": [LATER]},
        },
    }


def put(workspace: Workspace, key: str, value: Any) -> bytes:
    data = json.dumps(value).encode()
    workspace.put(key, data)
    return data


def stored(workspace: Workspace, key: str) -> Any:
    return json.loads(workspace.store().read(key)[0])


def added(workspace: Workspace) -> str:
    return workspace.open().add_image("a.png", png()).image_id


# --- a newer minor version ----------------------------------------------------------------


def test_what_a_newer_document_holds_survives_an_edit_and_a_merge(workspace: Workspace) -> None:
    image_id = added(workspace)
    newer = newer_document(image_id)
    put(workspace, document_key(image_id), newer)
    ana, ben = workspace.open(), workspace.open()
    for_ana, for_ben = ana.open_document(image_id), ben.open_document(image_id)
    first, second = for_ana.document.rects
    moved = second.model_copy(update={"left": 3.5})
    ana.save_document(image_id, with_boxes(for_ana, first, moved), for_ana, by="ana")
    new = BOX.model_copy(update={"id": "new", "left": 30.0})
    ben.save_document(image_id, with_boxes(for_ben, first, second, new), for_ben, by="ben")
    found = stored(workspace, document_key(image_id))
    assert [rect["id"] for rect in found["rects"]] == ["a", "b", "new"]
    assert found["rects"][0] == newer["rects"][0]
    assert found["rects"][1] == {**newer["rects"][1], "left": 3.5}
    assert found["layers"] == newer["layers"]
    assert found["metadata"]["review"] == newer["metadata"]["review"]
    assert found["metadata"]["version"] == "1.7"
    assert found["metadata"]["status"] == "being_checked"


def test_a_newer_document_is_listed_and_exported(workspace: Workspace) -> None:
    image_id = added(workspace)
    put(workspace, document_key(image_id), newer_document(image_id))
    project = workspace.open()
    [entry] = project.list_images()
    assert (entry.rects, entry.problem) == (2, "")
    assert open_exporter(project).write()[0].summary.annotations == 2


def test_what_a_newer_label_set_holds_survives_its_edits(workspace: Workspace) -> None:
    newer = {
        "version": "1.3",
        "labels": [{"number": 4, "name": "car", "color": "#112233", "skeleton": LATER}],
        "groups": {"vehicles": [4]},
    }
    put(workspace, LABELS_KEY, newer)
    labels = workspace.open().labels
    labels.add(["dog"])
    labels.edit(lambda found: renamed(found, 4, "vehicle"))
    found = stored(workspace, LABELS_KEY)
    assert (found["version"], found["groups"]) == ("1.3", newer["groups"])
    assert found["labels"][0]["skeleton"] == LATER
    assert [label["name"] for label in found["labels"]] == ["vehicle", "dog"]


def test_what_a_newer_registry_holds_survives_an_export(workspace: Workspace) -> None:
    image_id = added(workspace)
    put(workspace, REGISTRY_KEY, {"version": "1.2", "images": ["", "0" * 32], "parts": LATER})
    open_exporter(workspace.open()).write()
    assert stored(workspace, REGISTRY_KEY) == {
        "version": "1.2",
        "images": ["", "0" * 32, image_id],
        "parts": LATER,
    }


# --- a newer major version ----------------------------------------------------------------


def test_a_document_of_a_newer_major_version_is_never_touched(workspace: Workspace) -> None:
    image_id = added(workspace)
    project = workspace.open()
    opened = project.open_document(image_id)
    key = document_key(image_id)
    data = put(workspace, key, {**newer_document(image_id, "2.0"), "rects": {"all": "changed"}})
    with pytest.raises(NewerDocument):
        project.open_document(image_id)
    with pytest.raises(NewerDocument):  # by a page that was open before the upgrade
        project.save_document(image_id, with_boxes(opened, BOX), opened, by="ana")
    with pytest.raises(DamagedDocument):
        project.add_image("a.png", png())
    [left_out] = open_exporter(project).write()[0].summary.warning_lines()
    assert "a.png" in left_out or image_id in left_out
    assert workspace.store().read(key)[0] == data


@pytest.mark.parametrize(
    ("key", "value"),
    [(LABELS_KEY, {"labels": {"car": 1}}), (REGISTRY_KEY, {"images": {"0": 1}})],
)
@pytest.mark.parametrize("understood", [False, True])
def test_labels_and_registry_of_a_newer_major_version_are_never_touched(
    workspace: Workspace, key: str, value: dict[str, Any], understood: bool
) -> None:
    added(workspace)
    [name] = value
    data = put(workspace, key, {"version": "3.0", **({name: []} if understood else value)})
    project = workspace.open()
    with pytest.raises(DamagedDocument):
        open_exporter(project).write()
    if key == LABELS_KEY:
        with pytest.raises(DamagedDocument):
            project.labels.add(["dog"])
    assert workspace.store().read(key)[0] == data


# --- an older version ---------------------------------------------------------------------


def test_an_old_document_is_edited_like_any_other(workspace: Workspace) -> None:
    image_id = added(workspace)
    put(workspace, document_key(image_id), json.loads(old_document("a.png")))
    project = workspace.open()
    opened = project.open_document(image_id)
    first, _ = opened.document.rects
    project.save_document(image_id, with_boxes(opened, first), opened, by="ana")
    found = stored(workspace, document_key(image_id))
    assert found["rects"][0]["score"] == 0.9
    assert found["camera"] == {"name": "north", "lens": [1, 2.5, None]}
    assert found["metadata"]["source"] == "import"


def last_release() -> str:
    """The newest tag before this commit; empty where there is none, or no history at all."""
    done = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


OLD_PROGRAM = """
import os, sys
from labeler.project.project import open_project
from labeler.model.edits import with_rects
from labeler.settings import load_settings
dataset = open_project(load_settings(os.environ))
for entry in dataset.list_images():
    assert not entry.problem, entry.problem
    opened = dataset.open_document(entry.image_id)
    first, *rest = opened.document.rects
    moved = first.model_copy(update={"left": first.left + 1})
    dataset.save_document(
        entry.image_id, with_rects(opened.document, [moved, *rest]), opened, by="old"
    )
dataset.close()
"""


def test_the_last_release_works_on_what_this_program_writes(
    workspace: Workspace, tmp_path: Path
) -> None:
    """As two revisions do that serve at once: it opens, edits and exports, and nothing is lost."""
    tag = last_release()
    if not tag:
        pytest.skip("there is no release yet (a tag like v1.0.0)")
    archive = subprocess.run(
        ["git", "archive", tag, "labeler"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "release", filter="data")
    image_id = added(workspace)
    project = workspace.open()
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, BOX, OTHER), opened, by="ana")
    project.labels.add(["car", "dog"])
    project.labels.edit(lambda found: renamed(found, 1, "vehicle"))
    open_exporter(project).write()
    before = stored(workspace, document_key(image_id))
    labels = stored(workspace, LABELS_KEY)
    environ = {**os.environ, "LABELER_STORAGE": workspace.place, "LABELER_LABELS": "car"}
    old = tmp_path / "release"
    for arguments in (["-c", OLD_PROGRAM], ["-m", "labeler", "export", "coco"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=old, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    found = stored(workspace, document_key(image_id))
    assert [rect["left"] for rect in found["rects"]] == [BOX.left + 1, OTHER.left]
    for name in ("saved_at", "saved_by"):
        del found["metadata"][name], before["metadata"][name]
    before["rects"][0]["left"] += 1
    assert found == before
    assert stored(workspace, LABELS_KEY)["labels"][: len(labels["labels"])] == labels["labels"]
    assert open_exporter(workspace.open()).write()[0].summary.annotations == 2
