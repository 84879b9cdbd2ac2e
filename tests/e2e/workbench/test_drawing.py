"""Boxes by mouse: drawn, selected, moved, resized; and what must not happen meanwhile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.workbench.bench import Bench
from tests.e2e.workbench.conftest import Desk
from tests.pictures import jpeg

pytestmark = pytest.mark.e2e

SIDES = ("left", "top", "width", "height")


def box(name: str, *sides: float, label: str = "person", **more: Any) -> dict[str, Any]:
    return {**dict(zip(SIDES, sides, strict=True)), "label": label, "id": name, **more}


def sides(rect: dict[str, Any]) -> list[float]:
    return [rect[side] for side in SIDES]


def near(rect: dict[str, Any], *wanted: float, within: float = 1.0) -> bool:
    return all(abs(a - b) <= within for a, b in zip(sides(rect), wanted, strict=True))


def rounded(view: tuple[float, float, float]) -> tuple[float, int, int]:
    scale, left, top = view
    return scale, round(left), round(top)


def open_with(desk: Desk, name: str, *rects: dict[str, Any]) -> Bench:
    return desk.open(desk.backend.add(name, jpeg(1200, 900), list(rects)))


def test_drags_draw_boxes_with_the_label_that_stays(desk: Desk) -> None:
    bench = open_with(desk, "draw.jpg")
    bench.press("2")
    bench.drag((100, 100), (300, 250))
    bench.drag((150, 120), (200, 180))  # inside of the first, from left to right
    bench.drag((500, 400), (400, 300))  # the other way round
    bench.drag((1100, 800), (1190, 895))
    expect(bench.boxes).to_have_count(4)
    assert bench.selected() == []
    bench.page.mouse.move(*bench.at(1000, 700))
    bench.page.mouse.down()
    bench.page.mouse.move(*bench.at(1100, 800))
    bench.page.mouse.move(1438, 898)  # off the image and off the surface
    bench.page.mouse.up()
    expect(bench.boxes).to_have_count(5)
    rects = bench.rects()
    assert [rect["label"] for rect in rects] == ["car"] * 5
    assert near(rects[0], 100, 100, 200, 150)
    assert near(rects[1], 150, 120, 50, 60)
    assert near(rects[2], 400, 300, 100, 100)
    for rect in rects:
        assert 0 <= rect["left"] <= rect["left"] + rect["width"] <= 1200
        assert 0 <= rect["top"] <= rect["top"] + rect["height"] <= 900
    assert near(rects[4], 1000, 700, 200, 200)


def test_a_shaky_click_draws_nothing_and_escape_takes_a_drag_back(desk: Desk) -> None:
    bench = open_with(desk, "click.jpg")
    mouse = bench.page.mouse
    mouse.move(*bench.at(300, 300))
    mouse.down()
    mouse.move(bench.at(300, 300)[0] + 2, bench.at(300, 300)[1] + 1)
    mouse.up()
    bench.drag((100, 100), (300, 250), release=False)
    bench.press("Escape")
    mouse.move(*bench.at(500, 500))
    mouse.up()
    bench.drag((600, 600), (700, 700))
    expect(bench.boxes).to_have_count(1)
    assert [near(rect, 600, 600, 100, 100) for rect in bench.rects()] == [True]


def test_a_click_selects_the_nearest_edge_then_the_smallest_then_the_one_below(desk: Desk) -> None:
    stack = (
        box("large", 100, 100, 800, 600),
        box("small", 400, 300, 80, 60, label="dog"),
        box("middle", 300, 200, 400, 300, label="car"),
    )
    bench = open_with(desk, "stack.jpg", *stack)
    bench.click(440, 330)
    bench.picked("small")
    bench.click(440, 330)
    bench.picked("middle")
    bench.click(440, 330)
    bench.picked("large")
    bench.click(440, 330)
    bench.picked("small")
    bench.click(302, 400)  # inside of two, at the edge of one
    bench.picked("middle")
    bench.click(1000, 850)
    bench.picked()
    bench.click(900, 400)
    bench.click(440, 330, shift=True)
    bench.until(lambda: set(bench.selected()) == {"large", "small"})
    bench.press("Escape")
    # A drag that begins on a box that is not selected draws, and moves nothing.
    bench.drag((420, 320), (460, 350))
    bench.drag((302, 400), (350, 450))
    expect(bench.boxes).to_have_count(5)
    assert bench.rects()[:3] == list(stack)


@pytest.mark.parametrize("scale", [0.5, 6])
def test_handles_change_their_edges_and_leave_the_others_exactly(desk: Desk, scale: float) -> None:
    """Also where most of the box is out of view: nothing is clipped to the view."""
    first = box("one", 300.25, 200.5, 401.33, 300.77, note="kept")
    name = f"handles_{scale}.jpg"
    bench = open_with(desk, name, first)
    bench.click(300, 350)
    bench.picked("one")
    places = {"e": (701.58, 350), "s": (500, 501.27), "nw": (300.25, 200.5)}
    for handle, (x, y) in places.items():
        bench.zoom(x, y, scale)
        bench.drag((x, y), (x - 20, y - 10))
        bench.press("f")
        [now] = bench.rects(name)
        assert now["note"] == "kept"
        right, bottom = first["left"] + first["width"], first["top"] + first["height"]
        assert (now["left"] == first["left"]) is (handle != "nw"), handle
        assert (now["top"] == first["top"]) is (handle != "nw"), handle
        wanted = {"e": (right - 20, bottom), "s": (right, bottom - 10), "nw": (right, bottom)}
        ends = round(now["left"] + now["width"], 2), round(now["top"] + now["height"], 2)
        within = 0.011 if handle == "nw" else 2
        assert all(abs(a - b) <= within for a, b in zip(ends, wanted[handle], strict=True)), handle
        first = now
        places["s"] = (450, first["top"] + first["height"])


def test_arrows_nudge_and_boxes_stay_inside(desk: Desk) -> None:
    bench = open_with(desk, "nudge.jpg", box("one", 5, 5, 100, 50), box("two", 300, 300, 9, 9))
    bench.click(5, 30)
    bench.picked("one")
    bench.press("ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowRight", "Control+ArrowRight")
    assert sides(bench.rects()[0]) == [16, 7, 101, 50]
    bench.press(*["Shift+ArrowLeft"] * 3, *["Shift+ArrowUp"] * 2)
    assert sides(bench.rects()[0]) == [0, 0, 101, 50]
    bench.drag((40, 25), (2000, 2000))  # the inside of a selected box moves it
    assert sides(bench.rects()[0]) == [1099, 850, 101, 50]
    assert sides(bench.rects()[1]) == [300, 300, 9, 9]
    bench.press(*["Control+z"] * 11)
    assert sides(bench.rects()[0]) == [5, 5, 100, 50]


def test_two_clicks_draw_where_somebody_wants_that(desk: Desk) -> None:
    bench = open_with(desk, "clicks.jpg", box("old", 500, 500, 100, 100))
    bench.press("w")
    bench.click(100, 100)
    bench.page.mouse.move(*bench.at(150, 130))
    bench.press("Escape")
    bench.page.mouse.move(*bench.at(300, 300))
    expect(bench.boxes).to_have_count(1)
    bench.click(520, 520)  # inside of a box, which is not grabbed
    bench.page.mouse.move(*bench.at(560, 540))
    bench.click(580, 560)
    expect(bench.boxes).to_have_count(2)
    bench.drag((700, 700), (800, 800))  # a drag draws as well
    expect(bench.boxes).to_have_count(3)
    bench.click(500, 550, shift=True)
    bench.picked("old")
    bench.press("Escape", "w")
    bench.click(300, 300)
    bench.click(310, 310)
    rects = bench.rects()
    assert len(rects) == 3
    assert near(rects[1], 520, 520, 60, 40)


def test_wheel_space_and_middle_button_move_the_view_and_draw_nothing(desk: Desk) -> None:
    far = box("far", 1150, 850, 30, 30)
    bench = open_with(desk, "view.jpg", far)
    fitted = bench.view()
    under = bench.point(500, 400)
    bench.zoom(*under, 8)
    assert all(abs(a - b) < 1e-6 for a, b in zip(bench.point(500, 400), under, strict=True))
    for button in ("left", "middle"):
        before = bench.view()
        if button == "left":
            bench.page.keyboard.down("Space")
        bench.page.mouse.move(700, 500)
        bench.page.mouse.down(button=button)
        bench.page.mouse.move(650, 480)
        bench.page.mouse.move(600, 450)
        bench.page.mouse.up(button=button)
        bench.page.keyboard.up("Space")
        scale, left, top = before
        wanted = (scale, round(left - 100), round(top - 50))
        bench.until(lambda wanted=wanted: rounded(bench.view()) == wanted)  # type: ignore[misc]
    bench.press("Shift+F")
    bench.until(lambda: bench.view()[0] == 1)
    bench.press("f")
    bench.until(lambda: bench.view() == fitted)
    bench.zoom(1165, 865, 10)  # a box that was far off the view
    bench.click(1150, 860)
    bench.picked("far")
    assert bench.rects() == [far]
    expect(bench.root).to_have_attribute("data-save", "saved")


_WATCH = """(root) => {
  const place = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value');
  window.touched = [];
  Object.defineProperty(HTMLSelectElement.prototype, 'value', { ...place, set(value) {
    touched.push(`${this.getAttribute('aria-label')} is ${value}`);
    place.set.call(this, value);
  } });
  window.watching = new MutationObserver((records) => {
    for (const { target } of records) {
      const one = target.nodeType === 1 ? target : target.parentElement;
      if (!one?.closest('.surface, .view, .strip')) touched.push(one?.className ?? target.data);
    }
  });
  watching.observe(root, { subtree: true, childList: true, characterData: true });
  window.unwatch = () => {
    watching.disconnect();
    Object.defineProperty(HTMLSelectElement.prototype, 'value', place);
    return touched;
  };
}"""


def test_while_the_view_moves_no_other_text_and_no_field_is_set(desk: Desk) -> None:
    bench = open_with(desk, "calm.jpg", *(box(f"b{n}", 40 * n, 30, 30, 20) for n in range(20)))
    bench.press("f")
    view = bench.root.locator(".view")
    bench.page.mouse.move(*bench.at(600, 500))
    expect(view).to_have_text(re.compile(r"^\d+ % · x (599|600) y (499|500)$"))
    bench.root.evaluate(_WATCH)
    before = bench.view()[0]
    bench.page.mouse.wheel(0, -300)
    bench.until(lambda: bench.view()[0] > before, "a zoom")
    expect(view).to_have_text(re.compile(rf"^{round(bench.view()[0] * 100)} % · x \d+ y \d+$"))
    bench.page.mouse.down(button="middle")
    bench.page.mouse.move(700, 500)
    bench.page.mouse.move(650, 450)
    bench.page.mouse.up(button="middle")
    bench.view()
    assert bench.page.evaluate("unwatch()") == []
    bench.press("f")


def test_a_pointed_box_is_marked_in_the_list_alone_there(desk: Desk) -> None:
    bench = open_with(desk, "pointed.jpg", box("a", 100, 100, 80, 60), box("b", 400, 300, 90, 50))
    marked = bench.root.locator(".box.hovered")
    for x, y, name in ((100, 130, "a"), (400, 320, "b")):
        bench.page.mouse.move(*bench.at(x, y))
        expect(marked).to_have_count(1)
        expect(marked).to_have_attribute("data-rect-id", name)
    bench.page.mouse.move(*bench.at(900, 700))
    expect(marked).to_have_count(0)
