"""Another instance goes on with a tab: with all that is in it, or with what is stored."""

from __future__ import annotations

import pytest

from labeler.ui import session_state
from labeler.ui.drawable.memo import parse_memo
from tests.ui.visit import NewPlace, Visit, box


def memo_of(visit: Visit) -> str:
    """What the tab remembers of its canvas."""
    image = visit.app.session_state["session"].open
    return session_state.memo_of(image, image.canvas)


def sent(*objects: dict[str, object]) -> dict[str, object]:
    return {"drawing": {"raw": {"version": "7.4.0", "objects": list(objects)}}}


MOUNTED_ANEW: dict[str, object] = {"drawing": {"raw": {"objects": [], "background": ""}}}
"""What Streamlit says of a canvas that the browser took away and mounted a second time."""


def test_a_canvas_that_is_mounted_anew_takes_no_box_with_it(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    visit = place.visit()
    visit.draw(box(4, 5, 20, 10, "car"))
    key = visit.canvas()
    assert key
    visit.app.session_state[key] = MOUNTED_ANEW
    visit.run()
    assert visit.rects(image_id) == [("car", 4, 5, 20, 10)]
    assert visit.canvas() not in (key, None)


def test_the_next_instance_goes_on_with_the_canvas(new_place: NewPlace) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    before = place.visit()
    before.draw(box(4, 5, 20, 10, "car"))
    memo, key = memo_of(before), before.canvas()
    assert key
    after = place.visit(answers=False)
    after.app.session_state[key] = sent(box(4, 5, 20, 10, "car"), box(30, 30, 5, 6, "dog"))
    after.answer(before.app.session_state["session"].id)
    # A box that arrives cuts the first run short, before the tab has answered.
    after.run()
    assert after.canvas() is None
    after.answer(after.app.session_state["session"].id, memo)
    assert after.canvas() == key
    assert after.rects(image_id) == [("car", 4, 5, 20, 10), ("dog", 30, 30, 5, 6)]


def test_a_canvas_that_the_tab_has_lost_takes_no_stored_box_with_it(new_place: NewPlace) -> None:
    """The tab took the canvas away before its memo came: it is back as it once was given."""
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    before = place.visit()
    before.draw(box(4, 5, 20, 10, "car"))
    after = place.visit(answers=False)
    after.run()
    after.answer(after.app.session_state["session"].id, memo_of(before))
    assert after.rects(image_id) == [("car", 4, 5, 20, 10)]
    assert after.canvas() != before.canvas()
    after.draw(
        box(4, 5, 20, 10, "car", place.project.stored_document(image_id).document.rects[0].id),
        box(30, 30, 5, 6, "dog"),
    )
    assert after.rects(image_id) == [("car", 4, 5, 20, 10), ("dog", 30, 30, 5, 6)]


def test_what_an_instance_was_given_and_could_not_store_is_stored_by_the_next(
    new_place: NewPlace,
) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    before = place.visit()
    before.draw(box(4, 5, 20, 10, "car"))
    memo = parse_memo(memo_of(before))
    assert memo
    stored = place.project.stored_document(image_id).document.rects
    place.edit(image_id, lambda document: document.model_copy(update={"rects": ()}))
    fresh = memo.model_copy(update={"given": stored, "stored": (), "drawn": (), "changed": False})
    after = place.visit(answers=False)
    after.run()
    after.answer(after.app.session_state["session"].id, fresh.model_dump_json())
    assert after.rects(image_id) == [("car", 4, 5, 20, 10)]
    assert after.canvas() == before.canvas()


@pytest.mark.parametrize(
    ("now", "stored"),
    [
        (sent(box(4, 5, 20, 10, "dog")), [("dog", 4, 5, 20, 10)]),
        (sent(box(14, 15, 20, 10, "car")), [("car", 14, 15, 20, 10)]),
        (sent(box(30, 30, 5, 6, "dog")), [("dog", 30, 30, 5, 6)]),
        (sent(), []),
        (MOUNTED_ANEW, [("car", 4, 5, 20, 10)]),
    ],
    ids=["relabeled", "moved", "another one", "deleted", "lost"],
)
def test_a_box_that_was_stored_before_the_tab_heard_of_it_stays_one(
    new_place: NewPlace, now: dict[str, object], stored: list[tuple[object, ...]]
) -> None:
    place = new_place(LABELS="car,dog")
    [image_id] = place.add("a.png")
    before = place.visit()
    memo, key = memo_of(before), before.canvas()
    assert key
    before.draw(box(4, 5, 20, 10, "car"))
    after = place.visit(answers=False)
    after.app.session_state[key] = now
    after.run()
    after.answer(after.app.session_state["session"].id, memo)
    assert after.rects(image_id) == stored
    assert (after.canvas() == key) == (now is not MOUNTED_ANEW)


@pytest.mark.parametrize("there", [True, False], ids=["drawn on", "lost"])
def test_what_was_drawn_is_kept_where_an_instance_ends_on_the_way_to_the_next_image(
    new_place: NewPlace, there: bool
) -> None:
    """The address names the next image already; the canvas in the tab is the last one's."""
    place = new_place(LABELS="car,dog")
    [first, second] = place.add("a.png", "b.png")
    before = place.visit(first)
    before.draw(box(4, 5, 20, 10, "car"))
    memo, key = memo_of(before), before.canvas()
    assert key
    after = place.visit(second, answers=False)
    if there:
        after.app.session_state[key] = sent(box(4, 5, 20, 10, "car"), box(30, 30, 5, 6, "dog"))
    after.run()
    after.answer(after.app.session_state["session"].id, memo)
    drawn = [("car", 4, 5, 20, 10), ("dog", 30, 30, 5, 6)]
    assert after.rects(first) == drawn[: 1 + there]
    assert after.rects(second) == []
    assert "b.png" in after.heading()
    assert after.app.query_params["image"] == second
    after.draw(box(1, 1, 9, 9, "dog"))
    assert after.rects(second) == [("dog", 1, 1, 9, 9)]


@pytest.mark.parametrize("late", [False, True], ids=["same image", "next image"])
def test_a_canvas_that_comes_back_empty_deletes_nothing(new_place: NewPlace, late: bool) -> None:
    """The tab lost it, mounts it anew as it was once given, and tells the new instance so."""
    place = new_place(LABELS="car,dog")
    [first, second] = place.add("a.png", "b.png")
    before = place.visit(first)
    before.draw(box(4, 5, 20, 10, "car"))
    memo, key = memo_of(before), before.canvas()
    assert key
    after = place.visit(second if late else first, answers=False)
    after.run()
    after.answer(after.app.session_state["session"].id, memo)
    assert after.canvas() != key
    after.app.session_state[key] = sent()
    after.run()
    with_key = after.app.session_state["session"].retired
    assert with_key is None or with_key[1].key != key
    assert after.rects(first) == [("car", 4, 5, 20, 10)]
