"""The strict server is as strict as Cloud Storage: what the other tests stand on."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs_server import GcsServer

from .support import BUCKET, object_url, upload

# --- preconditions ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "MEDIA", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("ifGenerationMatch={g}", True),
        ("ifGenerationMatch=1", False),
        ("ifGenerationMatch=0", False),
        ("ifGenerationNotMatch=1", True),
        ("ifMetagenerationMatch=1", True),
        ("ifMetagenerationMatch=2", False),
    ],
)
def test_a_precondition_holds_for_every_method(
    server: GcsServer,
    bucket: storage.Bucket,
    http: requests.Session,
    method: str,
    condition: str,
    holds: bool,
) -> None:
    generation = upload(bucket, "a")
    query = condition.format(g=generation) + ("&alt=media" if method == "MEDIA" else "")
    answer = http.request(
        "GET" if method == "MEDIA" else method, object_url(server, "a", query), data=b"{}"
    )
    assert answer.status_code == ((204 if method == "DELETE" else 200) if holds else 412)
    live = server.bucket(BUCKET).live
    assert ("a" in live) == (not holds or method != "DELETE")
    if not holds:
        assert (live["a"].generation, live["a"].metageneration) == (generation, 1)


def test_a_read_of_what_one_has_is_not_modified(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    generation = upload(bucket, "a")
    answer = http.get(object_url(server, "a", f"ifGenerationNotMatch={generation}"))
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024], ids=["multipart", "resumable"])
def test_a_write_names_the_generation_it_replaces(bucket: storage.Bucket, size: int) -> None:
    first = upload(bucket, "a", b"1" * size, if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        upload(bucket, "a", b"2" * size, if_generation_match=0)
    second = upload(bucket, "a", b"3" * size, if_generation_match=first)
    with pytest.raises(exceptions.PreconditionFailed):
        upload(bucket, "a", b"4" * size, if_generation_match=first)
    assert second > first
    assert bucket.blob("a").download_as_bytes() == b"3" * size


def test_a_resumable_upload_checks_again_at_its_end(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    begun = http.post(
        f"{server.url}/upload/storage/v1/b/labels/o?uploadType=resumable&ifGenerationMatch=0",
        json={"name": "a"},
    )
    upload(bucket, "a", b"other")
    ended = http.put(begun.headers["Location"], data=b"mine")
    assert ended.status_code == 412
    assert bucket.blob("a").download_as_bytes() == b"other"


def test_generations_never_come_again(bucket: storage.Bucket) -> None:
    seen = []
    for _ in range(5):
        seen.append(upload(bucket, "a", if_generation_match=0))
        bucket.blob("a").delete()
    assert seen == sorted(set(seen))


def test_of_many_creators_one_wins(bucket: storage.Bucket) -> None:
    def create(number: int) -> bool:
        try:
            upload(bucket, "a", b"%d" % number, if_generation_match=0)
        except exceptions.PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


# --- listing ------------------------------------------------------------------------------


def listed(server: GcsServer, http: requests.Session, **query: Any) -> dict[str, Any]:
    answer = http.get(f"{server.url}/storage/v1/b/labels/o", params=query)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def names(page: dict[str, Any]) -> list[str]:
    return [item["name"] for item in page.get("items", ())]


def test_a_page_has_at_most_1000_names(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: upload(bucket, f"n{number:04d}"), range(1001)))
    first = listed(server, http, maxResults=5000)
    assert len(names(first)) == 1000
    rest = listed(server, http, pageToken=first["nextPageToken"])
    assert names(rest) == ["n1000"]
    assert "nextPageToken" not in rest


def test_names_come_in_the_order_of_their_bytes(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    # By UTF-16, as some sort, the emoji would come before the full-width letter.
    expected = sorted([BUCKET, "a/b", "a", "Z", "é", "\uff21", "😀", "a-b"], key=str.encode)
    for name in reversed(expected):
        upload(bucket, name)
    assert names(listed(server, http)) == expected
    assert names(listed(server, http, startOffset="a", endOffset=BUCKET)) == ["a", "a-b", "a/b"]
    assert names(listed(server, http, prefix="a", maxResults=2)) == ["a", "a-b"]
    split = listed(server, http, delimiter="/", maxResults=4)
    assert (names(split), split["prefixes"]) == (["Z", "a", "a-b"], ["a/"])


def test_only_the_fields_that_are_asked_for_come(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    generation = upload(bucket, "a")
    page = listed(server, http, fields="items(name,generation),nextPageToken")
    assert page == {"items": [{"name": "a", "generation": str(generation)}]}


def test_old_generations_are_kept_where_versioning_is_on(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    server.bucket(BUCKET).settings["versioning"] = {"enabled": True}
    generations = [upload(bucket, "a", data) for data in (b"1", b"2")]
    bucket.blob("a").delete()
    page = listed(server, http, versions="true")
    assert [int(item["generation"]) for item in page["items"]] == generations
    assert all("timeDeleted" in item for item in page["items"])
    old = bucket.blob("a", generation=generations[0])
    assert old.download_as_bytes() == b"1"
    old.delete()  # for good
    assert len(listed(server, http, versions="true")["items"]) == 1
    assert names(listed(server, http)) == []


# --- content ------------------------------------------------------------------------------


def test_a_download_carries_generation_and_checksums_but_no_metadata(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    data = b"0123456789"
    blob = bucket.blob("a")
    blob.metadata = {"status": "done"}
    blob.upload_from_string(data, content_type="text/plain")
    url = f"{server.url}/download/storage/v1/b/labels/o/a?alt=media"
    whole, part = http.get(url), http.get(url, headers={"Range": "bytes=3-5"})
    crc32c = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    assert (whole.content, part.content, part.status_code) == (data, b"345", 206)
    assert whole.headers["X-Goog-Generation"] == str(blob.generation)
    assert whole.headers["X-Goog-Hash"] == f"crc32c={crc32c},md5={md5}"
    assert not any(name.lower().startswith("x-goog-meta-") for name in whole.headers)
    assert http.get(url, headers={"Range": "bytes=10-"}).status_code == 416


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024], ids=["multipart", "resumable"])
@pytest.mark.parametrize("field", ["crc32c", "md5_hash"])
def test_a_wrong_checksum_keeps_nothing(bucket: storage.Bucket, size: int, field: str) -> None:
    blob = bucket.blob("a")
    setattr(blob, field, "AAAAAA==")
    with pytest.raises(exceptions.BadRequest, match="match"):
        blob.upload_from_string(b"x" * size, checksum=None, retry=None)
    assert not bucket.blob("a").exists()


def test_a_patch_changes_metadata_only(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a")
    blob.metadata = {"keep": "1", "change": "1", "drop": "1"}
    blob.upload_from_string(b"x")
    generation = blob.generation
    blob.metadata = {"change": "2", "drop": None}
    blob.patch()
    blob.reload()
    assert blob.metadata == {"keep": "1", "change": "2"}
    assert (blob.generation, blob.metageneration) == (generation, 2)


@pytest.mark.parametrize(
    "resource",
    [
        {"name": "x" * 1025},
        {"name": "line\nbreak"},
        {"name": ""},
        {"name": "a", "metadata": {"k": "v" * 8192}},
        {"name": "a", "metadata": {"k": 1}},
    ],
)
@pytest.mark.parametrize("kind", ["multipart", "resumable"])
def test_what_cloud_storage_refuses_is_refused(
    server: GcsServer, http: requests.Session, resource: dict[str, Any], kind: str
) -> None:
    body = json.dumps(resource).encode()
    if kind == "multipart":
        body = b"--x\r\nContent-Type: application/json\r\n\r\n%b\r\n--x\r\n\r\ny\r\n--x--" % body
    answer = http.post(
        f"{server.url}/upload/storage/v1/b/labels/o?uploadType={kind}",
        data=body,
        headers={"Content-Type": "multipart/related; boundary=x"},
    )
    assert answer.status_code == 400
    assert not server.bucket(BUCKET).live


def test_a_resumable_upload_tells_how_far_it_is(server: GcsServer, http: requests.Session) -> None:
    unit = 256 * 1024
    url = f"{server.url}/upload/storage/v1/b/labels/o?uploadType=resumable&name=a"
    place = http.post(url).headers["Location"]

    def send(data: bytes, content_range: str) -> requests.Response:
        return http.put(
            place, data=data, headers={"Content-Range": content_range}, allow_redirects=False
        )

    assert "Range" not in send(b"", f"bytes */{unit + 5}").headers
    first = send(b"1" * unit, f"bytes 0-{unit - 1}/{unit + 5}")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{unit - 1}")
    assert send(b"", f"bytes */{unit + 5}").headers["Range"] == f"bytes=0-{unit - 1}"
    assert not server.bucket(BUCKET).live
    last = send(b"2" * 5, f"bytes {unit}-{unit + 4}/{unit + 5}")
    again = send(b"", f"bytes */{unit + 5}")
    assert last.json()["size"] == str(unit + 5)
    assert again.json() == last.json()


def test_the_key_of_the_write_or_of_the_bucket_is_recorded(
    server: GcsServer, bucket: storage.Bucket
) -> None:
    key, other = (f"projects/p/locations/l/keyRings/r/cryptoKeys/{name}" for name in "ko")
    bucket.blob("a", kms_key_name=key).upload_from_string(b"x")
    server.bucket(BUCKET).settings["encryption"] = {"defaultKmsKeyName": other}
    upload(bucket, "c")
    found = [bucket.get_blob(name).kms_key_name for name in "ac"]
    assert found == [f"{key}/cryptoKeyVersions/1", f"{other}/cryptoKeyVersions/1"]
