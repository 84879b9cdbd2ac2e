"""A backend of its own for the workbench: all that its README asks of one, and no more."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from PIL import Image

MODULES: Final = Path(__file__).parents[3] / "labeler" / "ui" / "workbench"
TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Workbench</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html, body { margin: 0; height: 100%; color-scheme: light dark; }
#place { height: 100%; }</style></head>
<body><main id="place"></main><script type="module">
import { openWorkbench } from "/workbench/open.js";
const setup = await (await fetch("/setup")).json();
window.added = [];
window.opened = openWorkbench(document.getElementById("place"), {
  baseUrl: location.origin, token: () => "", renewToken: async () => "",
  client: crypto.randomUUID(), person: setup.person, filters: {}, labels: setup.labels,
  image: new URLSearchParams(location.search).get("image") ?? setup.image,
  addLabel: setup.addsLabels ? (name) => window.added.push(name) : undefined,
});
</script></body></html>"""


@dataclass
class Answer:
    """What a call is answered with."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Backend:
    """Images, documents with a version each, and the labels, all in memory.

    `copies` are small ones that were made before, by the image's name. `gates` hold back answers,
    as a slow network does.
    """

    labels: list[dict[str, Any]]
    person: str = "ana"
    adds_labels: bool = False
    pictures: dict[str, bytes] = field(default_factory=dict)
    copies: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, tuple[str, int]] = field(default_factory=dict)
    gates: list[tuple[str, str, threading.Event]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, data: bytes, rects: list[dict[str, Any]] | None = None) -> str:
        """An image of that name, which is its ID, with these boxes."""
        self.pictures[name] = data
        if rects is not None:
            with Image.open(io.BytesIO(data)) as image:
                turned = image.getexif().get(0x0112, 1) >= 5
                width, height = image.size[::-1] if turned else image.size
            self.put(
                name,
                {
                    "rects": rects,
                    "image_path": name,
                    "image_width": width,
                    "image_height": height,
                    "metadata": {"image_path": name, "image_id": name, "version": "1.0"},
                },
            )
        return name

    def hold(self, start: str, but: str) -> threading.Event:
        """Let no answer to such an address out until the event is set, but for these."""
        gate = threading.Event()
        self.gates.append((start, but, gate))
        return gate

    def pass_gates(self, address: str) -> None:
        """Wait where somebody holds back the answer."""
        for start, but, gate in self.gates:
            if address.startswith(start) and but not in address:
                gate.wait(60)

    def put(self, name: str, document: dict[str, Any]) -> str:
        """Store the document as its next version; the ETag."""
        with self.lock:
            version = self.documents.get(name, ("", 0))[1] + 1
            self.documents[name] = (json.dumps(document), version)
        return f'"{version}"'

    def document(self, name: str) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self.documents[name][0])
        return stored

    def rects(self, name: str) -> list[dict[str, Any]]:
        """The stored boxes of an image."""
        found: list[dict[str, Any]] = self.document(name)["rects"] if name in self.documents else []
        return found

    def get(self, path: str, query: Mapping[str, str], known: str | None) -> Answer:
        if path == "/":
            return Answer(200, PAGE.encode(), "text/html")
        if path == "/setup":
            setup = {
                "labels": self.labels,
                "person": self.person,
                "addsLabels": self.adds_labels,
                "image": min(self.pictures),
            }
            return Answer(200, json.dumps(setup).encode())
        if path.startswith("/workbench/"):
            file = MODULES / path.removeprefix("/workbench/")
            return Answer(200, file.read_bytes(), TYPES[file.suffix])
        if path.startswith("/api/claims/"):
            return Answer(204)
        if path == "/api/images":
            return self._list(query.get("around"))
        name = path.rpartition("/")[2]
        if path.startswith("/api/images/") and name in self.pictures:
            return Answer(200, self._picture(name, int(query.get("width", 0))), "image/jpeg")
        if path.startswith("/api/annotations/") and name in self.documents:
            text, version = self.documents[name]
            tag = f'"{version}"'
            if known == tag:
                return Answer(304)
            return Answer(200, text.encode(), headers={"ETag": tag})
        return _error(404, "not_found", "There is no such thing.")

    def change(self, name: str, body: bytes, wanted: str | None, is_new: bool) -> Answer:
        with self.lock:
            text, version = self.documents.get(name, ("", 0))
            if wanted != (f'"{version}"' if version else None) or is_new != (version == 0):
                current = json.loads(text) if text else None
                found = {"document": current, "etag": f'"{version}"' if version else None}
                error = {"code": "changed", "message": "Somebody else was first."}
                return Answer(412, json.dumps({"error": error, **found}).encode())
            self.documents[name] = (body.decode(), version + 1)
        status = 201 if is_new else 200
        return Answer(status, body, headers={"ETag": f'"{version + 1}"'})

    def _list(self, around: str | None) -> Answer:
        """All images at once, as a short list may be."""
        names = sorted(self.pictures)
        if around is not None and around not in names:
            return _error(404, "not_found", "There is no such image.")
        images = []
        for name in names:
            rects = self.rects(name)
            metadata = self.document(name)["metadata"] if name in self.documents else {}
            status = metadata.get("status") or ("in_progress" if rects else "unlabeled")
            shown = {"image_id": name, "image_path": name, "status": status, "rects": len(rects)}
            images.append(shown)
        page = {"images": images, "next": None, "previous": None}
        counts = {"index": 0, "total": len(names)} if around else {}
        return Answer(200, json.dumps(page | counts).encode())

    def _picture(self, name: str, width: int) -> bytes:
        data = self.pictures[name]
        if not width:
            return data
        if name in self.copies:
            return self.copies[name]
        with Image.open(io.BytesIO(data)) as image:
            small = image.convert("RGB")
            small.thumbnail((width, width * 4))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG")
        return buffer.getvalue()


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"code": code, "message": message}}).encode())


class Host:
    """The backend on a free port of loopback, in threads of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
                known = self.headers.get("If-None-Match")
                self._answer(backend.get(parts.path, query, known))

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name = urlsplit(self.path).path.rpartition("/")[2]
                wanted, is_new = self.headers.get("If-Match"), "If-None-Match" in self.headers
                self._answer(backend.change(name, body, wanted, is_new))

            def _answer(self, answer: Answer) -> None:
                backend.pass_gates(self.path)
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.media_type)
                    self.send_header("Content-Length", str(len(answer.body)))
                    for key, value in answer.headers.items():
                        self.send_header(key, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:  # the page went on without waiting
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
