"""The strict server is as strict as Cloud Storage: what the other tests stand on."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import google_crc32c
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from tests.gcs_server import Fault, GcsServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(buckets=["b"]) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def bucket(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Bucket]:
    """Google's own client on the server."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    # A look-up that the client makes in a thread which outlives it.
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    client = storage.Client(project=None)
    yield client.bucket("b")
    client.close()


def put(bucket: storage.Bucket, name: str, data: bytes = b"x", **options: Any) -> int:
    blob = bucket.blob(name)
    blob.upload_from_string(data, retry=None, **options)
    return int(blob.generation)


def object_url(server: GcsServer, name: str, query: str = "") -> str:
    return f"{server.url}/storage/v1/b/b/o/{quote(name, safe='')}?{query}"


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
    generation = put(bucket, "a")
    query = condition.format(g=generation) + ("&alt=media" if method == "MEDIA" else "")
    answer = http.request(
        "GET" if method == "MEDIA" else method, object_url(server, "a", query), data=b"{}"
    )
    assert answer.status_code == ((204 if method == "DELETE" else 200) if holds else 412)
    live = server.bucket("b").live
    assert ("a" in live) == (not holds or method != "DELETE")
    if not holds:
        assert (live["a"].generation, live["a"].metageneration) == (generation, 1)


def test_a_read_of_what_one_has_is_not_modified(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    generation = put(bucket, "a")
    answer = http.get(object_url(server, "a", f"ifGenerationNotMatch={generation}"))
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("size", [10, 9 * 1024 * 1024], ids=["multipart", "resumable"])
def test_a_write_names_the_generation_it_replaces(bucket: storage.Bucket, size: int) -> None:
    first = put(bucket, "a", b"1" * size, if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "a", b"2" * size, if_generation_match=0)
    second = put(bucket, "a", b"3" * size, if_generation_match=first)
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "a", b"4" * size, if_generation_match=first)
    assert second > first
    assert bucket.blob("a").download_as_bytes() == b"3" * size


def test_a_resumable_upload_checks_again_at_its_end(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    begun = http.post(
        f"{server.url}/upload/storage/v1/b/b/o?uploadType=resumable&ifGenerationMatch=0",
        json={"name": "a"},
    )
    put(bucket, "a", b"other")
    ended = http.put(begun.headers["Location"], data=b"mine")
    assert ended.status_code == 412
    assert bucket.blob("a").download_as_bytes() == b"other"


def test_generations_never_come_again(bucket: storage.Bucket) -> None:
    seen = []
    for _ in range(5):
        seen.append(put(bucket, "a", if_generation_match=0))
        bucket.blob("a").delete()
    assert seen == sorted(set(seen))


def test_of_many_creators_one_wins(bucket: storage.Bucket) -> None:
    def create(number: int) -> bool:
        try:
            put(bucket, "a", b"%d" % number, if_generation_match=0)
        except exceptions.PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


# --- listing ------------------------------------------------------------------------------


def listed(server: GcsServer, http: requests.Session, **query: Any) -> dict[str, Any]:
    answer = http.get(f"{server.url}/storage/v1/b/b/o", params=query)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def names(page: dict[str, Any]) -> list[str]:
    return [item["name"] for item in page.get("items", ())]


def test_a_page_has_at_most_1000_names(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(bucket, f"n{number:04d}"), range(1001)))
    first = listed(server, http, maxResults=5000)
    assert len(names(first)) == 1000
    rest = listed(server, http, pageToken=first["nextPageToken"])
    assert names(rest) == ["n1000"]
    assert "nextPageToken" not in rest


def test_names_come_in_the_order_of_their_bytes(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    # By UTF-16, as some sort, the emoji would come before the full-width letter.
    expected = sorted(["b", "a/b", "a", "Z", "é", "\uff21", "😀", "a-b"], key=str.encode)
    for name in reversed(expected):
        put(bucket, name)
    assert names(listed(server, http)) == expected
    assert names(listed(server, http, startOffset="a", endOffset="b")) == ["a", "a-b", "a/b"]
    assert names(listed(server, http, prefix="a", maxResults=2)) == ["a", "a-b"]
    split = listed(server, http, delimiter="/", maxResults=4)
    assert (names(split), split["prefixes"]) == (["Z", "a", "a-b"], ["a/"])


def test_only_the_fields_that_are_asked_for_come(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    generation = put(bucket, "a")
    page = listed(server, http, fields="items(name,generation),nextPageToken")
    assert page == {"items": [{"name": "a", "generation": str(generation)}]}


def test_old_generations_are_kept_where_versioning_is_on(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    server.bucket("b").settings["versioning"] = {"enabled": True}
    generations = [put(bucket, "a", data) for data in (b"1", b"2")]
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
    url = f"{server.url}/download/storage/v1/b/b/o/a?alt=media"
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
        f"{server.url}/upload/storage/v1/b/b/o?uploadType={kind}",
        data=body,
        headers={"Content-Type": "multipart/related; boundary=x"},
    )
    assert answer.status_code == 400
    assert not server.bucket("b").live


def test_a_resumable_upload_tells_how_far_it_is(server: GcsServer, http: requests.Session) -> None:
    unit = 256 * 1024
    url = f"{server.url}/upload/storage/v1/b/b/o?uploadType=resumable&name=a"
    place = http.post(url).headers["Location"]

    def send(data: bytes, content_range: str) -> requests.Response:
        return http.put(
            place, data=data, headers={"Content-Range": content_range}, allow_redirects=False
        )

    assert "Range" not in send(b"", f"bytes */{unit + 5}").headers
    first = send(b"1" * unit, f"bytes 0-{unit - 1}/{unit + 5}")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{unit - 1}")
    assert send(b"", f"bytes */{unit + 5}").headers["Range"] == f"bytes=0-{unit - 1}"
    assert not server.bucket("b").live
    last = send(b"2" * 5, f"bytes {unit}-{unit + 4}/{unit + 5}")
    again = send(b"", f"bytes */{unit + 5}")
    assert last.json()["size"] == str(unit + 5)
    assert again.json() == last.json()


def test_the_key_of_the_write_or_of_the_bucket_is_recorded(
    server: GcsServer, bucket: storage.Bucket
) -> None:
    key, other = (f"projects/p/locations/l/keyRings/r/cryptoKeys/{name}" for name in "ko")
    bucket.blob("a", kms_key_name=key).upload_from_string(b"x")
    server.bucket("b").settings["encryption"] = {"defaultKmsKeyName": other}
    put(bucket, "c")
    found = [bucket.get_blob(name).kms_key_name for name in "ac"]
    assert found == [f"{key}/cryptoKeyVersions/1", f"{other}/cryptoKeyVersions/1"]


# --- the bucket ---------------------------------------------------------------------------


def test_a_bucket_shows_and_changes_its_settings(server: GcsServer, bucket: storage.Bucket) -> None:
    server.bucket("b").settings["lifecycle"] = {
        "rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]
    }
    bucket.reload()
    assert len(list(bucket.lifecycle_rules)) == 1
    assert bucket.iam_configuration.uniform_bucket_level_access_enabled
    assert not bucket.versioning_enabled
    bucket.versioning_enabled = True
    bucket.patch()
    assert server.bucket("b").settings["versioning"] == {"enabled": True}


def test_a_retention_policy_forbids_to_replace_and_delete(
    server: GcsServer, bucket: storage.Bucket
) -> None:
    put(bucket, "a")
    server.bucket("b").settings["retentionPolicy"] = {"retentionPeriod": "3600"}
    with pytest.raises(exceptions.Forbidden, match="retention policy"):
        put(bucket, "a")
    with pytest.raises(exceptions.Forbidden, match="retention policy"):
        bucket.blob("a").delete()


def test_what_is_denied_is_refused_and_not_held(server: GcsServer, bucket: storage.Bucket) -> None:
    server.bucket("b").denied = {"storage.objects.create", "storage.objects.get"}
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.create"):
        put(bucket, "a")
    asked = ["storage.objects.create", "storage.objects.list"]
    assert bucket.test_iam_permissions(asked) == ["storage.objects.list"]


def test_a_missing_bucket_and_a_missing_object_are_told_apart(
    server: GcsServer, bucket: storage.Bucket
) -> None:
    with pytest.raises(exceptions.NotFound, match="No such object: b/a"):
        bucket.blob("a").reload()
    server.drop_bucket("b")
    with pytest.raises(exceptions.NotFound, match="bucket does not exist"):
        bucket.blob("a").reload()


def test_objects_are_written_at_most_once_in_an_interval(
    bucket: storage.Bucket, server: GcsServer
) -> None:
    with GcsServer(buckets=["b"], write_interval_s=60) as slow, requests.Session() as http:
        url = f"{slow.url}/upload/storage/v1/b/b/o?uploadType=media&name="
        answers = [http.post(url + name, data=b"x").status_code for name in ("a", "a", "c")]
    assert answers == [200, 429, 200]


# --- faults -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "seen", "landed"),
    [
        (Fault("status", 503), 503, False),
        (Fault("status", 429), 429, False),
        (Fault("status_after", 503), 503, True),
        (Fault("reset"), "connection", False),
        (Fault("reset_after"), "connection", True),
        (Fault("cut"), "connection", True),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else None,
)
def test_a_fault_does_what_it_says_once(
    server: GcsServer, http: requests.Session, fault: Fault, seen: object, landed: bool
) -> None:
    server.faults.add(fault, method="POST", path="/upload/")
    url = f"{server.url}/upload/storage/v1/b/b/o?uploadType=media&name=a"
    try:
        met: object = http.post(url, data=b"x").status_code
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        met = "connection"
    assert met == seen
    assert ("a" in server.bucket("b").live) == landed
    assert server.faults.met == 1
    assert http.post(url, data=b"x").status_code == 200


def test_a_fault_may_wait_for_the_nth_request(server: GcsServer, http: requests.Session) -> None:
    server.faults.add(Fault("status"), path="/o", skip=1, times=2)
    url = f"{server.url}/storage/v1/b/b/o"
    assert [http.get(url).status_code for _ in range(4)] == [200, 503, 503, 200]


def test_a_delay_holds_up_no_other_request(server: GcsServer, http: requests.Session) -> None:
    server.faults.add(Fault("delay", seconds=1), path="slow")
    url = f"{server.url}/storage/v1/b/b/o?prefix="
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(requests.get, url + "slow")
        while not server.faults.met:
            time.sleep(0.01)
        assert http.get(url).status_code == 200
        assert not slow.done()
        assert slow.result().status_code == 200


def test_a_garbled_body_keeps_its_length_and_its_checksum(
    server: GcsServer, bucket: storage.Bucket, http: requests.Session
) -> None:
    put(bucket, "a", b"abc")
    server.faults.add(Fault("garble"))
    garbled, whole = (http.get(object_url(server, "a", "alt=media")) for _ in range(2))
    assert garbled.content != whole.content
    assert garbled.headers["X-Goog-Hash"] == whole.headers["X-Goog-Hash"]


def test_a_storm_is_the_same_from_the_same_seed(server: GcsServer, http: requests.Session) -> None:
    def weather(seed: int) -> list[int]:
        server.faults.storm(seed, 0.5, [Fault("status", 503), Fault("status", 429)])
        return [http.get(object_url(server, "a")).status_code for _ in range(30)]

    first, other = weather(1), weather(2)
    assert first == weather(1) != other
    assert set(first) == {404, 429, 503}


# --- other clients ------------------------------------------------------------------------


def test_google_copies_and_deletes_in_batches(bucket: storage.Bucket) -> None:
    for name in "abc":
        put(bucket, name)
    copy = bucket.copy_blob(bucket.blob("a"), bucket, "d")
    assert copy.name == "d"
    with bucket.client.batch():
        for name in "ab":
            bucket.blob(name).delete()
    assert [blob.name for blob in bucket.list_blobs()] == ["c", "d"]


def test_gcsfs_works_on_it(server: GcsServer) -> None:
    code = f"""
import gcsfs
files = gcsfs.GCSFileSystem(token="anon", endpoint_url={server.url!r}, use_listings_cache=False)
files.pipe("b/folder/one", b"1")
files.pipe("b/folder/two", b"2")
assert files.ls("b/folder") == ["b/folder/one", "b/folder/two"]
assert files.cat(["b/folder/one", "b/folder/two"]) == {{"b/folder/one": b"1", "b/folder/two": b"2"}}
files.rm("b/folder", recursive=True)
assert files.find("b") == []
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_it_runs_in_a_process_of_its_own(http: requests.Session) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.gcs_server", "--bucket", "b"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().strip()
        assert http.get(f"{url}/storage/v1/b/b").json()["name"] == "b"
        process.stdin.close()
        assert process.wait(10) == 0
