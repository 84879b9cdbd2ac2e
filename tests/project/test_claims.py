"""Claims: nobody is given another's image, and no image is kept from everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labeler.errors import ClaimedByOther, NotFound
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.project.claims import Claim, ClaimRequest, Claims, Holder, Order
from labeler.project.project import Project
from labeler.storage import list_all
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import Workspace, old_document

ANA, BEN = Holder("ana@example.com", "tab 1"), Holder("ben@example.com", "tab 1")
ANAS_OTHER_TAB = Holder("ana@example.com", "tab 2")
LEASE_S = 300


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Day:
    """A project with images a.png to d.png, and its claims on a clock of the test's."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.project = workspace.open()
        self.clock = Clock()
        self.names: dict[str, str] = {}
        for name in ("a.png", "b.png", "c.png", "d.png"):
            self.names[self.project.add_image(name, png()).image_id] = name
        self.claims = self.view(self.project)

    def view(self, project: Project) -> Claims:
        return Claims(project.store, project.image_index, self.clock, LEASE_S)

    def another_instance(self) -> Claims:
        return self.view(self.workspace.open())

    def next(self, holder: Holder, after: str = "", order: Order = Order.NAME) -> str | None:
        """The name of the image that the holder gets."""
        return self.name(self.claims.claim_next(holder, self.wanted(after, order)).claim)

    def wanted(self, after: str = "", order: Order = Order.NAME) -> ClaimRequest:
        return ClaimRequest(after=self.id(after) if after else "", order=order)

    def name(self, claim: Claim | None) -> str | None:
        return self.names[claim.image_id] if claim else None

    def id(self, name: str) -> str:
        return next(image_id for image_id, known in self.names.items() if known == name)

    def mark(self, name: str, status: Status, by: str = "", project: Project | None = None) -> None:
        project = project or self.project
        opened = project.open_document(self.id(name))
        project.save_document(self.id(name), with_status(opened.document, status), opened, by)

    def keys(self) -> list[str]:
        with_store = self.workspace.store()
        keys = [info.key for info in list_all(with_store, "claims/")]
        with_store.close()
        return keys


@pytest.fixture
def day(workspace: Workspace) -> Day:
    return Day(workspace)


def test_each_gets_an_image_of_their_own_until_nothing_is_left(day: Day) -> None:
    others = day.another_instance()
    assert day.next(ANA) == "a.png"
    assert day.name(others.claim_next(BEN, day.wanted()).claim) == "b.png"
    assert day.next(ANAS_OTHER_TAB) == "c.png"
    assert day.next(Holder("", "curl")) == "d.png"
    assert day.next(Holder("", "another program")) is None


def test_a_claim_says_until_when(day: Day) -> None:
    claim = day.claims.claim_next(ANA, ClaimRequest()).claim
    assert claim
    assert claim.until == day.clock() + timedelta(seconds=LEASE_S)


def test_who_asks_again_gets_the_same_image_also_from_another_instance(day: Day) -> None:
    others = day.another_instance()
    assert day.next(ANA) == day.name(others.claim_next(ANA, day.wanted()).claim) == "a.png"
    assert day.next(ANA, after="a.png") == "b.png"
    assert day.next(ANA, after="a.png") == "b.png"
    day.mark("b.png", Status.DONE)
    assert day.next(ANA, after="a.png") == "c.png"
    assert day.next(ANA, after="c.png") == "d.png"
    assert len(day.keys()) == 4


def test_the_order_goes_round_and_never_gives_the_image_that_one_has_left(day: Day) -> None:
    assert day.next(ANA, after="c.png") == "d.png"
    assert day.next(ANA, after="d.png") == "a.png"
    for name in ("a.png", "b.png", "c.png"):
        day.mark(name, Status.SKIPPED)
    assert day.next(BEN) is None
    assert day.next(ANA, after="d.png") is None
    assert day.next(ANA) == "d.png"


def test_a_lease_ends_automatically_and_is_removed(day: Day) -> None:
    assert day.next(ANA) == "a.png"
    day.clock.pass_by(LEASE_S - 1)
    assert day.next(BEN) == "b.png"
    day.clock.pass_by(1)
    answer = day.claims.claim_next(ANAS_OTHER_TAB, day.wanted())
    assert day.name(answer.claim) == "a.png"
    assert not answer.ended
    day.clock.pass_by(LEASE_S - 1)
    for name in day.names.values():
        day.mark(name, Status.DONE)
    answer = day.claims.claim_next(BEN, day.wanted())
    assert (answer.claim, [claim.by for claim in answer.ended]) == (None, ["ben@example.com"])
    day.clock.pass_by(1)
    day.claims.tidy(day.claims.claim_next(BEN, day.wanted()).ended)
    assert day.keys() == []


def test_one_that_is_renewed_meanwhile_is_not_removed(day: Day) -> None:
    day.next(ANA)
    day.clock.pass_by(LEASE_S)
    ended = day.claims.claim_next(BEN, ClaimRequest(after=day.id("b.png"))).ended
    day.claims.renew(day.id("a.png"), ANA)
    day.claims.tidy(ended)
    assert len(day.keys()) == 2
    assert day.next(BEN, after="d.png") != "a.png"


def test_a_renewed_one_goes_on(day: Day) -> None:
    assert day.next(ANA) == "a.png"
    for _ in range(3):
        day.clock.pass_by(LEASE_S - 1)
        claim = day.claims.renew(day.id("a.png"), ANA)
        assert claim.until == day.clock() + timedelta(seconds=LEASE_S)
        assert day.next(BEN) == "b.png"
    # The lost answer of the question that gave it is still answered by it.
    assert day.next(ANA) == "a.png"


def test_nobody_renews_or_releases_what_somebody_else_has(day: Day) -> None:
    day.next(ANA)
    others = day.another_instance()
    for holder in (BEN, ANAS_OTHER_TAB):
        for call in (others.renew, others.release):
            with pytest.raises(ClaimedByOther, match=r"ana@example.com has .* 12:05:00 UTC"):
                call(day.id("a.png"), holder)
    day.clock.pass_by(LEASE_S)
    assert others.renew(day.id("a.png"), BEN)
    with pytest.raises(ClaimedByOther, match=r"ben@example\.com"):
        day.claims.renew(day.id("a.png"), ANA)


def test_a_released_one_is_free_at_once(day: Day) -> None:
    assert day.next(ANA) == "a.png"
    day.claims.release(day.id("a.png"), ANA)
    day.claims.release(day.id("a.png"), ANA)
    assert day.name(day.another_instance().claim_next(BEN, day.wanted()).claim) == "a.png"


def test_one_can_be_claimed_by_name(day: Day) -> None:
    assert day.claims.renew(day.id("b.png"), ANA)
    assert day.next(BEN, after="a.png") == "c.png"
    for unknown in ("0" * 32, "../labels"):
        with pytest.raises(NotFound):
            day.claims.renew(unknown, ANA)


def test_what_another_instance_has_finished_is_not_given_though_the_list_is_older(day: Day) -> None:
    assert day.next(BEN) == "a.png"
    elsewhere = day.workspace.open()
    others = day.view(elsewhere)
    for name in ("b.png", "c.png"):
        day.mark(name, Status.DONE, project=elsewhere)
    assert day.project.image_index.find(day.id("b.png"))
    assert day.next(ANA) == "d.png"
    assert day.name(others.claim_next(ANAS_OTHER_TAB, day.wanted()).claim) is None
    assert sorted(day.keys()) == sorted(f"claims/{day.id(n)}.json" for n in ("a.png", "d.png"))


def test_what_a_pipeline_drops_is_claimed_without_a_document(day: Day) -> None:
    for name in day.names.values():
        day.mark(name, Status.DONE)
    day.workspace.put("uploads/new.png", png(7, 5))
    day.workspace.put("uploads/gone.png", png(6, 5))
    day.project.image_index.expire()
    listed = {entry.image_path: entry.image_id for entry in day.project.list_images()}
    day.workspace.remove("uploads/gone.png")
    claim = day.claims.claim_next(ANA, ClaimRequest(order=Order.NEWEST)).claim
    assert claim
    assert claim.image_id == listed["new.png"]
    assert day.claims.claim_next(BEN, ClaimRequest()).claim is None


def test_a_document_of_another_program_tells_its_own_status(day: Day) -> None:
    day.workspace.put(f"annotations/{day.id('a.png')}.json", old_document("a.png"))
    day.workspace.put(f"annotations/{day.id('b.png')}.json", b"{")
    assert day.next(ANA) == "a.png"
    assert day.next(BEN) == "c.png"


def test_the_order_can_be_chosen(day: Day) -> None:
    day.mark("c.png", Status.RETURNED, by="ana@example.com")
    day.mark("b.png", Status.RETURNED, by="ben@example.com")
    added = [day.project.add_image(f"{name}.png", png(9, 9)) for name in ("new", "newer")]
    for image in added:
        day.names[image.image_id] = image.image_path
    day.project.image_index.expire()
    for order, holder, expected in (
        (Order.RETURNED, ANA, "c.png"),
        (Order.RETURNED, BEN, "b.png"),
        (Order.NEWEST, ANAS_OTHER_TAB, "newer.png"),
        (Order.NEWEST, Holder("", "1"), "new.png"),
        (Order.NAME, Holder("", "2"), "a.png"),
        (Order.RANDOM, Holder("", "3"), "d.png"),
    ):
        assert day.next(holder, order=order) == expected


def test_what_came_back_goes_before_what_a_page_has_fetched_ahead(day: Day) -> None:
    day.mark("d.png", Status.RETURNED, by="ana@example.com")
    for number, (holder, order, expected) in enumerate(
        ((ANA, Order.RETURNED, "d.png"), (BEN, Order.RETURNED, "c.png"), (ANA, Order.NAME, "b.png"))
    ):
        wanted = ClaimRequest(order=order, prefer=(day.id(("c.png", "c.png", "b.png")[number]),))
        tab = Holder(holder.person, f"tab {number}")
        assert day.name(day.claims.claim_next(tab, wanted).claim) == expected
    ahead = day.claims.next_ones(BEN, ClaimRequest(after=day.id("c.png")), 9)
    assert [day.names[image_id] for image_id in ahead] == ["a.png"]


def test_what_came_back_to_somebody_else_comes_last(day: Day) -> None:
    day.mark("a.png", Status.RETURNED, by="ben@example.com")
    given = [day.next(Holder("cat@example.com", str(n)), order=Order.RETURNED) for n in range(4)]
    assert given == ["b.png", "c.png", "d.png", "a.png"]


def test_a_reviewer_claims_what_is_done(day: Day) -> None:
    day.mark("c.png", Status.DONE)
    wanted = ClaimRequest(statuses=frozenset({Status.DONE}))
    assert day.name(day.claims.claim_next(ANA, wanted).claim) == "c.png"
    assert day.claims.claim_next(BEN, wanted).claim is None


def test_a_claim_that_says_nothing_is_none(day: Day) -> None:
    for name, data in (("a.png", b"{}"), ("b.png", b'{"until": "tomorrow"}')):
        day.workspace.put(f"claims/{day.id(name)}.json", data)
    day.workspace.put("claims/No image.json", b"{}")
    assert day.next(ANA) == "a.png"
    assert day.claims.renew(day.id("b.png"), BEN)


def test_the_next_one_costs_three_requests_and_no_document(
    server: GcsServer, workspace: Workspace
) -> None:
    if not workspace.settings.storage.bucket:
        pytest.skip("counted in the bucket")
    day = Day(workspace)
    day.project.list_images()
    before = len(server.requests)
    assert day.next(ANA) == "a.png"
    asked = [(one.method, one.path) for one in list(server.requests)[before:]]
    document = f"/storage/v1/b/labels/o/first%2Fannotations%2F{day.id('a.png')}.json"
    assert asked == [
        ("GET", "/storage/v1/b/labels/o"),
        ("POST", "/upload/storage/v1/b/labels/o"),
        ("GET", document),
    ]


def test_what_somebody_has_just_finished_is_not_looked_at_again(
    server: GcsServer, workspace: Workspace
) -> None:
    if not workspace.settings.storage.bucket:
        pytest.skip("counted in the bucket")
    day = Day(workspace)
    elsewhere = day.workspace.open()
    older = day.view(elsewhere)
    elsewhere.list_images()
    for name in ("a.png", "b.png"):
        assert day.next(ANA) == name
        day.mark(name, Status.DONE)
    before = len(server.requests)
    assert day.next(ANA) == "c.png"
    assert len(server.requests) - before == 3
    # Where the list is older, the claims of finished images stay: nobody else looks at them.
    day.mark("c.png", Status.DONE)
    assert day.name(older.claim_next(ANA, day.wanted()).claim) == "d.png"
    assert len(day.keys()) == 4
