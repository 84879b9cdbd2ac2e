"""Many labelers at once, on several instances over a bucket that fails.

Every image is done exactly once. Nobody is given another's image while its lease lives. No claim
holds longer than its lease, and nothing is lost. SOAK_SEED gives other faults.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator

import pytest

from tests.api.crowd import BUCKET, LEASE, Labeler, Office, at_once, ids
from tests.gcs_server import Fault, GcsServer
from tests.loss_report import report_losses

SEED = int(os.environ.get("SOAK_SEED", "1"))
STORM = [
    Fault("status", 503), Fault("status", 429), Fault("reset"), Fault("status_after"),
    Fault("reset_after"), Fault("cut"), Fault("delay", seconds=0.05), Fault("late", seconds=0.05),
]  # fmt: skip


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with GcsServer(buckets=[BUCKET]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        server.bucket(BUCKET).settings["versioning"] = {"enabled": True}
        made = Office(server, instances=3)
        yield made
        server.faults.clear()
        made.close()


def nobody_had_anothers(office: Office) -> None:
    """Leases of one image that were told to two labelers never overlap."""
    for image, given in office.given.items():
        for one, other in itertools.combinations(given, 2):
            apart = one.until <= other.since or other.until <= one.since
            assert one.name == other.name or apart, (image, one, other)


def all_are_done_once(office: Office, images: list[str]) -> None:
    """Each image became done by one save, and stayed so."""
    for image in images:
        states = [state["metadata"]["status"] for state in office.states(image)]
        changes = [status for status, _ in itertools.groupby(states)]
        assert changes.count("done") == 1, (image, states)
        assert changes[-1] == "done", (image, states)


def nothing_is_lost(office: Office, labelers: list[Labeler]) -> None:
    """Each box that was acknowledged is there, and no box is there twice."""
    drawn = [one for labeler in labelers for one in labeler.drawn]
    lost = [(image, box) for image, box in drawn if ids(office.states(image)[-1]).count(box) != 1]
    report_losses(
        f"{len(labelers)} labelers on 3 instances over a bucket that fails",
        faults=office.server.faults.met, boxes=len(drawn), lost=len(lost),
    )  # fmt: skip
    assert not lost


def no_claim_is_left(office: Office, labeler: Labeler, images: list[str]) -> None:
    """When all leases have ended, nobody has an image, and those who ask remove the claims."""
    office.now += LEASE
    for image in images:
        assert labeler.call("GET", f"/api/claims/{image}").json()["by"] is None
    for _ in range(len(images) + 1):
        assert labeler.call("POST", "/api/claims", json={}).status_code == 204
        if not office.claims():
            return
    pytest.fail(f"{len(office.claims())} claims stay.")


def woken(sleeper: Labeler) -> None:
    """Whoever slept through the end of their lease is told so, and their next box is kept."""
    answer = sleeper.renew()
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["code"] == "claimed"
    assert "has this image until" in answer.json()["error"]["message"]
    sleeper.draw()


def a_day(office: Office, count: int, images: int, rate: float) -> None:
    """The labelers share the images; a quarter ends in the middle, an eighth falls asleep."""
    everything = office.fill(images)
    labelers = [Labeler(office, number) for number in range(count)]
    dying, asleep = labelers[: count // 4], labelers[count // 4 : count // 4 + count // 8]
    living = labelers[count // 4 + count // 8 :]
    office.server.faults.storm(SEED, rate, STORM)
    at_once(lambda labeler: labeler.work(most=images // (2 * count)), labelers)
    assert all(labeler.image for labeler in labelers)
    at_once(lambda labeler: labeler.draw(status="in_progress"), asleep)
    at_once(Labeler.die, dying)
    office.replace_instance(1)
    for _ in range(2):
        office.now += LEASE * 0.6
        at_once(Labeler.keep, living)
    at_once(Labeler.work, living)
    at_once(woken, asleep)
    office.server.faults.clear()
    nobody_had_anothers(office)
    all_are_done_once(office, everything)
    nothing_is_lost(office, labelers)
    for sleeper in asleep:
        # Two boxes of their own, and that of whoever was given the image after them.
        assert len(ids(office.states(sleeper.image)[-1])) == 3
        assert len({given.name for given in office.given[sleeper.image]}) == 2
    no_claim_is_left(office, living[0], everything)
    for labeler in labelers:
        labeler.close()


@pytest.mark.parametrize(
    ("count", "images", "rate"),
    [
        pytest.param(12, 120, 0.05),
        pytest.param(50, 1000, 0.03, marks=pytest.mark.slow),
    ],
)
def test_labelers_do_each_image_once_and_no_claim_outlives_its_lease(
    office: Office, count: int, images: int, rate: float, caplog: pytest.LogCaptureFixture
) -> None:
    a_day(office, count, images, rate)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
