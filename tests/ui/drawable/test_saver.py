"""Saving by itself: every change ends in the store, the last one always, each only once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from labeler.errors import Unavailable
from labeler.model.document import AnnotationDocument, Rect
from labeler.model.edits import with_rects
from labeler.model.limits import MAX_RECTS
from labeler.model.merge import resolve
from labeler.project.originals import Uploads
from labeler.project.project import OpenedDocument, Project
from labeler.storage import ABSENT, Replaces, Store, Version
from labeler.ui.drawable import saver
from labeler.ui.drawable.saver import Draft, Edit, Saver, SaveState
from tests.gcs_server import Fault, GcsServer
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace

LONG_S = 30.0
"""More than anything here takes; only a fault waits so long."""


class Gate:
    """A store whose writes of documents wait while it is shut, fail while told to, and count."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.way = threading.Event()
        self.way.set()
        self.waiting = threading.Event()
        self.failure: Exception | None = None
        self.lands = False
        """Whether a write that fails is stored all the same, and only its answer is lost."""
        self.writes = 0
        self.shut_for = ""
        """How the keys end that a shut gate is for."""
        self.held = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        self.waiting.set()
        if key.endswith(self.shut_for) and not self.way.is_set():
            self.held += 1
            assert self.way.wait(LONG_S)
        if self.failure is not None and not self.lands:
            raise self.failure
        self.writes += 1
        version = self._store.write(
            key, data, replaces=replaces, metadata=metadata, content_type=content_type
        )
        if self.failure is not None:
            raise self.failure
        return version


class Desk:
    """One image, somebody who works on it, and the gate before the store."""

    def __init__(self, workspace: Workspace, interval_s: float = 0.0) -> None:
        self.workspace = workspace
        self.image_id = workspace.open().add_image("a.png", png()).image_id
        self.gate = Gate(workspace.store())
        store: Any = self.gate
        self.project = Project(workspace.settings, store, Uploads(store, "uploads/"), b"secret")
        self.saver = Saver(self.project, interval_s)
        self.draft = self.new_draft()

    def new_draft(self, by: str = "ana") -> Draft:
        return Draft(self.image_id, self.project.open_document(self.image_id), by=by)

    def stored(self) -> AnnotationDocument:
        """What another process sees."""
        return self.workspace.open().open_document(self.image_id).document


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(str(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def desk(workspace: Workspace) -> Iterator[Desk]:
    made = Desk(workspace)
    yield made
    made.gate.failure = None
    made.gate.way.set()
    assert made.saver.flush(LONG_S) == 0


def put(*rects: Rect) -> Edit:
    return lambda document: with_rects(document, rects)


def add(rect: Rect) -> Edit:
    return lambda document: with_rects(document, [*document.rects, rect])


def box(name: str, left: float = 1.0) -> Rect:
    return BOX.model_copy(update={"id": name, "left": left})


# --- the ordinary way ---------------------------------------------------------------------


def test_a_change_is_stored(desk: Desk) -> None:
    before = desk.draft.saved_at
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    assert desk.draft.state is SaveState.SAVED
    assert desk.stored().rects == (BOX,)
    assert desk.stored().metadata.saved_by == "ana"
    assert desk.draft.wanted == desk.draft.stored.document == desk.stored()
    assert before
    assert desk.draft.saved_at
    assert desk.draft.saved_at > before


def test_what_changes_nothing_is_not_written(desk: Desk) -> None:
    desk.saver.change(desk.draft, lambda document: document)
    desk.saver.change(desk.draft, put())
    assert desk.draft.wait(LONG_S)
    assert desk.gate.writes == 0
    assert desk.draft.state is SaveState.SAVED


def test_changes_during_a_write_are_written_together(desk: Desk) -> None:
    desk.gate.way.clear()
    desk.saver.change(desk.draft, add(box("first")))
    assert desk.gate.waiting.wait(LONG_S)
    for number in range(50):
        desk.saver.change(desk.draft, add(box(f"n{number}")))
        assert desk.draft.state is SaveState.PENDING
    assert not desk.draft.wait(0)
    desk.gate.way.set()
    assert desk.draft.wait(LONG_S)
    assert desk.gate.writes == 2
    assert [rect.id for rect in desk.stored().rects] == ["first", *(f"n{n}" for n in range(50))]


def test_a_change_that_is_taken_back_during_a_write_is_taken_back_in_the_store(desk: Desk) -> None:
    desk.gate.way.clear()
    desk.saver.change(desk.draft, put(BOX))
    assert desk.gate.waiting.wait(LONG_S)
    desk.saver.change(desk.draft, put())
    desk.gate.way.set()
    assert desk.draft.wait(LONG_S)
    assert desk.stored().rects == ()
    assert desk.draft.state is SaveState.SAVED


def test_whatever_the_moment_the_last_change_is_stored(desk: Desk) -> None:
    """Changes come just when a write begins, runs, ends: none is left behind."""
    chance = random.Random(3)
    for number in range(300):
        desk.saver.change(desk.draft, add(box(f"n{number}", left=float(number % 50))))
        if chance.random() < 0.5:
            desk.draft.wait(chance.random() * 0.004)
    assert desk.saver.flush(LONG_S) == 0
    assert desk.draft.state is SaveState.SAVED
    assert desk.draft.error == ""
    assert [rect.id for rect in desk.stored().rects] == [f"n{n}" for n in range(300)]


def test_a_change_just_as_a_save_ends_is_stored_like_any_other(desk: Desk) -> None:
    for number in range(60):
        while desk.draft.state is not SaveState.SAVED:
            assert desk.draft.state is not SaveState.FAILED
        desk.saver.change(desk.draft, add(box(f"n{number}")))
    assert desk.saver.flush(LONG_S) == 0
    assert desk.draft.state is SaveState.SAVED
    assert len(desk.stored().rects) == 60


def test_several_at_once_may_change_one_draft(desk: Desk) -> None:
    def work(who: int) -> None:
        for number in range(30):
            desk.saver.change(desk.draft, add(box(f"w{who}n{number}")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert desk.saver.flush(LONG_S) == 0
    ids = {rect.id for rect in desk.stored().rects}
    assert ids == {f"w{who}n{number}" for who in range(4) for number in range(30)}


# --- one write in a while, and the end ----------------------------------------------------


def test_writes_keep_their_distance_and_a_flush_does_not_wait(workspace: Workspace) -> None:
    desk = Desk(workspace, interval_s=3600)
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    assert desk.gate.writes == 1
    desk.saver.change(desk.draft, put(BOX, OTHER))
    assert not desk.draft.wait(0.2)
    assert desk.draft.state is SaveState.PENDING
    assert desk.gate.writes == 1
    assert desk.saver.flush(LONG_S) == 0
    assert desk.stored().rects == (BOX, OTHER)


def test_the_distance_is_kept_between_drafts_of_one_image(workspace: Workspace) -> None:
    desk = Desk(workspace, interval_s=3600)
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    other = desk.new_draft("ben")
    desk.saver.change(other, add(OTHER))
    assert not other.wait(0.2)
    assert desk.gate.writes == 1
    assert desk.saver.flush(LONG_S) == 0
    assert desk.stored().rects == (BOX, OTHER)


def test_a_flush_of_nothing_is_done() -> None:
    workspace = Workspace("/nowhere")
    assert Saver(workspace.open(), 0.0).flush(0) == 0


def test_the_program_ends_though_the_store_fails(workspace: Workspace, tmp_path: Path) -> None:
    """After the flush has given up, no thread keeps the process from ending."""
    image_id = workspace.open().add_image("a.png", png()).image_id
    code = f"""
import os, pathlib
from labeler.project.project import open_project
from labeler.model.edits import with_status
from labeler.model.document import Status
from labeler.ui.drawable.saver import Draft, Saver
from labeler.settings import load_settings
dataset = open_project(load_settings(os.environ))
draft = Draft({image_id!r}, dataset.open_document({image_id!r}), by="")
root = pathlib.Path(os.environ["LABELER_STORAGE"])
root.rename(root.with_name("gone"))
root.touch()
saver = Saver(dataset, 0.0)
saver.change(draft, lambda document: with_status(document, Status.DONE))
draft.wait(30)
print(draft.state, saver.flush(0.5))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "LABELER_STORAGE": workspace.place},
    )  # fmt: skip
    assert done.stdout == "failed 1\n"
    assert done.returncode == 0


# --- failures -----------------------------------------------------------------------------


def test_a_folder_that_vanishes_is_told_and_the_work_stored_when_it_is_back(
    desk: Desk, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    root.rename(tmp_path / "gone")
    root.touch()
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    assert desk.draft.state is SaveState.FAILED
    assert str(root) in desk.draft.error
    assert desk.draft.wanted.rects == (BOX,)
    desk.saver.change(desk.draft, put(BOX, OTHER))
    root.unlink()
    (tmp_path / "gone").rename(root)
    assert desk.saver.flush(LONG_S) == 0
    assert desk.stored().rects == (BOX, OTHER)
    assert desk.draft.error == ""


def test_a_bucket_that_does_not_answer_is_told_and_the_work_stored_when_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with GcsServer(buckets=["labels"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        workspace = Workspace("gs://labels", SAVE_TIMEOUT_S="1")
        desk = Desk(workspace)
        server.faults.add(Fault("status", 503), method="POST", path="/upload/", times=-1)
        desk.saver.change(desk.draft, put(BOX))
        assert desk.draft.wait(LONG_S)
        assert desk.draft.state is SaveState.FAILED
        assert desk.draft.error
        server.faults.clear()
        assert desk.saver.flush(LONG_S) == 0
        assert desk.stored().rects == (BOX,)
        desk.project.close()
        workspace.close()


def test_a_failure_is_tried_again_by_itself(desk: Desk) -> None:
    desk.gate.failure = Unavailable("not now")
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    assert (desk.draft.state, desk.draft.error) == (SaveState.FAILED, "not now")
    desk.gate.failure = None
    until(lambda: desk.draft.state is SaveState.SAVED)
    assert desk.stored().rects == (BOX,)


@pytest.mark.parametrize("after", [[], [box("a", left=20.0)], [BOX, OTHER]])
def test_a_write_that_was_stored_unheard_is_no_somebody_else(desk: Desk, after: list[Rect]) -> None:
    """Deleted, moved or joined by another after its write seemed to fail: the box is so, once."""
    desk.gate.failure, desk.gate.lands = Unavailable("no answer"), True
    desk.saver.change(desk.draft, put(BOX))
    until(lambda: desk.draft.state is SaveState.FAILED)
    assert desk.stored().rects == (BOX,)
    desk.saver.change(desk.draft, put(*after))
    desk.gate.failure = None
    assert desk.saver.flush(LONG_S) == 0
    assert list(desk.stored().rects) == after
    assert desk.draft.conflicts == ()
    assert desk.draft.wanted == desk.stored()


def test_a_box_that_came_back_after_an_unheard_write_is_kept(desk: Desk) -> None:
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    desk.gate.failure, desk.gate.lands = Unavailable("no answer"), True
    desk.saver.change(desk.draft, put())
    until(lambda: desk.draft.state is SaveState.FAILED)
    assert desk.stored().rects == ()
    ben = Draft(desk.image_id, desk.project.stored_document(desk.image_id), by="ben")
    desk.saver.change(desk.draft, put(BOX))
    desk.gate.failure = None
    desk.saver.change(ben, add(OTHER))
    assert desk.saver.flush(LONG_S) == 0
    assert set(desk.stored().rects) == {BOX, OTHER}


def test_what_failed_is_remembered_within_a_bound_and_no_box_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first write is stored unheard, then none is while the box is moved again and again."""
    monkeypatch.setattr(saver, "_MAX_TRIED", 5)
    desk.gate.failure, desk.gate.lands = Unavailable("no answer"), True
    desk.saver.change(desk.draft, put(box("a")))
    until(lambda: desk.draft.state is SaveState.FAILED)
    desk.gate.lands = False
    monkeypatch.setattr(saver, "MAX_WAIT_BEFORE_RETRY_S", 0.002)
    assert desk.stored().rects == (box("a"),)
    for number in range(20):
        desk.saver.change(desk.draft, put(box("a", 20.0 + number)))
        until(lambda: desk.draft.wanted in desk.draft._tried)
        assert len(desk.draft._tried) <= 5
    desk.gate.failure = None
    assert desk.saver.flush(LONG_S) == 0
    assert desk.stored().rects == (box("a", 39.0),)
    assert desk.draft.conflicts == ()


def test_a_fault_of_the_program_is_told_and_the_next_change_stores_all(desk: Desk) -> None:
    desk.gate.failure = ZeroDivisionError()
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    until(lambda: desk.draft.state is SaveState.FAILED)
    assert "change a box again" in desk.draft.error
    desk.gate.failure = None
    desk.saver.change(desk.draft, add(OTHER))
    until(lambda: desk.draft.state is SaveState.SAVED)
    assert desk.stored().rects == (BOX, OTHER)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(int(LONG_S / 0.01)):
        if condition():
            return
        threading.Event().wait(0.01)
    assert condition()


# --- others -------------------------------------------------------------------------------


def test_two_drafts_of_one_image_keep_each_other_s_boxes(desk: Desk) -> None:
    ben = desk.new_draft("ben")
    desk.saver.change(desk.draft, add(BOX))
    assert desk.draft.wait(LONG_S)
    desk.saver.change(ben, add(OTHER))
    assert ben.wait(LONG_S)
    assert set(desk.stored().rects) == {BOX, OTHER}
    assert set(ben.wanted.rects) == {BOX, OTHER}
    assert desk.draft.wanted.rects == (BOX,)


def test_what_was_changed_while_others_were_merged_stays(desk: Desk) -> None:
    ben = desk.new_draft("ben")
    desk.saver.change(ben, add(OTHER))
    assert ben.wait(LONG_S)
    desk.gate.way.clear()
    desk.gate.waiting.clear()
    desk.saver.change(desk.draft, add(box("first")))
    assert desk.gate.waiting.wait(LONG_S)
    desk.saver.change(desk.draft, add(box("second")))
    desk.gate.way.set()
    assert desk.saver.flush(LONG_S) == 0
    assert {rect.id for rect in desk.stored().rects} == {"first", "second", OTHER.id}
    assert desk.draft.wanted == desk.stored()


def test_others_boxes_stay_where_there_is_no_room_for_both(desk: Desk) -> None:
    """The merge after a write fails: what it could not take in must not be written over."""
    ben = desk.new_draft("ben")
    desk.saver.change(ben, add(OTHER))
    assert ben.wait(LONG_S)
    desk.gate.way.clear()
    desk.gate.waiting.clear()
    desk.saver.change(desk.draft, add(box("first")))
    assert desk.gate.waiting.wait(LONG_S)
    many = [box(f"n{number}") for number in range(MAX_RECTS)]
    desk.saver.change(desk.draft, put(*many))
    desk.gate.way.set()
    until(lambda: desk.draft.state is SaveState.FAILED)
    assert "delete some" in desk.draft.error
    assert OTHER in desk.stored().rects
    desk.saver.change(desk.draft, put(*many[:5]))
    assert desk.saver.flush(LONG_S) == 0
    assert set(desk.stored().rects) == {*many[:5], OTHER}


def test_a_box_that_both_changed_during_a_write_waits_for_a_person(desk: Desk) -> None:
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    ben = desk.new_draft("ben")
    desk.saver.change(ben, put(box("a", left=9.0)))
    assert ben.wait(LONG_S)
    desk.gate.way.clear()
    desk.gate.waiting.clear()
    desk.saver.change(desk.draft, add(OTHER))
    assert desk.gate.waiting.wait(LONG_S)
    desk.saver.change(desk.draft, put(box("a", left=20.0), OTHER))
    desk.gate.way.set()
    assert desk.saver.flush(LONG_S) == 0
    assert {rect.left for rect in desk.stored().rects if rect != OTHER} == {9.0, 20.0}
    [conflict] = desk.draft.conflicts
    assert (conflict.id, conflict.kind) == ("a", "changed")


def test_what_both_changed_waits_for_a_person(desk: Desk) -> None:
    desk.saver.change(desk.draft, put(BOX))
    assert desk.draft.wait(LONG_S)
    ben = desk.new_draft("ben")
    desk.saver.change(desk.draft, put(box("a", left=9.0)))
    assert desk.draft.wait(LONG_S)
    desk.saver.change(ben, put(box("a", left=20.0)))
    assert ben.wait(LONG_S)
    [conflict] = ben.conflicts
    assert {rect.left for rect in desk.stored().rects} == {9.0, 20.0}
    desk.saver.change(ben, lambda document: resolve(document, conflict, "ours"))
    desk.saver.resolved(ben, conflict)
    assert ben.wait(LONG_S)
    assert [rect.left for rect in desk.stored().rects] == [20.0]
    assert ben.conflicts == ()
    assert desk.draft.conflicts == ()


def test_others_are_saved_while_many_fail_for_ever(desk: Desk) -> None:
    """More drafts than there are threads fail, and each try takes as long as a store may take."""
    empty = OpenedDocument(desk.draft.stored.document, ABSENT)
    failing = [Draft(f"{number}_fails", empty, by="") for number in range(80)]
    desk.gate.failure = Unavailable("not now")
    for draft in failing:
        desk.saver.change(draft, add(OTHER))
    until(lambda: all(draft.state is SaveState.FAILED for draft in failing))
    desk.gate.failure = None
    desk.gate.shut_for, desk.gate.way = "_fails.json", threading.Event()
    until(lambda: desk.gate.held == 64)
    desk.saver.change(desk.draft, add(BOX))
    until(lambda: desk.draft.state is SaveState.SAVED)
    assert desk.stored().rects == (BOX,)
    assert not any(draft.state is SaveState.SAVED for draft in failing)
    desk.gate.way.set()
    assert desk.saver.flush(LONG_S) == 0
    stored = desk.workspace.open()
    assert all(stored.stored_document(one.image_id).document.rects == (OTHER,) for one in failing)
