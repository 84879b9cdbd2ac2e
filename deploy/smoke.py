#!/usr/bin/env python3
"""Try a running Labeler as a labeler would: ready, upload, save, read back, refuse a stale save.

    deploy/smoke.py https://candidate---labeler-xyz.a.run.app --storage gs://my-labels

Nothing stays behind: the image, of a name that no other has, and its document are removed by
`gcloud storage rm`, whatever happened; without --storage they stay, and are named. The image is
marked as skipped, so that it leads nobody to it and is in no export. What a proxy in front wants to
be told stands in the environment variable SMOKE_HEADER, as in "Proxy-Authorization: Bearer ...".

Needs nothing but Python, and gcloud for --storage. Exit code: 0 all is well, 1 something
is not (stderr says what), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from struct import pack
from typing import Any
from zlib import compress, crc32

BOX = {"left": 4.5, "top": 3.25, "width": 20.0, "height": 10.75, "label": "smoke test"}


class Failure(Exception):
    """What is not as it has to be, in words for a person."""


@dataclass
class Answer:
    """An answer of the service; `tag` is its ETag."""

    status: int
    tag: str
    data: bytes

    def document(self) -> dict[str, Any]:
        try:
            value = json.loads(self.data)
        except ValueError as error:
            raise Failure(f"the answer is not JSON: {self.data[:200]!r}") from error
        if not isinstance(value, dict):
            raise Failure(f"the answer is not a JSON object: {self.data[:200]!r}")
        return value


class Service:
    """The service at one address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"X-Labeler-Client": "smoke test"}
        name, colon, value = os.environ.get("SMOKE_HEADER", "").partition(":")
        if colon:
            self._headers[name.strip()] = value.strip()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """The answer, whatever its status; Failure where there is none."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self._url + path, body, {**self._headers, **named}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.headers.get("ETag", ""), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("ETag", ""), error.read())
        except OSError as error:
            raise Failure(f"{method} {path}: no answer ({error})") from error

    def expect(
        self,
        wanted: tuple[int, ...],
        method: str,
        path: str,
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        answer = self.call(method, path, body, **headers)
        if answer.status not in wanted:
            raise Failure(f"{method} {path}: {answer.status} {said(answer.data)}")
        return answer


def said(data: bytes) -> str:
    """The message of an error, or how the answer begins."""
    try:
        return str(json.loads(data)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return repr(data[:200])


def wait(service: Service, seconds: float) -> None:
    """Until the service says that it is ready; Failure with what is missing after so long."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer = service.call("GET", "/api/ready")
            # A proxy's page for signing in, or a wrong address, answers 200 as well.
            if answer.status == 200 and answer.document().get("status") == "ready":
                return
            missing = f"{answer.status} {said(answer.data)}"
        except Failure as failure:
            missing = str(failure)
        if time.monotonic() > end:
            raise Failure(f"not ready after {seconds:g} s: {missing}")
        time.sleep(1)


def picture() -> bytes:
    """A small PNG that nobody has."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

    width, height = 64, 48
    rows = b"".join(b"\0" + secrets.token_bytes(width) for _ in range(height))
    header = pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def try_out(service: Service, made: dict[str, str]) -> None:
    """Upload, save, read back; what was made is noted as soon as it may be there."""
    data = picture()
    name = f"zz-labeler-smoke-{secrets.token_hex(6)}.png"  # the last in a list by name
    added = service.expect((201,), "POST", "/api/images", data, X_File_Name=name).document()
    made.update({"image_id": added["image_id"], "image_path": added["image_path"]})
    path = f"/api/annotations/{added['image_id']}"
    opened = service.expect((200,), "GET", path)
    document = opened.document()
    document["rects"] = [BOX]
    document["metadata"]["status"] = "skipped"
    body = json.dumps(document).encode()
    service.expect((200,), "PUT", path, body, If_Match=opened.tag)
    read = service.expect((200,), "GET", path)
    rects = read.document()["rects"]
    if len(rects) != 1 or any(rects[0].get(key) != value for key, value in BOX.items()):
        raise Failure(f"the box that was saved is not the one that is read: {rects}")
    service.expect((412,), "PUT", path, body, If_Match=opened.tag)
    shown = service.expect((200,), "GET", f"/api/images/{added['image_id']}")
    if shown.data != data:
        raise Failure("the picture is not the one that was uploaded")


def remove(made: dict[str, str], storage: str, uploads: str) -> None:
    """Remove the two objects with all their versions; Failure where that did not work."""
    if not made:
        return
    document = f"annotations/{made['image_id']}.json"
    if not storage:
        print(f"left behind: {made['image_path']} and {document}", file=sys.stderr)
        return
    objects = [f"{storage.rstrip('/')}/{document}"]
    if uploads != "off":
        objects.append(f"{(uploads or storage + '/uploads').rstrip('/')}/{made['image_path']}")
    command = ["gcloud", "storage", "rm", "--all-versions", *objects]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"could not remove {' '.join(objects)}: {done.stderr.strip()}")


def main(arguments: list[str]) -> int:
    """Try the service, or say what failed; the exit code."""
    parser = argparse.ArgumentParser(
        prog="smoke.py", description="Try a running Labeler as a labeler would."
    )
    parser.add_argument("url")
    parser.add_argument("--storage", default="", help="gs://BUCKET[/PREFIX], LABELER_STORAGE")
    parser.add_argument("--uploads", default="", help="LABELER_UPLOADS, where it is set")
    parser.add_argument("--seconds", type=float, default=120, help="to wait until it is ready")
    parser.add_argument("--only-ready", action="store_true", help="upload and save nothing")
    given = parser.parse_args(arguments)
    service = Service(given.url)
    made: dict[str, str] = {}
    failures: list[str] = []
    try:
        wait(service, given.seconds)
        if not given.only_ready:
            try_out(service, made)
    except Failure as failure:
        failures.append(str(failure))
    try:
        remove(made, given.storage, given.uploads)
    except Failure as failure:
        failures.append(str(failure))
    for line in failures:
        print(f"smoke.py: {line}", file=sys.stderr)
    if not failures:
        print(f"{given.url} works")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
