"""Uploads: simple, multipart and resumable; checksums are checked before anything is kept."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.gcs_server.model import (
    WRITABLE,
    Bucket,
    Conditions,
    Failure,
    StoredObject,
    check_metadata,
    check_name,
    crc32c_of,
    md5_of,
)
from tests.gcs_server.wire import Request, Response

if TYPE_CHECKING:
    from tests.gcs_server.service import Service

CHUNK_UNIT = 256 * 1024


@dataclass
class Session:
    """A resumable upload under way."""

    bucket: str
    resource: dict[str, Any]
    conditions: Conditions
    query: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    done: bytes | None = None


def upload(service: Service, request: Request, bucket: Bucket) -> Response:
    """Every request under /upload/."""
    query = request.query
    kind = query.get("uploadType")
    if request.method == "POST" and kind == "media":
        resource = {"name": query.get("name"), "contentType": request.headers.get("content-type")}
        return store(service, bucket, resource, request.body, query)
    if request.method == "POST" and kind == "multipart":
        parts = split_multipart(request)
        if len(parts) != 2:
            raise Failure(400, "badRequest", "A multipart upload has two parts.")
        (_, head), (headers, data) = parts
        resource = _resource(head)
        resource.setdefault("name", query.get("name"))
        resource.setdefault("contentType", headers.get("content-type"))
        return store(service, bucket, resource, data, query)
    if request.method == "POST" and kind == "resumable":
        return _initiate(service, request, bucket, query)
    session = service.uploads.get(query.get("upload_id", ""))
    if session is None:
        raise Failure(404, "notFound", "No such upload.")
    if request.method == "PUT":
        return _chunk(service, request, bucket, session)
    if request.method == "DELETE":
        del service.uploads[query["upload_id"]]
        return Response(499)
    raise Failure(405, "methodNotAllowed", "Method Not Allowed")


def store(
    service: Service, bucket: Bucket, resource: dict[str, Any], data: bytes, query: dict[str, str]
) -> Response:
    """Check the sums, then put the object under the query's conditions."""
    crc32c, md5 = crc32c_of(data), md5_of(data)
    for name, given, real in (
        ("CRC32C", resource.get("crc32c"), crc32c),
        ("MD5 hash", resource.get("md5Hash"), md5),
    ):
        if given and given != real:
            raise Failure(
                400, "invalid", f'Provided {name} "{given}" doesn\'t match calculated "{real}".'
            )
    made = StoredObject(
        bucket.name,
        resource.get("name") or "",
        data,
        0,
        resource.get("contentType") or "application/octet-stream",
        resource.get("metadata") or {},
        resource.get("contentEncoding") or "",
        query.get("kmsKeyName", ""),
        {key: resource[key] for key in WRITABLE if key in resource},
        crc32c=crc32c,
        md5=md5,
    )
    bucket.put(made, Conditions.of(query), service.write_interval_s)
    return Response(200, json.dumps(made.resource()).encode())


def _initiate(
    service: Service, request: Request, bucket: Bucket, query: dict[str, str]
) -> Response:
    resource = _resource(request.body)
    resource.setdefault("name", query.get("name"))
    resource.setdefault("contentType", request.headers.get("x-upload-content-type"))
    check_name(resource["name"] or "")
    check_metadata(resource.get("metadata") or {})
    conditions = Conditions.of(query)
    conditions.check(bucket.live.get(resource["name"]))
    upload_id = secrets.token_hex(16)
    service.uploads[upload_id] = Session(bucket.name, resource, conditions, query)
    host = request.headers.get("host", "localhost")
    location = f"http://{host}{request.path}?uploadType=resumable&upload_id={upload_id}"
    return Response(200, b"", {"Location": location, "X-GUploader-UploadID": upload_id})


def _chunk(service: Service, request: Request, bucket: Bucket, session: Session) -> Response:
    if session.done is not None:
        return Response(200, session.done)
    text = request.headers.get("content-range", "")
    match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", text)
    if text and match is None:
        raise Failure(400, "badRequest", f"Failed to parse Content-Range header {text!r}.")
    total: int | None = len(request.body)
    if match:
        total = None if match[3] == "*" else int(match[3])
        if match[1] is not None:
            _append(session, request.body, int(match[1]), int(match[2]), total)
    else:
        session.data[:] = request.body
    if len(session.data) != total:
        kept = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
        return Response(308, b"", kept)
    for pair in request.headers.get("x-goog-hash", "").split(","):
        name, _, value = pair.strip().partition("=")
        if name in ("crc32c", "md5"):
            session.resource["md5Hash" if name == "md5" else "crc32c"] = value
    response = store(service, bucket, session.resource, bytes(session.data), session.query)
    session.done = response.body
    session.data.clear()
    return response


def _append(session: Session, body: bytes, first: int, last: int, total: int | None) -> None:
    if last - first + 1 != len(body):
        raise Failure(400, "badRequest", "Content-Range does not fit the body.")
    if first > len(session.data):
        raise Failure(503, "backendError", "The chunk leaves a gap.")
    if last + 1 != total and len(body) % CHUNK_UNIT:
        raise Failure(400, "badRequest", "Chunks but the last are multiples of 256 KiB.")
    session.data[first:] = body


def _resource(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"{}")
    except ValueError as error:
        raise Failure(400, "parseError", "Parse Error") from error
    if not isinstance(value, dict):
        raise Failure(400, "parseError", "Parse Error")
    return value


def split_multipart(request: Request) -> list[tuple[dict[str, str], bytes]]:
    """Headers (names in lower case) and body of each part."""
    match = re.search(r"boundary=\"?([^\";]+)", request.headers.get("content-type", ""))
    if match is None:
        raise Failure(400, "badRequest", "Missing boundary.")
    mark = b"--" + match[1].strip().encode()
    # Google's own clients end the lines of the envelope by CR LF, or by LF alone.
    end = b"\r\n" if request.body.lstrip().startswith(mark + b"\r\n") else b"\n"
    parts = []
    for piece in (end + request.body).split(end + mark)[1:-1]:
        head, _, body = piece.removeprefix(end).partition(end + end)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode().splitlines())
        }
        parts.append((headers, body))
    return parts
