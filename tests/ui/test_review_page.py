"""The review page: who may open it, what it leads the workbench to, and what it says without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeler.model import edits
from labeler.model.document import Status
from tests.ui.test_visitor import LISTS, account, visit
from tests.ui.visit import NewPlace, Place, Visit

TEAM = {**LISTS, "AUTH": "oidc", "REVIEWERS": "rob@example.com", "CANVAS": "workbench"}


def mark(place: Place, image_id: str, status: Status, by: str) -> None:
    opened = place.project.open_document(image_id)
    wanted = edits.with_status(opened.document, status)
    place.project.save_document(image_id, wanted, opened, by)


def setup(visit: Visit) -> dict[str, Any]:
    """What the page gave the workbench last."""
    given = [json.loads(one.proto.json) for one in visit.app.get("bidi_component")]
    setups = [json.loads(data["setup"]) for data in given if "setup" in data]
    [found] = [one for one in setups if "review" in one]
    return dict(found)


def at_review(place: Place, name: str, **parameters: str) -> Visit:
    here = Visit(place.project, runs=False)
    here.app.user = account(name)
    for key, value in {"view": "review", **parameters}.items():
        here.app.query_params[key] = value
    here.run()
    return here


def test_the_page_is_the_reviewers(new_place: NewPlace) -> None:
    place = new_place(**TEAM)
    [image_id] = place.add("a.png")
    mark(place, image_id, Status.DONE, "ben@example.com")
    ben = visit(place, account("ben"), image_id)
    assert "Review" not in ben.links()
    assert setup(ben)["reviews"] is False
    assert "It needs the reviewer role" in at_review(place, "ben").errors()[0]
    rob = visit(place, account("rob"), image_id)
    assert "Review" in rob.links()
    assert (setup(rob)["reviews"], setup(rob)["review"]) == (True, None)


def test_it_leads_through_what_is_done_of_one_person_or_of_all(new_place: NewPlace) -> None:
    place = new_place(**TEAM)
    first, second, third = place.add("a.png", "b.png", "c.png")
    mark(place, second, Status.DONE, "ben@example.com")
    mark(place, third, Status.DONE, "ana@example.com")
    rob = visit(place, account("rob"), first)
    rob.follow("review", rings=False)
    given = setup(rob)
    assert (given["image"], given["filters"]["status"]) == (second, "done")
    people = [["ana@example.com", 1], ["ben@example.com", 1]]
    assert given["review"] == {"waiting": 2, "people": people, "person": "", "sample": 100}
    ana = setup(at_review(place, "rob", person="ANA@example.com", sample="100"))
    assert (ana["image"], ana["review"]["waiting"]) == (third, 1)
    none = at_review(place, "rob", person="zoe@example.com")
    assert "No image is waiting for a review" in none.app.info[0].value


def test_where_there_is_no_workbench_it_says_what_else_there_is(new_place: NewPlace) -> None:
    place = new_place(**TEAM | {"CANVAS": "drawable"})
    place.add("a.png")
    assert "LABELER_CANVAS=drawable" in at_review(place, "rob").app.info[0].value


def test_a_review_waits_until_all_images_are_listed(
    new_place: NewPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(**TEAM)
    [image_id] = place.add("a.png")
    mark(place, image_id, Status.DONE, "ben@example.com")
    with monkeypatch.context() as patched:
        patched.setattr(place.project.image_index, "is_listed", lambda wait_s: False)
        rob = at_review(place, "rob")
        assert "The review begins when all images are listed." in rob.shown()
    rob.run()
    assert setup(rob)["image"] == image_id
