"""The API's calls on a real server of loopback, over a real dataset in a folder of the test's."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from labeler.access.iap import Assertions, Keys
from labeler.access.policy import AccessPolicy, load_access_policy
from labeler.access.tokens import Purpose, Signer, new_token
from labeler.api import application
from labeler.model.people import SignIn
from labeler.project.project import Project, open_project
from labeler.settings import load_settings
from labeler.storage import Page, Store
from labeler.storage.local import LocalStore
from tests.pictures import png

SECRET = b"the secret of the API's tests, long enough"
WRITING = {"X-Labeler-Client": "tests"}


class Served:
    """A server on a free port, in a thread of its own, for one application after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._socket = socket.create_server(("127.0.0.1", 0))
        # As the program's own: an answer's body would wait 40 ms for its head's acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(self._call, interface="asgi3", log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def connect(self) -> socket.socket:
        """A connection for those who speak HTTP badly."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class Lister(LocalStore):
    """A store in a folder that does something else first when it is listed."""

    def __init__(self, folder: Path, first: Callable[[], object]) -> None:
        super().__init__(folder)
        self._first = first

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        self._first()
        return super().list(prefix, after=after, limit=limit)


class Api:
    """The dataset of a test, the server over it, and a client that may write."""

    def __init__(
        self, folder: Path, free: list[Served], store: Store | None = None, **settings: str
    ) -> None:
        self.folder = folder
        checked = load_settings({"LABELER_STORAGE": str(folder), **settings})
        self.project = Project(checked, store, None, SECRET) if store else open_project(checked)
        self.signer = Signer(SECRET)
        asserted = None
        if checked.auth is SignIn.IAP:
            asserted = Assertions(checked.iap_audience, Keys(checked.iap_keys_url)).person
        alias = load_access_policy(checked).alias if checked.auth is not SignIn.NONE else None
        access = AccessPolicy(checked.auth, checked.roles, self.signer, asserted, alias)
        app = self.app = application(
            self.project, access, checked.max_upload_bytes, checked.max_calls_per_s
        )
        self._free = free
        self.served = free.pop() if free else Served(app)
        self.served.app = app
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.served.port}",
            headers=WRITING,
            timeout=120,
            verify=False,
        )

    def close(self) -> None:
        self.client.close()
        self._free.append(self.served)

    def token(self, person: str, now: float, target: str = "", export: bool = False) -> str:
        """A token for calls, for one image, or for one export."""
        address = Purpose.EXPORT if export else Purpose.IMAGE
        purpose = address if target else Purpose.API
        return self.signer.sign(new_token(purpose, person, now, target))

    def add(self, name: str = "a.png", data: bytes | None = None, **headers: str) -> httpx.Response:
        return self.client.post(
            "/api/images",
            content=png() if data is None else data,
            headers={"X-File-Name": quote(name), **named(headers)},
        )

    def image(self, name: str = "a.png", data: bytes | None = None) -> str:
        """The ID of an image that is in the project now."""
        answer = self.add(name, data)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["image_id"])

    def drop(self, name: str, data: bytes | None = None) -> str:
        """The ID of an original that a pipeline put into the bucket, without a document."""
        data = png() if data is None else data
        path = self.folder / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return hashlib.md5(f"{name}_{len(data)}".encode()).hexdigest()

    def read(self, image_id: str) -> tuple[dict[str, Any], str]:
        """The document and its ETag."""
        answer = self.client.get(f"/api/annotations/{image_id}")
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]

    def put(self, image_id: str, document: Any, **headers: str) -> httpx.Response:
        content = document if isinstance(document, bytes) else json.dumps(document)
        return self.client.put(
            f"/api/annotations/{image_id}", content=content, headers=named(headers)
        )

    def save(self, image_id: str, *rects: dict[str, Any], **metadata: Any) -> str:
        """Store these rects over whatever there is; the new ETag."""
        document, tag = self.read(image_id)
        document["rects"] = list(rects)
        document["metadata"] |= metadata
        answer = self.put(image_id, document, If_Match=tag)
        assert answer.status_code == 200, answer.text
        return answer.headers["ETag"]

    def stored(self, image_id: str) -> bytes:
        """The bytes of the document as they are in the folder."""
        return self.document_path(image_id).read_bytes()

    def document_path(self, image_id: str) -> Path:
        return self.folder / "annotations" / f"{image_id}.json"


def named(headers: dict[str, str]) -> dict[str, str]:
    """Headers from arguments: If_Match is If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def rect(left: float = 1, label: str = "object", **more: Any) -> dict[str, Any]:
    return {"left": left, "top": 2.0, "width": 10.0, "height": 20.0, "label": label, **more}


def refused(answer: httpx.Response, status: int, code: str, *words: str) -> dict[str, Any]:
    """That this is an error of that kind, told as all are; the whole body."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (status, code), body
    assert answer.headers["Content-Type"] == "application/json"
    for word in words:
        assert word in body["error"]["message"]
    return body
