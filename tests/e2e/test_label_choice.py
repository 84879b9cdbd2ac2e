"""A box gets the label that was chosen before it was drawn, however fast it was drawn."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

DELAYS_MS = (0, 50, 150)


@pytest.mark.parametrize("by", ["click", "key", "typing"])
def test_a_box_drawn_right_after_its_label_was_chosen(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, by: str
) -> None:
    names = [f"l{number}" for number in range(6 if by == "key" else 25)]
    server = serve(LABELER_LABELS=",".join(names))
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    chosen: list[str] = []
    for turn, delay_ms in enumerate(DELAYS_MS * 2):
        number = turn % 4 + 1
        if by != "key" and turn % 2:
            number += 18
        chosen.append(names[number])
        match by:
            case "click":
                labeler.choose(names[number])
            case "key":
                labeler.keys(f"{number + 1}")
            case "typing":
                labeler.keys("/")
                labeler.page.keyboard.type(names[number])
                labeler.keys("Enter")
        labeler.page.wait_for_timeout(delay_ms)
        left = 20 + 60 * turn
        labeler.drag((left, 40), (left + 40, 90))
    labeler.saved()
    assert [rect["label"] for rect in rects(server.folder, "cat.jpg")] == chosen


def test_boxes_and_a_click_that_leaves_them_right_after_a_choice(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="car,dog")
    labeler = new_labeler(server)
    names = ("cat.jpg", "dog.jpg")
    labeler.upload(*(pictures.photo(name) for name in names))
    for name in names:
        labeler.at(name)
        for turn in range(3):
            labeler.choose(("dog", "car")[turn % 2])
            for row in range(2):
                labeler.drag((20 + 60 * turn, 40 + 80 * row), (60 + 60 * turn, 100 + 80 * row))
        (labeler.next if name == names[0] else labeler.previous)()
    labeler.at(names[0])
    labeler.saved()
    for name in names:
        labels = [rect["label"] for rect in documents(server.folder)[name]["rects"]]
        assert labels == ["dog", "dog", "car", "car", "dog", "dog"]
