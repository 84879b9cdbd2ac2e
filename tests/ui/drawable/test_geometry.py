"""Image pixels to canvas pixels and back: inverse, inside, exact to two decimals."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from labeler.ui.drawable.geometry import MAX_ENLARGEMENT, CanvasBox, Fit

SIDES = st.integers(1, 12_000)
ROOM = st.integers(-5, 4_000)
FAR = st.floats(-1e6, 1e6)


@st.composite
def fits(draw: st.DrawFn) -> Fit:
    return Fit.into(draw(SIDES), draw(SIDES), draw(ROOM), draw(ROOM))


@st.composite
def boxes_in(draw: st.DrawFn, fit: Fit) -> CanvasBox:
    """A box of two decimals within the fit's image, often along its edges."""
    spans = []
    for limit in (fit.image_width, fit.image_height):
        ends = sorted(draw(st.integers(0, limit * 100)) / 100 for _ in range(2))
        spans.append((ends[0], round(ends[1] - ends[0], 2)))
    (left, width), (top, height) = spans
    return CanvasBox(left, top, width, height)


def right(box: CanvasBox) -> float:
    return box.left + box.width


def bottom(box: CanvasBox) -> float:
    return box.top + box.height


def distance(one: CanvasBox, other: CanvasBox) -> float:
    """The largest difference of an edge."""
    pairs = (
        (one.left, other.left), (one.top, other.top),
        (right(one), right(other)), (bottom(one), bottom(other)),
    )  # fmt: skip
    return max(abs(a - b) for a, b in pairs)


@given(st.data())
def test_there_and_back_is_the_same_box(data: st.DataObject) -> None:
    fit = data.draw(fits())
    box = data.draw(boxes_in(fit))
    assert distance(fit.to_image(fit.to_canvas(box)), box) <= 0.01


@given(st.data())
def test_a_second_time_changes_nothing_any_more(data: st.DataObject) -> None:
    fit = data.draw(fits())
    once = fit.to_image(fit.to_canvas(data.draw(boxes_in(fit))))
    assert fit.to_image(fit.to_canvas(once)) == once


@given(st.data())
def test_the_canvas_may_round_to_four_digits(data: st.DataObject) -> None:
    """As Fabric does: a box that nobody touched still has the numbers it had."""
    fit = data.draw(fits().filter(lambda fit: fit.canvas_width >= 200 <= fit.canvas_height))
    box = data.draw(boxes_in(fit))
    shown = fit.to_canvas(box)
    rounded = CanvasBox(*(round(v, 4) for v in (shown.left, shown.top, shown.width, shown.height)))
    assert distance(fit.to_image(rounded), box) <= 0.02


@given(fits(), FAR, FAR, FAR, FAR)
@example(Fit(12_000, 12_000, 1_000, 1_000), -1.0, -1.0, 5_000.0, 5_000.0)
@example(Fit(3, 7, 11, 13), 11.0, 13.0, -11.0, -13.0)
def test_whatever_is_drawn_lies_in_the_image(
    fit: Fit, left: float, top: float, width: float, height: float
) -> None:
    box = fit.to_image(CanvasBox(left, top, width, height))
    assert 0 <= box.left <= fit.image_width
    assert 0 <= box.top <= fit.image_height
    assert box.width >= 0
    assert box.height >= 0
    assert right(box) <= fit.image_width + 1e-9
    assert bottom(box) <= fit.image_height + 1e-9
    for value in (box.left, box.top, box.width, box.height):
        assert round(value, 2) == value


@given(fits(), FAR, FAR, FAR, FAR)
def test_the_direction_of_drawing_does_not_matter(
    fit: Fit, left: float, top: float, width: float, height: float
) -> None:
    drawn = CanvasBox(left, top, width, height)
    other_corner = CanvasBox(left + width, top + height, -width, -height)
    assert distance(fit.to_image(drawn), fit.to_image(other_corner)) <= 0.01


@given(FAR, FAR, FAR, FAR)
def test_normalized_is_the_same_rectangle(
    left: float, top: float, width: float, height: float
) -> None:
    box = CanvasBox(left, top, width, height).normalized()
    assert box.width == abs(width)
    assert box.height == abs(height)
    assert (box.left, box.top) == (min(left, left + width), min(top, top + height))
    assert box.normalized() == box


@given(SIDES, SIDES, ROOM, ROOM)
def test_the_canvas_is_as_large_as_the_room_allows(
    width: int, height: int, room_width: int, room_height: int
) -> None:
    fit = Fit.into(width, height, room_width, room_height)
    room_width, room_height = max(room_width, 1), max(room_height, 1)
    assert 1 <= fit.canvas_width <= max(room_width, 1)
    assert 1 <= fit.canvas_height <= max(room_height, 1)
    enlarged = (round(width * MAX_ENLARGEMENT), round(height * MAX_ENLARGEMENT))
    assert (
        fit.canvas_width == room_width
        or fit.canvas_height == room_height
        or (fit.canvas_width, fit.canvas_height) == enlarged
    )


@given(SIDES, SIDES, st.integers(100, 4_000), st.integers(100, 4_000))
def test_the_shape_of_the_image_is_kept(
    width: int, height: int, room_width: int, room_height: int
) -> None:
    fit = Fit.into(width, height, room_width, room_height)
    scale = min(room_width / width, room_height / height, MAX_ENLARGEMENT)
    assert abs(fit.canvas_width - width * scale) <= 1
    assert abs(fit.canvas_height - height * scale) <= 1


def test_a_box_along_known_edges_of_a_large_photo_is_right_to_a_screen_pixel() -> None:
    fit = Fit.into(6000, 4000, 1100, 700)
    wanted = CanvasBox(1500.0, 1000.0, 3000.0, 2000.0)
    on_screen = fit.to_canvas(wanted)
    drawn = CanvasBox(*(float(round(v)) for v in (
        on_screen.left, on_screen.top, on_screen.width, on_screen.height
    )))  # fmt: skip
    pixel = 1 / min(fit.scale_x, fit.scale_y)
    assert distance(fit.to_image(drawn), wanted) <= pixel


def test_edges_of_the_image_are_edges_of_the_canvas() -> None:
    fit = Fit.into(1999, 1333, 1000, 1000)
    whole = CanvasBox(0, 0, fit.canvas_width, fit.canvas_height)
    assert distance(fit.to_canvas(CanvasBox(0, 0, 1999, 1333)), whole) < 1e-9
    assert fit.to_image(whole) == CanvasBox(0, 0, 1999, 1333)
