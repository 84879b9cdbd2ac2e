"""Many labelers at once over a bucket that fails: each image is done exactly once."""

from __future__ import annotations

import contextlib
import io
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from labeler.errors import Unavailable
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.project.claims import Claim, ClaimRequest, Claims, Holder, Order
from labeler.project.project import Project
from labeler.storage import ABSENT, list_all
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer
from tests.projects import Workspace

STORM = [
    Fault("status", 503), Fault("status", 429), Fault("reset"), Fault("status_after"),
    Fault("reset_after"),
]  # fmt: skip
LEASE_S = 300


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


class Office:
    """Labelers who work on two instances until nothing is left to them; some go home early."""

    def __init__(self, images: int, instances: int = 2) -> None:
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)
        self._workspace = Workspace("gs://labels/first")
        self.stores = [
            GcsStore("labels", "first", timeout_s=60, first_delay_s=0.005) for _ in range(instances)
        ]
        self.projects = [
            Project(self._workspace.settings, store, None, b"secret" * 4, lambda: self.now)
            for store in self.stores
        ]
        self.done: Counter[str] = Counter()
        self.kept: list[str] = []
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._fill(images)

    def _fill(self, images: int) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (4, 3)).save(picture, "PNG")
        project = self.projects[0]
        self.ids = []
        for number in range(images):
            data = picture.getvalue() + b"%d" % number
            self.ids.append(project.add_image(f"{number:04}.png", data).image_id)

    def work(self, labelers: int, going_home: int = 0) -> None:
        threads = [
            threading.Thread(target=self._label, args=(number, 3 if number < going_home else 10**6))
            for number in range(labelers)
        ]
        # Those who go home first: on a busy machine, nothing might be left to them later.
        for together in (threads[:going_home], threads[going_home:]):
            for thread in together:
                thread.start()
            for thread in together:
                thread.join()
        assert not self.failures, self.failures

    def _label(self, number: int, most: int) -> None:
        project = self.projects[number % len(self.projects)]
        claims = Claims(project.store, project.image_index, lambda: self.now, LEASE_S)
        holder = Holder(f"{number}@example.com", f"tab {self.now:%H%M}")
        try:
            after = ""
            for count in range(most + 1):
                claim = self._claimed(claims, holder, after)
                if claim is None:
                    return
                if count == most:  # home, with an image that nobody has begun with
                    with self._lock:
                        self.kept.append(claim.image_id)
                    return
                self._finish(project, claim.image_id, holder)
                after = claim.image_id
        except BaseException as error:  # noqa: BLE001 - the test's own thread shows it
            self.failures.append(error)

    def _claimed(self, claims: Claims, holder: Holder, after: str) -> Claim | None:
        wanted = ClaimRequest(after=after, order=Order.NAME)
        while True:
            with contextlib.suppress(Unavailable):
                claim, ended = claims.claim_next(holder, wanted)
                claims.tidy(ended)
                return claim

    def _finish(self, project: Project, image_id: str, holder: Holder) -> None:
        opened = project.open_document(image_id)
        assert opened.document.status is Status.UNLABELED, opened.document.metadata
        assert opened.version is not ABSENT
        wanted = with_status(opened.document, Status.DONE)
        saved = project.save_document(image_id, wanted, opened, holder.person)
        assert not saved.merged
        with self._lock:
            self.done[image_id] += 1

    def close(self) -> None:
        for project in self.projects:
            project.close()


def labeled_by_all(server: GcsServer, images: int, labelers: int, rate: float) -> None:
    with contextlib.closing(Office(images)) as office:
        server.faults.storm(11, rate, STORM)
        office.work(labelers, going_home=3)
        server.faults.storm(12, rate, STORM)
        # The images of those who went home belong to them, and all others are done.
        assert len(set(office.kept)) == len(office.kept) == 3
        assert set(office.done) | set(office.kept) == set(office.ids)
        assert not set(office.done) & set(office.kept)
        office.now += timedelta(seconds=LEASE_S)
        office.work(2)
        server.faults.clear()
        assert office.done == Counter(office.ids)
        office.now += timedelta(seconds=LEASE_S)
        project = office.projects[0]
        for _ in range(images):
            claim, ended = project.claims.claim_next(Holder("", "at night"), ClaimRequest())
            assert claim is None
            project.claims.tidy(ended)
            if not ended:
                break
        assert not list(list_all(office.stores[0], "claims/"))


def test_ten_labelers_do_each_of_a_hundred_images_once(bucket: GcsServer) -> None:
    labeled_by_all(bucket, images=100, labelers=10, rate=0.05)


@pytest.mark.slow
def test_fifty_labelers_do_each_of_a_thousand_images_once(bucket: GcsServer) -> None:
    labeled_by_all(bucket, images=1000, labelers=50, rate=0.02)
