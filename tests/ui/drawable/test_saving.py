"""A person's work on one image: nothing of it is given up before the store has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from labeler.errors import Unavailable
from labeler.model.document import AnnotationDocument, Rect
from labeler.model.edits import with_rects
from labeler.project.originals import Uploads
from labeler.project.project import Project
from labeler.storage import Replaces, Store, Version
from labeler.ui.drawable import saving
from labeler.ui.drawable.saving import Edit, Work
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace


class Failing:
    """A store whose writes fail while told to; `lands`: they are stored all the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failure: Exception | None = None
        self.lands = False
        self.writes = 0

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
        self.writes += 1
        if self.failure is not None and not self.lands:
            raise self.failure
        version = self._store.write(
            key, data, replaces=replaces, metadata=metadata, content_type=content_type
        )
        if self.failure is not None:
            raise self.failure
        return version


class Desk:
    """One image, and the store that fails on demand."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.image_id = workspace.open().add_image("a.png", png()).image_id
        self.store = Failing(workspace.store())
        store: Any = self.store
        self.project = Project(workspace.settings, store, Uploads(store, "uploads/"), b"secret")

    def work(self, by: str = "ana") -> Work:
        return Work(self.image_id, by, self.project.open_document(self.image_id))

    def stored(self) -> AnnotationDocument:
        """What another process sees."""
        return self.workspace.open().open_document(self.image_id).document

    def fail(self, *, lands: bool = False) -> None:
        self.store.failure, self.store.lands = Unavailable("The store is away."), lands

    def recover(self) -> None:
        self.store.failure = None


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    workspace = Workspace(str(tmp_path / "data"))
    yield Desk(workspace)
    workspace.close()


def put(*rects: Rect) -> Edit:
    return lambda document: with_rects(document, rects)


def box(name: str, left: float = 1.0) -> Rect:
    return BOX.model_copy(update={"id": name, "left": left})


def test_a_change_is_stored_under_its_person(desk: Desk) -> None:
    work = desk.work()
    work.save(desk.project)
    assert desk.store.writes == 0
    work.change(put(BOX))
    assert not work.is_saved
    work.save(desk.project)
    assert work.is_saved
    assert desk.stored().rects == (BOX,)
    assert desk.stored().metadata.saved_by == "ana"
    work.change(put(BOX))
    work.save(desk.project)
    assert desk.store.writes == 1


def test_a_save_that_fails_keeps_everything_and_says_why(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    work = desk.work()
    desk.fail()
    work.change(put(box("a")))
    work.save(desk.project)
    work.change(put(box("a"), box("b")))
    work.save(desk.project)
    assert (work.error, work.failures) == ("The store is away.", 2)
    assert [rect.id for rect in work.wanted.rects] == ["a", "b"]
    assert "Saving" in caplog.text
    desk.recover()
    work.save(desk.project)
    assert (work.is_saved, work.error, work.failures, work.tried) == (True, "", 0, [])
    assert [rect.id for rect in desk.stored().rects] == ["a", "b"]


def test_a_save_that_had_landed_is_no_conflict_with_oneself(desk: Desk) -> None:
    work = desk.work()
    desk.fail(lands=True)
    work.change(put(box("a"), box("b")))
    work.save(desk.project)
    assert not work.is_saved
    assert len(desk.stored().rects) == 2
    work.change(put(box("a", left=9.0)))
    desk.recover()
    work.save(desk.project)
    assert work.conflicts == ()
    assert desk.stored().rects == (box("a", left=9.0),)


def test_what_was_tried_is_remembered_within_a_bound(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first and the last: those are the ones that the store may have."""
    monkeypatch.setattr(saving, "_MAX_TRIED", 4)
    work = desk.work()
    desk.fail()
    for number in range(9):
        work.change(put(box("a", left=float(number))))
        work.save(desk.project)
    assert [document.rects[0].left for document in work.tried] == [0.0, 6.0, 7.0, 8.0]


def test_two_people_merge(desk: Desk) -> None:
    ana, ben = desk.work("ana"), desk.work("ben")
    ana.change(put(BOX))
    ana.save(desk.project)
    ben.change(put(OTHER))
    ben.save(desk.project)
    assert {rect.id for rect in ben.wanted.rects} == {"a", "b"}
    assert ben.wanted == desk.stored()
    assert ben.conflicts == ()


def test_a_conflict_stays_until_it_is_settled(desk: Desk) -> None:
    first = desk.work()
    first.change(put(box("a")))
    first.save(desk.project)
    ana, ben = desk.work("ana"), desk.work("ben")
    ana.change(put(box("a", left=5.0)))
    ana.save(desk.project)
    ben.change(put(box("a", left=7.0)))
    ben.save(desk.project)
    assert sorted(rect.left for rect in desk.stored().rects) == [5.0, 7.0]
    [conflict] = ben.conflicts
    ben.choose(conflict, "ours")
    assert ben.conflicts == ()
    ben.save(desk.project)
    assert [(rect.id, rect.left) for rect in desk.stored().rects] == [("a", 7.0)]
