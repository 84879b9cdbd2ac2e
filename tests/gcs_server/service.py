"""The JSON API as google-cloud-storage and gcsfs call it: buckets, objects, listing, batches."""

from __future__ import annotations

import base64
import bisect
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.gcs_server import media, uploads
from tests.gcs_server.fields import asked_of_each, keep_fields
from tests.gcs_server.model import (
    WRITABLE,
    Bucket,
    Conditions,
    Failure,
    StoredObject,
    check_metadata,
)
from tests.gcs_server.wire import Request, Response, error_response

MAX_PAGE = 1000
MAX_BATCH = 100
MAX_SOURCES = 32
_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)$")
_RESTORE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/restore$")
_COMPOSE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/compose$")
_REWRITE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)$")
_UPLOAD = re.compile(r"/(?:resumable/)?upload/storage/v1/b/([^/]+)/o$")
_BUCKET = re.compile(r"/storage/v1/b/([^/]+)(/o|/iam|/iam/testPermissions|)$")


class Service:
    """Answers requests from what it holds; not thread-safe, the server serializes the calls."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.uploads: dict[str, uploads.Session] = {}
        self.write_interval_s = 0.0
        self.metadata_headers = False
        self.token = ""

    def bucket(self, name: str) -> Bucket:
        """The bucket; Failure 404."""
        found = self.buckets.get(name)
        if found is None:
            raise Failure(404, "notFound", "The specified bucket does not exist.")
        return found

    def handle(self, request: Request) -> Response:
        try:
            return self._route(request)
        except Failure as failure:
            if failure.status == 304:
                return Response(304)
            if request.query.get("alt") == "media":
                text = failure.message.encode()
                return Response(failure.status, text, content_type="text/html; charset=UTF-8")
            return error_response(failure.status, failure.reason, failure.message)

    def _route(self, request: Request) -> Response:
        path = request.path
        if path == "/token":
            return answer({"access_token": self.token, "expires_in": 3600, "token_type": "Bearer"})
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            raise Failure(401, "authError", "Invalid Credentials")
        if match := _RESTORE.match(path):
            name = unquote(match[1])
            self.allow(name, "storage.objects.restore")
            conditions = Conditions.of(request.query)
            generation = request.query.get("generation", "")
            found = self.bucket(name).restore(unquote(match[2]), generation, conditions)
            return answer(found.resource())
        if match := _COMPOSE.match(path):
            return self._compose(request, unquote(match[1]), unquote(match[2]))
        if match := _OBJECT.match(path):
            return self._object(request, unquote(match[1]), unquote(match[2]))
        if match := _UPLOAD.match(path):
            self.allow(unquote(match[1]), "storage.objects.create")
            return uploads.upload(self, request, self.bucket(unquote(match[1])))
        if match := _BUCKET.match(path):
            return self._bucket(request, unquote(match[1]), match[2])
        if match := _REWRITE.match(path):
            return self._rewrite(request, *(unquote(part) for part in match.groups()))
        if path == "/storage/v1/b":
            return self._buckets(request)
        if path == "/batch/storage/v1":
            return self._batch(request)
        if path.startswith(("/storage/", "/upload/", "/download/", "/resumable/")):
            raise Failure(404, "notFound", "Not Found")
        return media.xml(self, request)

    def allow(self, bucket: str, permission: str) -> None:
        """Failure 403 where the bucket denies the permission."""
        if permission in self.bucket(bucket).denied:
            raise Failure(
                403,
                "forbidden",
                f"labeler@example.iam.gserviceaccount.com does not have {permission} access to "
                "the Google Cloud Storage object. Permission "
                f"'{permission}' denied on resource (or it may not exist).",
            )

    # --- buckets --------------------------------------------------------------------------

    def _buckets(self, request: Request) -> Response:
        if request.method == "POST":
            asked = _json(request)
            name = asked.pop("name", "")
            if name in self.buckets:
                raise Failure(409, "conflict", "Your previous request to create the named bucket"
                              " succeeded and you already own it.")  # fmt: skip
            self.buckets[name] = Bucket(name, asked)
            return answer(self.buckets[name].resource())
        items = [self.buckets[name].resource() for name in sorted(self.buckets)]
        return answer({"kind": "storage#buckets", "items": items})

    def _bucket(self, request: Request, name: str, part: str) -> Response:
        bucket = self.bucket(name)
        if part == "/o":
            self.allow(name, "storage.objects.list")
            return answer(keep_fields(list_objects(bucket, request.query), request.query))
        if part == "/iam/testPermissions":
            pairs = [pair.partition("=") for pair in request.query_text.split("&")]
            asked = [unquote(value) for key, _, value in pairs if key == "permissions"]
            held = [permission for permission in asked if permission not in bucket.denied]
            return answer({"kind": "storage#testIamPermissionsResponse", "permissions": held})
        if part == "/iam":
            self.allow(name, "storage.buckets.getIamPolicy")
            policy = {"kind": "storage#policy", "version": 1, "etag": "CAE="}
            if request.method == "PUT":
                bucket.bindings = _json(request).get("bindings", [])
            return answer(policy | {"bindings": bucket.bindings})
        if request.method == "GET":
            self.allow(name, "storage.buckets.get")
        elif request.method == "PATCH":
            self.allow(name, "storage.buckets.update")
            bucket.settings = patched(bucket.settings, _json(request))
            bucket.metageneration += 1
        elif request.method == "DELETE":
            if bucket.live:
                raise Failure(409, "conflict", "The bucket you tried to delete is not empty.")
            del self.buckets[name]
            return Response(204)
        else:
            raise Failure(405, "methodNotAllowed", "Method Not Allowed")
        return answer(keep_fields(bucket.resource(), request.query))

    # --- objects --------------------------------------------------------------------------

    def _compose(self, request: Request, bucket_name: str, name: str) -> Response:
        """Join up to 32 objects; the answer's object has no MD5, as in Cloud Storage."""
        bucket, asked = self.bucket(bucket_name), _json(request)
        for permission in ("storage.objects.create", "storage.objects.get"):
            self.allow(bucket_name, permission)
        sources = asked.get("sourceObjects", [])
        if not 1 <= len(sources) <= MAX_SOURCES:
            raise Failure(400, "invalid", "The number of source components is not 1 to 32.")
        found = [bucket.find(one["name"], one.get("generation")) for one in sources]
        wanted = asked.get("destination", {})
        made = StoredObject(
            bucket_name,
            name,
            b"".join(one.data for one in found),
            0,
            wanted.get("contentType", ""),
            wanted.get("metadata", {}),
            kms_key=request.query.get("kmsKeyName", ""),
            components=sum(max(1, one.components) for one in found),
        )
        stored = bucket.put(made, Conditions.of(request.query), self.write_interval_s)
        return answer(stored.resource())

    def _object(self, request: Request, bucket_name: str, name: str) -> Response:
        bucket = self.bucket(bucket_name)
        query = request.query
        if request.method in ("GET", "HEAD"):
            self.allow(bucket_name, "storage.objects.get")
            found = bucket.find(name, query.get("generation"))
            Conditions.of(query).check(found)
            if query.get("alt") == "media":
                return media.media(found, request, self.metadata_headers)
            return answer(keep_fields(found.resource(), query))
        if request.method == "DELETE":
            self.allow(bucket_name, "storage.objects.delete")
            bucket.remove(name, query.get("generation"), Conditions.of(query))
            return Response(204)
        if request.method in ("PATCH", "PUT"):
            self.allow(bucket_name, "storage.objects.update")
            found = bucket.find(name, query.get("generation"))
            Conditions.of(query).check(found)
            change(found, _json(request), whole=request.method == "PUT")
            return answer(keep_fields(found.resource(), query))
        raise Failure(405, "methodNotAllowed", "Method Not Allowed")

    def _rewrite(
        self, request: Request, source: str, name: str, target: str, new_name: str
    ) -> Response:
        """Copy in one step, with the conditions on the target."""
        self.allow(target, "storage.objects.create")
        found = self.bucket(source).find(name, request.query.get("sourceGeneration"))
        made = StoredObject(target, new_name, found.data, 0, found.content_type)
        made.metadata, made.content_encoding = dict(found.metadata), found.content_encoding
        bucket = self.bucket(target)
        bucket.put(made, Conditions.of(request.query), self.write_interval_s)
        if "/copyTo/" in request.path:
            return answer(made.resource())
        size = str(len(made.data))
        return answer(
            {
                "kind": "storage#rewriteResponse",
                "done": True,
                "objectSize": size,
                "totalBytesRewritten": size,
                "resource": made.resource(),
            }
        )

    # --- batch ----------------------------------------------------------------------------

    def _batch(self, request: Request) -> Response:
        """A multipart/mixed of whole requests, answered one by one."""
        parts = uploads.split_multipart(request)
        if len(parts) > MAX_BATCH:
            raise Failure(400, "invalid", f"A batch holds at most {MAX_BATCH} requests.")
        answers = []
        for headers, payload in parts:
            head, *rest = re.split(rb"\r?\n\r?\n", payload, maxsplit=1)
            lines = head.decode().splitlines()
            method, target, *_ = lines[0].split(" ")
            inner_headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:])
            }
            path, _, query = target.partition("?")
            path = re.sub(r"^https?://[^/]+", "", path)
            response = self.handle(Request(method, path, query, inner_headers, b"".join(rest)))
            answers.append(
                b"--batch_answer\r\nContent-Type: application/http\r\n"
                b"Content-ID: <response-%b>\r\n\r\nHTTP/1.1 %d X\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b\r\n"
                % (
                    headers.get("content-id", "").strip("<>").encode(),
                    response.status,
                    len(response.body),
                    response.body,
                )
            )
        body = b"".join(answers) + b"--batch_answer--\r\n"
        return Response(200, body, content_type="multipart/mixed; boundary=batch_answer")


def _listed(
    bucket: Bucket, query: dict[str, str]
) -> tuple[Sequence[bytes], Callable[[str], Sequence[StoredObject]]]:
    """The names that are listed, sorted, and what is listed under each of them."""
    every_version = query.get("versions", "").lower() == "true"
    softly_deleted = query.get("softDeleted", "").lower() == "true"
    if every_version and softly_deleted:
        raise Failure(400, "invalid", "versions and softDeleted can't be asked for together.")
    if softly_deleted:
        return sorted(name.encode() for name in bucket.soft), bucket.soft.__getitem__
    if every_version:
        names = {*bucket.sorted_names, *(name.encode() for name in bucket.old)}
        return sorted(names), bucket.versions
    return bucket.sorted_names, lambda name: [bucket.live[name]]


def list_objects(bucket: Bucket, query: dict[str, str]) -> dict[str, Any]:
    """One page of at most 1,000 objects and common prefixes, by the UTF-8 bytes of the names."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    names, objects_of = _listed(bucket, query)
    limit = min(int(query.get("maxResults", MAX_PAGE)), MAX_PAGE)
    if limit < 1:
        raise Failure(400, "invalid", "maxResults must be positive.")
    end = query.get("endOffset", "").encode()
    start = bisect.bisect_left(names, max(prefix.encode(), query.get("startOffset", "").encode()))
    if token := query.get("pageToken"):
        start = max(start, bisect.bisect_right(names, _token_name(token)))
    fields = asked_of_each(query)
    items: list[dict[str, Any]] = []
    prefixes: list[str] = []
    last = b""
    page: dict[str, Any] = {"kind": "storage#objects"}
    for raw in names[start:]:
        name = raw.decode()
        if not name.startswith(prefix) or (end and raw >= end):
            break
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        folder = name[: cut + len(delimiter)] if cut >= 0 else ""
        if folder and prefixes and prefixes[-1] == folder:
            last = raw
            continue
        if len(items) + len(prefixes) >= limit:
            page["nextPageToken"] = base64.urlsafe_b64encode(last).decode()
            break
        last = raw
        if folder:
            prefixes.append(folder)
        else:
            items += [one.resource(fields) for one in objects_of(name)]
    if items:
        page["items"] = items
    if prefixes:
        page["prefixes"] = prefixes
    return page


def _token_name(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token)
    except ValueError as error:
        raise Failure(400, "invalidParameter", "Invalid page token.") from error


def change(found: StoredObject, asked: dict[str, Any], *, whole: bool) -> None:
    """Patch or replace an object's metadata: same generation, next metageneration."""
    metadata = {} if whole else dict(found.metadata)
    for key, value in (asked.get("metadata") or {}).items():
        metadata[key] = value
    metadata = {key: value for key, value in metadata.items() if value is not None}
    if "metadata" in asked and asked["metadata"] is None:
        metadata = {}
    check_metadata(metadata)
    found.metadata = metadata
    if "contentType" in asked:
        found.content_type = asked["contentType"]
    for key in WRITABLE:
        if asked.get(key) is not None:
            found.extra[key] = asked[key]
    found.metageneration += 1
    found.updated = datetime.now(UTC)


def patched(value: Any, changes: Any) -> Any:
    """The value after a merge patch (RFC 7396): null removes a key, objects are merged."""
    if not isinstance(changes, dict):
        return changes
    result = dict(value) if isinstance(value, dict) else {}
    for key, change_of in changes.items():
        if change_of is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), change_of)
    return result


def answer(value: Any) -> Response:
    return Response(200, json.dumps(value, separators=(",", ":")).encode())


def _json(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError as error:
        raise Failure(400, "parseError", "Parse Error") from error
    if not isinstance(value, dict):
        raise Failure(400, "parseError", "Parse Error")
    return value
