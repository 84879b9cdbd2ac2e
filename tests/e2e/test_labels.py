"""The labels page: two admins at once, and the workbench of somebody who labels meanwhile."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewLabeler, Serve, Server
from tests.e2e.labeler import Labeler, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

PHONE = (390, 800)


def labels(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((server.folder / "labels.json").read_bytes())["labels"]
    return found


def open_label(labeler: Labeler, number: int) -> Page:
    """The panel of that label, in the view of all labels."""
    page = labeler.page
    page.locator(f".st-key-open_label_{number} button").click()
    page.locator(f".st-key-rename_{number}, .st-key-merge_{number}").first.wait_for()
    return page


def row(page: Page, number: int) -> Any:
    return page.locator(f".st-key-label_row_{number}")


def rename(labeler: Labeler, number: int, name: str) -> None:
    page = open_label(labeler, number)
    row(page, number).get_by_label("Name", exact=True).fill(name)
    page.keyboard.press("Enter")


def test_a_server_and_a_command_with_other_settings_have_the_same_labels(serve: Serve) -> None:
    server = serve(LABELER_LABELS="alpha,beta")
    environ = {name: text for name, text in os.environ.items() if name != "LABELER_LABELS"}
    eventually((server.folder / "labels.json").exists)
    done = subprocess.run(
        [sys.executable, "-m", "labeler", "labels", "add", "gamma"],
        env={**environ, "LABELER_STORAGE": str(server.folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    named = [(one["number"], one["name"]) for one in labels(server)]
    assert named == [(1, "alpha"), (2, "beta"), (3, "gamma")]
    with urlopen(f"{server.url}/api/labels") as answer:
        assert json.load(answer)["labels"] == labels(server)


def test_two_admins_and_a_labeler(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """No edit is lost; boxes drawn before and after show the names of today, and stay as stored."""
    server = serve(LABELER_LABELS="car,dog,bird")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((20, 30), (80, 90))
    labeler.saved()

    first, second = (
        new_labeler(server, "/?view=labels"),
        new_labeler(server, "/?view=labels", PHONE),
    )
    for admin in (first, second):
        expect(row(admin.page, 1)).to_contain_text("1 box in 1 image")
    page = open_label(second, 2)
    rename(first, 1, "van")
    expect(row(first.page, 1)).to_contain_text("formerly car")
    expect(row(page, 1)).to_contain_text("car")  # as the other one still sees it
    # The menu closes where the page is scrolled under it: first there, then the menu.
    second.drawn()
    page.locator(".st-key-merge_2").scroll_into_view_if_needed()
    second.drawn()
    page.locator(".st-key-into_2 input").click()
    page.get_by_role("option", name="bird", exact=True).click()
    page.locator(".st-key-merge_2 button").click()
    expect(row(page, 2)).to_contain_text("merged into “bird”")
    expect(row(page, 1)).to_contain_text("formerly car")
    assert [(one["name"], one.get("merged_into")) for one in labels(server)] == [
        ("van", None),
        ("dog", 3),
        ("bird", None),
    ]
    # Both give two labels one name: the second one is told why not.
    rename(first, 3, "fowl")
    expect(row(first.page, 3)).to_contain_text("formerly bird")
    page = open_label(second, 1)
    row(page, 1).get_by_label("Name", exact=True).fill("Fowl")
    page.keyboard.press("Enter")
    expect(row(page, 1)).to_contain_text("There is a label 'fowl' already")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]

    # The labeler hears of it when something of theirs is saved.
    labeler.drag((120, 30), (180, 90))
    labels_shown = labeler.page.get_by_test_id("label")
    expect(labels_shown).to_have_text([re.compile("van"), re.compile("fowl")])
    for row_number in (0, 1):
        expect(labeler.row(row_number)).to_contain_text("van")
    labeler.drag((220, 30), (280, 90))
    labeler.saved()
    assert [one["label"] for one in rects(server.folder, "cat.jpg")] == ["car", "car", "van"]


def test_a_box_that_is_drawn_right_before_the_view_is_kept(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="car,dog")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"), pictures.photo("dog.jpg"))
    labeler.at("cat.jpg")
    labeler.next()
    labeler.at("dog.jpg")
    page = labeler.page
    for turn in range(3):
        labeler.drag((20 + 70 * turn, 30), (80 + 70 * turn, 90))
        page.wait_for_timeout(50 * turn)
        labeler.go_to("Labels")
        page.locator(".st-key-label_rows").wait_for()
        eventually(lambda turn=turn: len(rects(server.folder, "dog.jpg")) == turn + 1)
        expect(row(page, 1)).to_contain_text(re.compile(r"box(es)? in 1 image|no boxes"))
        labeler.go_to("Label")
        labeler.at("dog.jpg")
        labeler.has_boxes(turn + 1)
    # The choice of the next label is still the second, under its new name.
    labeler.choose("dog")
    labeler.go_to("Labels")
    rename(labeler, 2, "hound")
    expect(row(page, 2)).to_contain_text("formerly dog")
    labeler.go_to("Label")
    labeler.at("dog.jpg")
    labeler.drag((20, 150), (80, 200))
    labeler.saved()
    assert len(rects(server.folder, "dog.jpg")) == 4
    assert rects(server.folder, "dog.jpg")[3]["label"] == "hound"
