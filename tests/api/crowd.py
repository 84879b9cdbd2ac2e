"""Scripted labelers who share the images of one bucket through several instances.

The clock of the leases stands still until the test turns it, so nothing here depends on how fast
the machine is. What was given to whom is written down as the answers tell it; what was saved is
looked up in the bucket, which keeps every state.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx

from labeler.access.policy import AccessPolicy
from labeler.access.tokens import Purpose, Signer, new_token
from labeler.api import application
from labeler.model.people import SignIn
from labeler.project.project import Project
from labeler.settings import load_settings
from labeler.storage.gcs import GcsStore
from tests.api.support import SECRET, Served, rect
from tests.gcs_server import GcsServer
from tests.pictures import png

BUCKET, PREFIX = "labels", "first"
LEASE = timedelta(seconds=300)
PATIENCE_S = 120
"""How long a labeler tries a call again. Only a fault of the product takes so long."""
ORDERS = ("name", "name", "returned", "newest", "random")


class Given(NamedTuple):
    """An answer to a labeler: the image is theirs from then until then."""

    name: str
    since: datetime
    until: datetime


class Office:
    """A bucket, the instances over it, and who was given what."""

    def __init__(self, server: GcsServer, instances: int) -> None:
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)
        self.given: dict[str, list[Given]] = {}
        self.server = server
        self._lock = threading.Lock()
        self._settings = load_settings(
            {"LABELER_STORAGE": f"gs://{BUCKET}/{PREFIX}", "LABELER_AUTH": "oidc",
             "LABELER_LEASE_S": f"{LEASE.total_seconds():.0f}"}
        )  # fmt: skip
        self._projects: list[Project] = []
        self.instances = [Served(self._new_app()) for _ in range(instances)]

    def _new_app(self) -> Any:
        store = GcsStore(BUCKET, PREFIX, timeout_s=20, first_delay_s=0.005)
        project = Project(self._settings, store, None, SECRET, lambda: self.now)
        self._projects.append(project)
        policy = AccessPolicy(SignIn.OIDC, self._settings.roles, Signer(SECRET))
        return application(project, policy, 2**20, self._settings.max_calls_per_s)

    def fill(self, images: int) -> list[str]:
        """The IDs of so many new images."""
        project = self._projects[0]
        names = [f"{number:04}.png" for number in range(images)]
        return [project.add_image(name, png() + name.encode()).image_id for name in names]

    def replace_instance(self, place: int) -> None:
        """Have a new instance take the place of one: it knows nothing of what that one knew."""
        self.instances[place].app = self._new_app()

    def tell(self, image_id: str, name: str, until: datetime) -> None:
        """Write down that the image was given to that labeler, or that their lease was renewed."""
        with self._lock:
            self.given.setdefault(image_id, []).append(Given(name, until - LEASE, until))

    def states(self, image_id: str) -> list[dict[str, Any]]:
        """Every state that the image's document ever had, the oldest first."""
        name = f"{PREFIX}/annotations/{image_id}.json"
        with self.server.lock:
            found = self.server.bucket(BUCKET).versions(name)
        return [json.loads(one.data) for one in sorted(found, key=lambda one: one.generation)]

    def claims(self) -> list[str]:
        """The names of all claims that are in the bucket."""
        with self.server.lock:
            names = [unquote(name) for name in self.server.bucket(BUCKET).live]
        return [name for name in names if name.startswith(f"{PREFIX}/claims/")]

    def close(self) -> None:
        for served in self.instances:
            served.stop()
        for project in self._projects:
            project.close()


@dataclass
class Labeler:
    """One who labels; `image` is what they have open, `drawn` the boxes that were acknowledged."""

    office: Office
    number: int
    image: str = ""
    tag: str = ""
    drawn: list[tuple[str, str]] = field(default_factory=list)
    finished: int = 0

    def __post_init__(self) -> None:
        self.name = f"labeler{self.number}@example.com"
        token = Signer(SECRET).sign(new_token(Purpose.API, self.name, time.time()))
        headers = {"X-Labeler-Client": "a tab", "Authorization": f"Bearer {token}"}
        self._client = httpx.Client(headers=headers, timeout=PATIENCE_S)
        self._chance = random.Random(self.number)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call any of the instances, again while it is busy or its bucket does not answer."""
        end = time.monotonic() + PATIENCE_S
        while True:
            port = self._chance.choice(self.office.instances).port
            answer = None
            with suppress(httpx.TransportError):
                answer = self._client.request(method, f"http://127.0.0.1:{port}{path}", **more)
            if answer is not None and answer.status_code != 503:
                return answer
            assert time.monotonic() < end, f"{method} {path} never succeeds: {answer}"

    # --- work -----------------------------------------------------------------------------

    def work(self, most: int | None = None) -> None:
        """Label image after image: so many, and then open another one; or until none is left."""
        self.finished = 0
        while self.image or self.take():
            if self.finished == most:
                return
            self.draw(status="done")
            self.finished += 1
            self.image, after = "", self.image
            self.take(after)

    def take(self, after: str = "") -> bool:
        """Claim the next image and open it. Nobody is given a finished one."""
        asked = {"after": after or None, "order": ORDERS[self.number % len(ORDERS)]}
        answer = self.call("POST", "/api/claims", json=asked)
        if answer.status_code == 204:
            return False
        assert answer.status_code == 200, answer.text
        told = answer.json()
        self.image = told["image_id"]
        self.office.tell(self.image, self.name, datetime.fromisoformat(told["until"]))
        document, self.tag = self.read()
        assert document["metadata"]["status"] in ("unlabeled", "in_progress"), document
        return True

    def read(self) -> tuple[dict[str, Any], str]:
        answer = self.call("GET", f"/api/annotations/{self.image}")
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]

    def draw(self, status: str | None = None) -> None:
        """Put a box on the open image and save it over the state that was opened.

        Without a `status` the image keeps its own. A save that was not heard of is sent again. If
        somebody else has saved, the box is put on theirs.
        """
        box = f"{self.number:04}{len(self.drawn):04}"
        document, tag = self.read()
        tag, self.tag = self.tag, tag
        while True:
            if box not in ids(document):
                document["rects"].append(rect(self.number % 50, id=box))
            document["metadata"]["status"] = status or document["metadata"]["status"]
            answer = self.put(document, tag)
            if answer.status_code == 200:
                break
            assert answer.status_code == 412, answer.text
            document, tag = answer.json()["document"], answer.json()["etag"]
            if box in ids(document):
                break
        self.tag = answer.headers["ETag"]
        self.drawn.append((self.image, box))

    def put(self, document: dict[str, Any], tag: str) -> httpx.Response:
        path = f"/api/annotations/{self.image}"
        return self.call("PUT", path, json=document, headers={"If-Match": tag})

    def renew(self) -> httpx.Response:
        return self.call("PUT", f"/api/claims/{self.image}")

    def keep(self) -> None:
        """Renew the lease on the open image, as a page does while somebody works."""
        answer = self.renew()
        assert answer.status_code == 200, answer.text
        until = datetime.fromisoformat(answer.json()["until"])
        assert until > self.office.now + LEASE / 2
        self.office.tell(self.image, self.name, until)

    # --- what goes wrong ------------------------------------------------------------------

    def die(self) -> None:
        """End in the middle: with an image, with a box on it, or before an answer is heard."""
        how = self.number % 4
        if how == 1:
            self.draw(status="in_progress")
        elif how == 2:
            document, tag = self.read()
            document["rects"].append(rect(id=f"{self.number:04}last"))
            document["metadata"]["status"] = "done"
            self._unheard("PUT", f"/api/annotations/{self.image}", document, {"If-Match": tag})
        elif how == 3:
            self._unheard("POST", "/api/claims", {"after": self.image}, {})
        self._client.close()

    def _unheard(self, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
        """Send it once, whatever comes of it."""
        address = f"http://127.0.0.1:{self.office.instances[0].port}{path}"
        with suppress(httpx.TransportError):
            self._client.request(method, address, json=body, headers=headers)

    def close(self) -> None:
        self._client.close()


def ids(document: dict[str, Any]) -> list[str]:
    """The IDs of the document's boxes."""
    return [box["id"] for box in document["rects"]]


def at_once(work: Callable[[Labeler], object], labelers: Iterable[Labeler]) -> None:
    """Have all of them do it at the same time; the first failure of any is raised."""
    some = list(labelers)
    with ThreadPoolExecutor(len(some)) as threads:
        for done in [threads.submit(work, labeler) for labeler in some]:
            done.result()
