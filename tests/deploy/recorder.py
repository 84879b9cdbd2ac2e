"""Google's side of a command: a proxy that notes what is asked, and answers as little as it can.

gcloud puts the region before a service's host name, so that only as its proxy does a server of the
tests hear everything.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOSTS = ("RUN", "SERVICEUSAGE", "STORAGE", "IAM", "IAP", "SECRETMANAGER", "ARTIFACTREGISTRY",
         "CLOUDRESOURCEMANAGER", "CLOUDBUILD",
         "LOGGING", "SQL", "CLOUDSCHEDULER")  # fmt: skip


@dataclass
class Recorder:
    """What came, as method, address and body; with `refuses`, nothing is allowed."""

    port: int = 0
    refuses: bool = False
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def environ(self, folder: Path) -> dict[str, str]:
        """The environment in which gcloud speaks to nobody else."""
        return {
            "PATH": "/usr/bin:/bin",
            "CLOUDSDK_CONFIG": str(folder / "gcloud"),
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_PROJECT": "my-project",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(self.port),
        } | {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{one}": f"http://{one.lower()}.test/" for one in HOSTS
        }

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, url, body))
        if self.refuses:
            return 403, {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}
        if "serviceusage.test" in url:
            return 200, {"name": "x", "state": "ENABLED"}
        if method == "GET":
            return 404, {"error": {"code": 404, "message": "none", "status": "NOT_FOUND"}}
        return 200, body


@contextmanager
def recording(*, refuses: bool = False) -> Iterator[Recorder]:
    """A recorder on a free port of loopback."""
    recorder = Recorder(refuses=refuses)

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(length)
            body = json.loads(data) if data.startswith(b"{") else None
            status, answer = recorder.answer(self.command, self.path, body)
            sent = json.dumps(answer or {}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = reply  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing: what came is noted."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()
