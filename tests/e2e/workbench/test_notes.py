"""Notes on an image: written at a place or a box, answered, resolved and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.workbench.bench import Bench
from tests.e2e.workbench.conftest import Desk
from tests.e2e.workbench.test_labels_and_list import faults
from tests.pictures import jpeg

pytestmark = pytest.mark.e2e

BOX: dict[str, Any] = {
    "left": 100, "top": 60, "width": 80, "height": 40, "label": "person", "id": "r1",
}  # fmt: skip


def open_one(desk: Desk, name: str, **more: Any) -> Bench:
    desk.backend.add(name, jpeg(400, 300), [BOX])
    document = desk.backend.document(name)
    desk.backend.put(name, {**document, **more})
    return desk.open(name)


def comments(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bench.saved().get("comments", [])
    return found


def write(bench: Bench, text: str) -> None:
    field = bench.page.get_by_label("Note", exact=True)
    expect(field).to_be_focused()
    field.fill(text)
    bench.press("Enter")
    expect(field).to_be_hidden()


def test_a_note_is_pinned_to_what_is_clicked_and_undone_like_a_box(desk: Desk) -> None:
    bench = open_one(desk, "n1.jpg")
    bench.press("c")
    expect(bench.page.get_by_text("Click a box or a place for the note.")).to_be_visible()
    bench.click(300, 200)
    write(bench, "a dog is missing; d is no key here")
    bench.press("c")
    bench.click(100, 80)  # the edge of the box
    write(bench, "too wide")
    place, box = comments(bench)
    assert (place["x"], place["y"]) == pytest.approx((300, 200), abs=1)
    assert (place["text"], place["by"]) == ("a dog is missing; d is no key here", "ana")
    assert box["rect"] == "r1"
    marks, threads = bench.page.get_by_test_id("mark"), bench.page.get_by_test_id("thread")
    expect(marks).to_have_text(["1", "2"])
    expect(threads).to_have_count(2)
    bench.press("Control+z")
    expect(threads).to_have_count(1)
    assert [one["id"] for one in comments(bench)] == [place["id"]]
    bench.press("Control+y")
    expect(threads).to_have_count(2)
    assert len(bench.rects()) == 1
    assert faults(bench) == []


def test_a_note_is_answered_and_resolved_and_its_mark_goes(desk: Desk) -> None:
    first = {"id": "c1", "text": "wheel missing", "by": "lee@x.org", "rect": "r1"}
    bench = open_one(desk, "n2.jpg", comments=[{**first, "at": "2026-01-02T03:04:05+00:00"}])
    thread = bench.page.get_by_test_id("thread")
    expect(thread.locator(".by")).to_have_text("lee")
    thread.get_by_role("button", name="Answer this note").click()
    write(bench, "there is none")
    expect(thread.locator(".by")).to_have_text(["lee", "ana"])
    mark = bench.page.get_by_test_id("mark")
    expect(mark).to_have_count(1)
    thread.get_by_role("button", name="Resolve note 1").click()
    expect(mark).to_have_count(0)
    expect(bench.page.get_by_role("heading", name="Notes (0 open)")).to_be_visible()
    assert [one["resolved"] for one in comments(bench)] == [True, True]
    thread.get_by_role("button", name="Reopen note 1").click()
    expect(mark).to_have_count(1)
    assert [one.get("resolved") for one in comments(bench)] == [None, None]


def test_what_is_being_written_waits_on_its_image_and_escape_gives_it_up(desk: Desk) -> None:
    bench = open_one(desk, "n3.jpg")
    desk.backend.add("n4.jpg", jpeg(400, 300), [])
    desk.open("n3.jpg")
    bench.click(100, 80)
    bench.picked("r1")
    bench.press("c")  # the selected box needs no click
    field = bench.page.get_by_label("Note", exact=True)
    field.fill("half a")
    bench.page.get_by_role("button", name="Next image", exact=True).click()
    bench.wait("n4.jpg")
    expect(field).to_be_hidden()
    bench.page.get_by_role("button", name="Previous image", exact=True).click()
    bench.wait("n3.jpg")
    expect(field).to_have_value("half a")
    bench.press("Escape")
    expect(field).to_be_hidden()
    bench.press("c", "Escape")
    bench.drag((200, 200), (240, 240))  # draws: no place is wanted any more
    expect(bench.boxes).to_have_count(2)
    assert comments(bench) == []


def test_a_note_with_odd_values_is_shown_and_steers_nothing(desk: Desk) -> None:
    odd: list[dict[str, Any]] = [
        {"id": "c1", "text": "a\u202egpj.exe <img src=x>", "by": "l\u2066ee", "at": "nonsense"},
        {"id": "c2", "text": 5, "by": [1], "at": {}, "rect": 7, "x": "a", "y": []},
        {"id": "c3", "text": {"a": 1}, "x": 1e300, "y": -1},
    ]
    bench = open_one(desk, "n9.jpg", comments=odd)
    words = bench.page.get_by_test_id("thread").locator(".words")
    expect(words.first).to_contain_text("a\\u202egpj.exe <img src=x>")
    expect(words).to_have_count(3)
    expect(bench.page.get_by_test_id("thread").locator(".by").first).to_have_text("l\\u2066ee")
    assert faults(bench) == []
