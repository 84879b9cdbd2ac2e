"""Bytes of objects: media downloads of the JSON API, and the part of the XML API that obstore uses.

As on Cloud Storage, a media download of the JSON API carries generation, checksums and length in
its headers but no custom metadata; the XML API carries that too.
"""

from __future__ import annotations

import re
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from tests.gcs_server.model import Conditions, Failure, StoredObject
from tests.gcs_server.wire import Request, Response

if TYPE_CHECKING:
    from tests.gcs_server.service import Service


def media(found: StoredObject, request: Request, metadata_headers: bool) -> Response:
    """The whole object, or the range that the request names."""
    headers = {
        "ETag": f"C{found.generation}/{found.metageneration}",
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Hash": f"crc32c={found.crc32c}" + (f",md5={found.md5}" if found.md5 else ""),
        "X-Goog-Storage-Class": "STANDARD",
        "X-Goog-Stored-Content-Length": str(len(found.data)),
        "X-Goog-Stored-Content-Encoding": found.content_encoding or "identity",
        "Last-Modified": format_datetime(found.updated.replace(microsecond=0), usegmt=True),
    }
    if found.content_encoding:
        headers["Content-Encoding"] = found.content_encoding
    if metadata_headers:
        for key, value in found.metadata.items():
            headers[f"x-goog-meta-{key}"] = quote(value, safe=" !#$&'()*+,/:;=?@[]~%")
    text = request.headers.get("range")
    if text is None:
        return Response(200, found.data, headers, found.content_type)
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", text)
    size = len(found.data)
    if match is None or int(match[1]) >= size:
        raise Failure(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    first = int(match[1])
    last = min(int(match[2] or size), size - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(206, found.data[first : last + 1], headers, found.content_type)


def xml(service: Service, request: Request) -> Response:
    """GET, HEAD, PUT and DELETE of an object, and the listing of a bucket."""
    bucket_name, _, raw_name = request.path.lstrip("/").partition("/")
    try:
        bucket = service.bucket(unquote(bucket_name))
        name = unquote(raw_name)
        if not name:
            return _xml_list(service, request, bucket.name)
        named = request.headers.get("x-goog-if-generation-match")
        conditions = Conditions.of({} if named is None else {"ifGenerationMatch": named})
        if request.method in ("GET", "HEAD"):
            found = bucket.find(name, request.query.get("generation"))
            conditions.check(found)
            return media(found, request, metadata_headers=True)
        if request.method == "PUT":
            kind = request.headers.get("content-type") or "application/octet-stream"
            made = StoredObject(bucket.name, name, request.body, 0, kind)
            bucket.put(made, conditions, service.write_interval_s)
            return Response(200, b"", {"ETag": f'"{made.md5}"',
                                       "x-goog-generation": str(made.generation)})  # fmt: skip
        if request.method == "DELETE":
            bucket.remove(name, request.query.get("generation"), conditions)
            return Response(204)
        raise Failure(405, "MethodNotAllowed", "Method Not Allowed")
    except Failure as failure:
        body = (
            f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{failure.reason}</Code>"
            f"<Message>{escape(failure.message)}</Message></Error>"
        )
        return Response(
            failure.status, body.encode(), content_type="application/xml; charset=UTF-8"
        )


def _xml_list(service: Service, request: Request, bucket_name: str) -> Response:
    from tests.gcs_server.service import list_objects

    query = request.query
    asked = {
        name: query[key]
        for key, name in (
            ("prefix", "prefix"),
            ("delimiter", "delimiter"),
            ("continuation-token", "pageToken"),
            ("max-keys", "maxResults"),
        )
        if query.get(key)
    }
    if after := query.get("start-after"):
        asked["startOffset"] = after + "\x00"
    page = list_objects(service.bucket(bucket_name), asked)
    more = page.get("nextPageToken")
    body = [
        "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult>",
        f"<Name>{escape(bucket_name)}</Name><IsTruncated>{str(bool(more)).lower()}</IsTruncated>",
    ]
    if more:
        body.append(f"<NextContinuationToken>{more}</NextContinuationToken>")
    for name in page.get("prefixes", ()):
        body.append(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>")
    for item in page.get("items", ()):
        body.append(
            f"<Contents><Key>{escape(item['name'])}</Key><Generation>{item['generation']}"
            f"</Generation><LastModified>{item['updated']}</LastModified>"
            f"<ETag>&quot;{item['etag']}&quot;</ETag><Size>{item['size']}</Size></Contents>"
        )
    body.append("</ListBucketResult>")
    return Response(200, "".join(body).encode(), content_type="application/xml; charset=UTF-8")
