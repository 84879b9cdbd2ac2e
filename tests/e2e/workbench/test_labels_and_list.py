"""Labels, attributes, copies, the list of boxes, and what two people disagree on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.workbench.bench import Bench
from tests.e2e.workbench.conftest import Desk
from tests.e2e.workbench.test_drawing import box, open_with, sides
from tests.pictures import jpeg

pytestmark = pytest.mark.e2e


def faults(bench: Bench) -> list[str]:
    found = Axe().run(bench.page).response["violations"]
    return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


def test_a_digit_is_for_the_selected_boxes_or_the_next_one_and_typing_finds_the_rest(
    desk: Desk,
) -> None:
    bench = open_with(desk, "digits.jpg", box("a", 100, 100, 200, 150))
    bench.press("3")
    expect(bench.label("dog")).to_have_attribute("aria-pressed", "true")
    expect(bench.row(0)).to_have_attribute("data-label", "person")
    bench.click(100, 150)
    bench.picked("a")
    bench.press("2")
    expect(bench.row(0)).to_have_attribute("data-label", "car")
    expect(bench.label("dog")).to_have_attribute("aria-pressed", "true")
    bench.press("Escape")
    bench.drag((500, 500), (600, 600))
    expect(bench.row(1)).to_have_attribute("data-label", "dog")
    bench.press("Slash")
    bench.page.keyboard.type("ing 1")  # letters that are keys elsewhere
    expect(bench.page.get_by_test_id("label")).to_have_count(2)
    bench.press("Enter")
    expect(bench.label("thing 10")).to_have_attribute("aria-pressed", "true")
    bench.drag((700, 500), (800, 600))
    expect(bench.row(2)).to_have_attribute("data-label", "thing 10")
    # Names that boxes of another time have, and labels that are offered no more.
    expect(bench.label("cat")).to_have_count(0)
    expect(bench.label("auto")).to_have_count(0)
    assert [rect["label"] for rect in bench.rects()] == ["car", "dog", "thing 10"]


def test_boxes_show_the_label_of_today_and_unknown_ones_are_offered_to_admins(desk: Desk) -> None:
    rects = [
        box("renamed", 100, 100, 200, 150, label="People"),
        box("merged", 400, 100, 200, 150, label="auto"),
        box("retired", 700, 100, 200, 150, label="cat"),
        box("unknown", 100, 400, 200, 150, label="persn"),
    ]
    bench = open_with(desk, "labels.jpg", *rects)
    names = [row.get_attribute("data-label") for row in bench.boxes.all()]
    assert names == ["person", "car", "cat", "persn"]
    for rect, color in zip(
        rects, ((230, 25, 75), (60, 180, 75), (145, 30, 180), (107, 114, 128)), strict=True
    ):
        edge = bench.box_pixel(rect["left"], rect["top"] + 75)
        assert all(abs(a - b) < 40 for a, b in zip(edge, color, strict=False)), rect["id"]
    expect(bench.row(3)).to_contain_text("unknown label")
    expect(bench.row(0)).not_to_contain_text("unknown label")
    bench.row(3).click()
    adding = bench.page.get_by_role("button", name="Add this label to the project's labels")
    expect(adding).to_be_hidden()
    assert bench.rects() == rects
    desk.backend.adds_labels = True
    try:
        bench = desk.open("labels.jpg")
        bench.row(0).click()
        expect(adding).to_be_hidden()
        bench.row(3).click()
        adding.click()
        assert bench.page.evaluate("added") == ["persn"]
        bench.page.evaluate(
            "([labels, more]) => opened.session.setLabels([...labels, more])",
            [desk.backend.labels, {"number": 99, "name": "Persn", "color": "#000075"}],
        )
        expect(adding).to_be_hidden()
        expect(bench.row(3)).to_have_attribute("data-label", "Persn")
    finally:
        desk.backend.adds_labels = False


def test_copies_attributes_locks_and_the_boxes_of_the_previous_image(desk: Desk) -> None:
    first = [box("a", 100, 100, 60, 50), box("b", 300, 300, 80, 70, label="dog")]
    open_with(desk, "w1.jpg", *first)
    bench = open_with(desk, "w2.jpg")
    bench = desk.open("w1.jpg")
    bench.press("Control+a")
    bench.picked("a", "b")
    bench.press("Control+c", "o", "q", "l")
    assert all("occluded" in rect and "difficult" in rect for rect in bench.rects())
    bench.press("Delete", "ArrowRight", "2", "t")  # locked: nothing of it is done
    assert [sides(rect) for rect in bench.rects()] == [sides(rect) for rect in first]
    bench.press("l", "o", "Escape", "d")
    bench.wait("w2.jpg")
    bench.press("r")
    expect(bench.boxes).to_have_count(2)
    bench.press("Control+z")
    expect(bench.boxes).to_have_count(0)
    bench.press("Control+v")
    expect(bench.boxes).to_have_count(2)
    bench.press("Control+d")
    expect(bench.boxes).to_have_count(4)
    rects = bench.rects()
    assert [sides(rect) for rect in rects[:2]] == [sides(rect) for rect in first]
    assert [rect["left"] for rect in rects[2:]] == [110, 310]
    assert len({rect["id"] for rect in rects} | {"a", "b"}) == 6
    assert all("occluded" not in rect for rect in bench.rects("w1.jpg"))
    assert all(rect["difficult"] is True for rect in bench.rects("w1.jpg"))


def test_the_list_does_everything_by_keyboard_and_warns(desk: Desk) -> None:
    rects = [
        box("tiny", 200, 200, 3, 30),
        box("edge", 0, 400, 50, 50),
        box("one", 500, 400, 100, 80),
        box("twin", 501, 400, 100, 80),
    ]
    bench = open_with(desk, "list.jpg", *rects)
    for number, words in enumerate(("tiny", "at the edge", "duplicate", "duplicate")):
        expect(bench.row(number)).to_contain_text(words)
    assert faults(bench) == []
    bench.row(0).focus()
    bench.picked("tiny")
    assert faults(bench) == []
    bench.press("ArrowDown")
    bench.picked("edge")
    for name in ("Hide this box", "Lock this box"):
        toggle = bench.row(1).get_by_role("button", name=name)
        toggle.focus()
        bench.press("Enter")
        expect(toggle).to_have_attribute("aria-pressed", "true")
    bench.until(lambda: bench.box_pixel(25, 400)[3] == 0, "a hidden box")
    width = bench.page.get_by_label("width in image pixels")
    bench.row(3).focus()
    width.fill("90")
    bench.press("Enter")
    bench.row(3).focus()
    bench.press("Delete")
    expect(bench.boxes).to_have_count(3)
    bench.picked("one")  # the focus goes on to a row that is there
    bench.press("Control+z")
    expect(bench.boxes).to_have_count(4)
    assert bench.rects()[3]["width"] == 90


def test_the_rows_of_many_boxes_are_one_list(desk: Desk) -> None:
    names = [f"b{n:02}" for n in range(40)]
    rects = [box(name, 20 + n % 8 * 90, 20 + n // 8 * 90, 60, 60) for n, name in enumerate(names)]
    bench = open_with(desk, "rows.jpg", *rects)

    def listed() -> list[str]:
        found = bench.boxes.evaluate_all("rows => rows.map((row) => row.dataset.rectId)")
        return [str(name) for name in found]

    bench.row(14).focus()
    for key, name in (*(("ArrowDown", f"b{n}") for n in range(15, 34)), ("ArrowUp", "b32")):
        bench.press(key)
        bench.picked(name)
    for _ in range(18):
        bench.press("ArrowUp")
    bench.picked("b14")
    bench.press("Delete")
    bench.picked("b15")
    assert listed() == [name for name in names if name != "b14"]
    bench.press("ArrowDown")
    bench.picked("b16")
    bench.press("Control+z")
    expect(bench.boxes).to_have_count(40)
    assert listed() == names
    bench.row(39).focus()
    bench.press("2")
    expect(bench.row(39)).to_have_attribute("data-label", "car")
    expect(bench.row(38)).to_have_attribute("data-label", "person")
    assert faults(bench) == []


def test_hiding_what_is_under_the_pointer_leaves_everything_at_work(desk: Desk) -> None:
    bench = open_with(desk, "hide.jpg", box("a", 100, 100, 400, 300), box("b", 700, 100, 90, 90))
    bench.page.mouse.move(*bench.at(100, 250))
    bench.until(lambda: bench.box_pixel(100, 250)[3] == 255)
    bench.page.keyboard.down("h")
    bench.until(lambda: bench.box_pixel(100, 250)[3] == 0, "a hidden box")
    bench.page.keyboard.up("h")
    bench.until(lambda: bench.box_pixel(100, 250)[3] == 255)
    bench.page.get_by_role("button", name="Hide boxes of person").click()
    bench.until(lambda: bench.box_pixel(700, 150)[3] == 0, "hidden boxes of a label")
    bench.drag((120, 200), (200, 260))  # over a hidden one
    expect(bench.boxes).to_have_count(3)
    bench.click(100, 250)
    bench.picked()


def test_a_low_window_has_room_for_the_list_and_for_what_is_below_it(desk: Desk) -> None:
    """As at 200 % on a laptop."""
    rects = [box(f"r{n}", 10 + n * 30, 10, 20, 20, label="a label of no project") for n in range(9)]
    bench = open_with(desk, "low.jpg", *rects)
    bench.page.set_viewport_size({"width": 720, "height": 450})
    bench.row(1).click()
    panels = [panel.bounding_box() for panel in bench.page.locator(".side > section:visible").all()]
    for above, below in pairwise(panels):
        assert above is not None
        assert below is not None
        assert above["y"] + above["height"] <= below["y"] + 1
    listed, row = (
        one.bounding_box() for one in (bench.page.locator(".boxes"), bench.row(1).locator(".size"))
    )
    assert listed is not None
    assert row is not None
    assert listed["height"] >= 84
    assert row["height"] < 20  # on one line with the label, which is cut
    bench.page.get_by_role("button", name="Mark as occluded").click()
    bench.until(lambda: bench.rects()[1].get("occluded") is True)
    bench.page.set_viewport_size({"width": 1440, "height": 900})


# Thirty moves of the middle button within one task; how many frames are painted for them.
PAN_30_TIMES = """async (surface) => {
  let painted = 0;
  surface.addEventListener('painted', () => painted++);
  const { left, top } = surface.getBoundingClientRect();
  const point = (kind, x) => surface.dispatchEvent(new PointerEvent(kind, {
    pointerId: 7, button: 1, buttons: 4, clientX: left + 100 + x, clientY: top + 100,
    bubbles: true, composed: true, cancelable: true }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  painted = 0;
  point('pointerdown', 0);
  for (let x = 1; x <= 30; x++) point('pointermove', x);
  point('pointerup', 30);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return painted;
}"""


def test_500_boxes_are_selected_and_moved_at_once_and_names_hide_none_of_them(desk: Desk) -> None:
    rects = [box(f"b{n:03}", 8 + n % 25 * 47, 8 + n // 25 * 44, 20, 18) for n in range(500)]
    bench = open_with(desk, "many.jpg", *rects)
    left = bench.view()[1]
    clear = (bench.box_pixel(rect["left"] + 10, rect["top"] + 9)[3] for rect in rects[::50])
    assert max(clear) < 60
    bench.press("Control+a", "ArrowRight")
    bench.until(lambda: len(bench.rects()) == 500 and bench.rects()[499]["left"] == 1137)
    bench.press("Control+z")
    bench.until(lambda: bench.rects() == rects, "the boxes as they were")
    assert 1 <= bench.surface.evaluate(PAN_30_TIMES) < 5
    expect(bench.page.locator("[data-testid=box][aria-selected=true]")).to_have_count(500)
    assert bench.view()[1] == pytest.approx(left + 30)
    bench.press("Escape")
    assert bench.rects() == rects


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_a_conflict_is_shown_on_the_image_and_somebody_decides(desk: Desk, choice: str) -> None:
    name = f"conflict_{choice}.jpg"
    bench = open_with(desk, name, box("a", 300, 300, 200, 100))
    theirs: dict[str, Any] = desk.backend.document(name)
    theirs["rects"][0]["left"] = 800
    desk.backend.put(name, theirs)
    bench.click(300, 350)
    bench.picked("a")
    bench.press("Shift+ArrowUp")
    alert = bench.page.get_by_role("alert")
    expect(alert).to_contain_text("Somebody else changed this box too.")
    expect(bench.boxes).to_have_count(2)
    assert faults(bench) == []
    # Both lie on the image, dashed: along an edge some places are painted and some are not.
    for left, top in ((800, 300), (300, 290)):
        along = {bench.box_pixel(left + x, top)[:2] for x in range(4, 120, 3)}
        assert len(along) > 1, (left, top)
    alert.get_by_role("button", name=f"Keep {choice}").click()
    expect(alert).to_have_count(0)
    [rect] = bench.rects()
    assert sides(rect) == ([300, 290, 200, 100] if choice == "mine" else [800, 300, 200, 100])


def test_neighbors_and_states_are_named_in_words_and_saving_in_a_live_region(desk: Desk) -> None:
    for number, rects in enumerate(([], [box("a", 1, 1, 9, 9)], [])):
        desk.backend.add(f"n{number}.jpg", jpeg(400, 300), rects)
    bench = desk.open("n1.jpg")
    strip = bench.page.get_by_role("group", name="Neighboring images")
    expect(strip.get_by_role("button", name="n1.jpg, in progress")).to_have_attribute(
        "aria-current", "true"
    )
    expect(strip.get_by_role("button", name="n0.jpg, not started")).to_have_count(1)
    expect(bench.page.get_by_role("heading", name="n1.jpg")).to_have_count(1)
    live = bench.page.locator("[aria-live=polite]")
    expect(live).to_have_text("Saved")
    gate = desk.backend.hold("/api/annotations/n1.jpg", but="?")
    try:
        bench.drag((100, 100), (200, 200))
        expect(bench.root).to_have_attribute("data-save", "pending")
        expect(live).to_contain_text("Saving 1 image …")
        bench.press("d")  # nothing waits for it
        bench.wait("n2.jpg")
    finally:
        gate.set()
    expect(live).to_have_text("Saved")
    assert len(desk.backend.rects("n1.jpg")) == 2


def test_what_the_server_has_refused_is_kept_and_saved_when_one_tries_again(desk: Desk) -> None:
    bench = open_with(desk, "refused.jpg", box("a", 100, 100, 200, 150))
    again = bench.page.get_by_role("button", name="Try to save again")
    expect(again).to_be_hidden()
    error = {"error": {"code": "invalid", "message": "The name is too long here."}}
    calls = f"**/api/annotations/{bench.image}"
    bench.page.route(
        calls,
        lambda route: (
            route.fulfill(status=422, json=error)
            if route.request.method == "PUT"
            else route.continue_()
        ),
    )
    bench.drag((500, 500), (600, 600))
    expect(bench.root).to_have_attribute("data-save", "failed")
    expect(bench.root.locator(".save")).to_have_text("Not saved: The name is too long here.")
    expect(again).to_be_visible()
    bench.page.unroute(calls)
    again.click()
    assert len(bench.rects()) == 2
    expect(again).to_be_hidden()
