"""Two people with two browsers on one image. SOAK_SECONDS makes the long form."""

from __future__ import annotations

import os
import random
import re
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import Labeler, documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy
from tests.e2e.safety import LABELS, Point, box, corners, fill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("SOAK_SECONDS", "4"))
SEED = int(os.environ.get("SOAK_SEED", "1"))


def test_two_people_on_one_image_keep_every_box_of_both(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    chance = random.Random(SEED)
    servers = [serve(LABELER_LABELS=LABELS) for _ in range(2)]
    file = pictures.photo(size=(320, 240))
    with Proxy(SEED) as proxy:
        proxy.instances = [server.port for server in servers]
        fill(servers[0], [file])
        people = [new_labeler(proxy) for _ in range(2)]
        wanted: dict[str, Point] = {}
        own: list[list[str]] = [[], []]
        end = time.monotonic() + SECONDS
        for turn, labeler in enumerate(people):
            labeler.at(file.name)
            labeler.keys(str(turn + 1))
        number = 0
        while time.monotonic() < end or number < 6:
            turn = number % 2
            labeler = people[turn]
            at = (5 + number * 37 % 280, 5 + number * 23 % 200)
            before = set(ids(labeler))
            labeler.drag(at, (at[0] + 20, at[1] + 20))
            drawn = eventually(
                lambda known=before, one=labeler, label=("cat", "dog")[turn]: mine(
                    one, known, label
                )
            )
            wanted[drawn] = at
            own[turn].append(drawn)
            if chance.random() < 0.3:
                gone = own[turn].pop(chance.randrange(len(own[turn])))
                row = labeler.page.locator(f"[data-testid=box][data-rect-id='{gone}']")
                row.click()
                expect(row).to_have_attribute("aria-selected", "true")
                labeler.keys("Delete")
                expect(row).to_have_count(0)
                del wanted[gone]
                # The list has gone on to the next box; what is dragged now is to be a new one.
                labeler.keys("Escape")
                selected = labeler.page.locator("[data-testid=box][aria-selected=true]")
                expect(selected).to_have_count(0)
            number += 1
        for labeler in people:
            labeler.saved()
        stored = documents(servers[0].folder)[file.name]["rects"]
        assert {rect["id"]: (round(rect["left"]), round(rect["top"])) for rect in stored} == wanted
        labels = {rect["id"]: rect["label"] for rect in stored}
        assert labels == dict.fromkeys(own[0], "cat") | dict.fromkeys(own[1], "dog")
        for labeler in people:
            eventually(lambda one=labeler: sorted(ids(one)) == sorted(wanted))
            expect(labeler.root.get_by_role("group", name="Conflicts")).to_be_hidden()


def ids(labeler: Labeler) -> list[str]:
    """The boxes that the page lists, in one look."""
    found: list[str] = labeler.boxes.evaluate_all("all => all.map((row) => row.dataset.rectId)")
    return found


def mine(labeler: Labeler, before: set[str], label: str) -> str | None:
    """The box of this label that has come since; the other person draws those of the other one."""
    new: list[str] = labeler.page.locator(f"[data-testid=box][data-label={label}]").evaluate_all(
        "all => all.map((row) => row.dataset.rectId)"
    )
    return next((one for one in new if one not in before), None)


def test_a_box_that_two_people_moved_is_shown_with_a_choice(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    ana, ben = (new_labeler(server) for _ in range(2))
    ana.at(file.name)
    box(ana, (100, 100), 40)
    ana.saved()
    ben.at(file.name)
    ben.page.reload()
    ben.at(file.name)
    ben.has_boxes(1)
    ben.page.context.set_offline(True)
    for one, to in ((ana, (60, 60)), (ben, (200, 160))):
        one.click((120, 120))
        expect(one.row(0)).to_have_attribute("aria-selected", "true")
        one.drag((120, 120), to)
    ana.saved()
    expect(ben.root.get_by_role("group", name="Conflicts")).to_be_hidden()
    ben.page.context.set_offline(False)
    conflicts = ben.root.get_by_role("group", name="Conflicts")
    expect(conflicts).to_be_visible()
    conflicts.get_by_role("button", name=re.compile("^Keep mine")).click()
    expect(conflicts).to_be_hidden()
    ben.has_boxes(1)
    ben.saved()
    assert corners(server.folder, file.name) == [(180, 140)]
    expect(ana.root.get_by_role("group", name="Conflicts")).to_be_hidden()
