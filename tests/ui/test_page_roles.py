"""What each page offers to whom: every button, by role. JavaScript's own are in tests/e2e."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.model import edits
from labeler.model.document import Rect, Status
from labeler.model.people import Role, Roles, parse_people
from labeler.ui.export_panel import KIND
from labeler.ui.router import VIEWS
from tests.ui.test_visitor import account, visit, with_roles
from tests.ui.visit import NewPlace, Place, Visit

LISTS = {
    "AUTH": "oidc",
    "ADMINS": "ana@example.com",
    "REVIEWERS": "rob@example.com",
    "LABELERS": "lea@example.com",
}
MAY = {
    "ana": {Role.LABELER, Role.REVIEWER, Role.ADMIN},
    "rob": {Role.LABELER, Role.REVIEWER},
    "lea": {Role.LABELER},
    "eve": set(),
}
PAGES = {
    "Label": Role.LABELER,
    **{view.title: view.role for view in VIEWS.values()},
}
OFFERED = {
    # what somebody does with the open image, and the list of images
    "previous|next|done_.*|skip_.*|reopen_.*|open_[0-9a-f]{32}|page_.*": Role.LABELER,
    "sign_out": Role.LABELER,
    # the sidebar
    "FormSubmitter:add_label-Add": Role.ADMIN,
    "export|earlier_exports|data_.*|compare.*|verify.*|download_.*": Role.ADMIN,
    # Labels
    "FormSubmitter:.*": Role.ADMIN,
    "(open|close|archive|unarchive|merge|unmerge|save|rename|color|cancel)_label_.*": Role.ADMIN,
    "(archive|unarchive|merge|separate|save|close)_[0-9]+|count_labels": Role.ADMIN,
    # Dashboard, deleted images
    "dashboard_.*|open_trash|restore_[0-9a-f]{32}": Role.ADMIN,
}


@pytest.fixture
def place(new_place: NewPlace) -> Place:
    """A project that has something to offer on each of its pages."""
    place = new_place(LABELS="car,dog", **LISTS)
    done, _, deleted = place.add("a.png", "b.png", "c.png")
    place.with_boxes(done, Rect(left=5, top=5, width=2, height=10, label="car", id="x"))
    place.edit(done, lambda document: edits.with_status(document, Status.DONE))
    place.project.trash.delete(deleted, place.project.stored_version(deleted))
    open_exporter(place.project).write()
    return place


def offered(visit: Visit) -> set[str]:
    return {str(button.key) for button in visit.app.button if not button.disabled}


def role_of(key: str) -> Role:
    """The role that the button takes. One in no row is one that nobody has thought about."""
    found = [role for pattern, role in OFFERED.items() if re.fullmatch(pattern, key)]
    assert found, f"{key} is in no row of the table"
    return found[0]


def follow(here: Visit, view: str | None) -> set[str]:
    """Open the page, and a label on that page; what is offered there."""
    here.follow(view)
    if view == "labels" and "open_label_1" in offered(here):
        here.press("open_label_1")
    return offered(here)


def test_each_page_offers_what_the_role_allows(place: Place) -> None:
    for name, roles in MAY.items():
        here = visit(place, account(name))
        if not roles:
            assert "It needs the labeler role" in here.errors()[0]
            assert not offered(here) - {"sign_out"}
            continue
        pages = {title for title, role in PAGES.items() if role in roles}
        assert set(here.links()) == pages - {"Deleted images"}
        for view in (None, *VIEWS):
            for key in follow(here, view):
                assert role_of(key) in roles, (name, view, key)
            role = VIEWS[view].role if view else Role.LABELER
            problem = f"{name}@example.com isn't allowed to do this. It needs the {role} role"
            assert [error.startswith(problem) for error in here.errors()] == (
                [] if role in roles else [True]
            )


def test_no_button_acts_for_who_has_lost_the_role(place: Place) -> None:
    """Each that the admin is offered, pressed after a deployment that took all roles away."""
    allowed, nobody = place.workspace.access.roles, parse_people("zoe@example.com")
    pressed = {"sign_out"}
    for view in (None, *VIEWS):
        for key in sorted(follow(visit(place, account("ana")), view) - pressed):
            pressed.add(key)
            ana = visit(place, account("ana"))
            assert key in follow(ana, view)
            if key.startswith("FormSubmitter:"):
                for field in ana.app.text_input:
                    field.set_value("bird")
            before = place.workspace.objects()
            jobs = len(place.jobs.of(KIND))
            with_roles(place, Roles(True, labelers=nobody))
            ana.app.button(key=key).click().run()
            assert "isn't allowed to do this" in ana.errors()[0], key
            assert place.workspace.objects() == before, key
            assert len(place.jobs.of(KIND)) == jobs, key
            with_roles(place, allowed)
    roles = {role_of(key) for key in pressed}
    assert roles == {Role.LABELER, Role.ADMIN}


def test_the_docs_list_each_page_under_its_role() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \*\*([A-Z][A-Za-z ]+)\*\* \|.*\| (\w+) \|$", text, re.MULTILINE)
    assert {title: Role(role) for title, role in listed} == PAGES
    assert len(listed) == len(PAGES)
