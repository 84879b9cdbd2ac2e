"""A document as a change of a stored one. tests/ui/workbench compares with the browser's rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeler.errors import BodyTooLarge, InvalidDocument
from labeler.model import document_change
from labeler.model.document import parse_document
from labeler.model.document_change import changed_document

STORED: dict[str, Any] = {
    "rects": [
        {"left": 1, "top": 2.5, "width": 3, "height": 4, "label": "cat", "id": "a",
         "pose": {"x": 1}},
        {"left": 5, "top": 6, "width": 7, "height": 8, "label": "dog", "id": "b"},
    ],
    "image_path": "a.png",
    "metadata": {"status": "in_progress", "own": [1, 2]},
    "owner": {"team": "x", "since": 2020},
}  # fmt: skip
NEW: dict[str, Any] = {"left": 0, "top": 0, "width": 1, "height": 1, "label": "cat"}


def after(change: Any, **more: Any) -> Any:
    """The stored document after the change, as JSON."""
    stored = parse_document(json.dumps(STORED | more).encode(), "k")
    data = change if isinstance(change, bytes) else json.dumps(change).encode()
    return json.loads(changed_document(stored, data))


def test_nothing_changes_but_what_is_named() -> None:
    assert after({}) == STORED
    found = after({
        "rects": {"b": None, "n": NEW, "a": {"left": 9.25, "pose": {"y": 2}}},
        "metadata": {"status": "done"}, "owner": {"since": None}, "seen": True,
    })  # fmt: skip
    cat = STORED["rects"][0]
    assert found == STORED | {
        "rects": [cat | {"left": 9.25, "pose": {"x": 1, "y": 2}}, NEW | {"id": "n"}],
        "metadata": {"status": "done", "own": [1, 2]},
        "owner": {"team": "x"},
        "seen": True,
    }


def test_a_rect_keeps_the_id_under_which_it_stands() -> None:
    assert [rect["id"] for rect in after({"rects": {"b": {"id": "z"}}})["rects"]] == ["a", "b"]


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert after({"rects": {"z": None}, "comments": None, "x": None}) == STORED


def test_comments_are_changed_by_their_ids() -> None:
    comments = [{"id": "c", "text": "look"}, {"id": "d", "text": "here"}]
    change = {"comments": {"c": {"resolved": True}, "d": None, "e": {"text": "new"}}}
    assert after(change, comments=comments)["comments"] == [
        {"id": "c", "text": "look", "resolved": True}, {"text": "new", "id": "e"},
    ]  # fmt: skip
    assert after({"comments": {"e": {"text": "new"}}})["comments"] == [{"text": "new", "id": "e"}]


def test_comments_of_another_kind_are_left_alone() -> None:
    with pytest.raises(InvalidDocument, match="whole document"):
        after({"comments": {"e": {"text": "new"}}}, comments="text")
    assert after({"x": 1}, comments="text")["comments"] == "text"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"\xff", ""),
        (b'{"x": "\\ud800"}', ""),
        (b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", ""),
        (b'{"x": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, ""),
        ({"rects": []}, "rects"),
        ({"rects": "x"}, "rects"),
        ({"rects": {"a": 1}}, "rects.a"),
        ({"rects": {"a": []}}, "rects.a"),
        ({"comments": [{"id": "c"}]}, "comments"),
    ],
)
def test_what_is_no_change_is_refused(change: Any, field: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        after(change)
    assert caught.value.field == field


def test_many_changes_make_no_larger_document_than_a_save(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(json.dumps(STORED, separators=(",", ":")))
    monkeypatch.setattr(document_change, "DOCUMENT_BYTES", size + 100)
    assert after({"x": "y" * 60})["x"]
    with pytest.raises(BodyTooLarge):
        after({"x": "y" * 200})
