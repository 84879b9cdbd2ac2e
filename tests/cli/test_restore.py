"""`restore`: what a bucket remembers comes back, and nothing else is lost by it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.model.document import Rect
from labeler.model.layout import REGISTRY_KEY, document_key
from labeler.model.reviews import Verdict, reviewed
from tests.cli.support import Run, labeled
from tests.gcs_server import Bucket, GcsServer
from tests.gcs_server.model import Conditions
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, with_boxes

NOW = datetime.now(UTC)
NOON = NOW - timedelta(hours=2)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels", "pictures"]) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        monkeypatch.setenv("LABELER_STORAGE", "gs://labels/team")
        yield running


@pytest.fixture
def bucket(server: GcsServer) -> Bucket:
    found = server.bucket("labels")
    found.settings["versioning"] = {"enabled": True}
    return found


@pytest.fixture
def place(bucket: Bucket) -> Iterator[Workspace]:
    made = Workspace("gs://labels/team")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def bucket_first(run: Run, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` is for a folder alone."""
    monkeypatch.setenv("LABELER_STORAGE", "gs://labels/team")


def age(bucket: Bucket, hours: float) -> None:
    """Let everything that the bucket holds be so much older."""
    past = timedelta(hours=hours)
    for name in {*bucket.live, *bucket.old}:
        for one in bucket.versions(name):
            one.created -= past
            one.deleted = one.deleted and one.deleted - past
    for gone in bucket.soft.values():
        for one in gone:
            one.created -= past
            one.deleted = one.deleted and one.deleted - past
            one.soft_deleted = one.soft_deleted and one.soft_deleted - past


def draw(place: Workspace, image_id: str, *rects: Rect) -> None:
    project = place.open()
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, *rects), opened, by="ben")


def objects(place: Workspace) -> dict[str, bytes]:
    return {key: data for key, (data, _) in place.objects().items()}


def test_the_project_comes_back_and_nothing_is_destroyed(
    run: Run, bucket: Bucket, place: Workspace
) -> None:
    """Spoilt, deleted and lost: documents, labels and originals are as they were at noon."""
    first, second = labeled(place)
    place.open().labels.add(["car"])
    at_noon = objects(place)
    age(bucket, 3)
    draw(place, first)
    place.remove(document_key(second))
    place.remove("labels.json")
    place.remove("uploads/b.png")
    new = place.open().add_image("new.png", png(32, 32)).image_id
    age(bucket, 0.5)
    spoilt = objects(place)
    generations = {name: len(bucket.versions(name)) for name in {*bucket.live, *bucket.old}}

    told = run("restore", "--at", NOON.isoformat(), "--dry-run")
    assert told.code == 0
    assert objects(place) == spoilt
    done = run("restore", "--at", NOON.isoformat())
    assert done.code == 0
    assert done.out == told.out.replace("would be restored", "restored")
    assert done.out.count("restored, as written") == 4
    after = objects(place)
    assert {key: after[key] for key in at_noon} == at_noon
    assert after.keys() - at_noon.keys() == {document_key(new), "uploads/new.png"}
    assert f"{document_key(new)}\thas no version from then, and stays" in done.out
    for name, number in generations.items():
        assert len(bucket.versions(name)) in (number, number + 1)
    assert sum(len(bucket.versions(name)) for name in generations) == sum(generations.values()) + 4
    listed = {entry.image_id: entry.rects for entry in place.open().list_images()}
    assert (listed[first], listed[second]) == (2, 1)
    assert run("check", LABELS="car,dog").code == 0
    again = run("restore", "--at", NOON.isoformat())
    assert "restored, as written" not in again.out


def test_the_index_shows_what_came_back(
    run: Run, bucket: Bucket, place: Workspace, tmp_path: Path
) -> None:
    index = f"sqlite:///{tmp_path}/index.sqlite"
    first, _ = labeled(place)
    age(bucket, 3)
    draw(place, first)
    assert run("index", "sync", INDEX=index).code == 0
    boxes = [line.split("\t")[2] for line in run("list", INDEX=index).out.splitlines()]
    assert "2" not in boxes
    assert run("restore", "--at", NOON.isoformat(), "--dry-run", INDEX=index).code == 0
    assert run("list", INDEX=index).out.split("\t")[2] == "0"
    assert run("restore", "--at", NOON.isoformat(), INDEX=index).code == 0
    boxes = [line.split("\t")[2] for line in run("list", INDEX=index).out.splitlines()]
    assert "2" in boxes
    assert "0 rows written" in run("index", "sync", INDEX=index).out


def test_a_restore_succeeds_while_the_index_is_away(
    run: Run, bucket: Bucket, place: Workspace
) -> None:
    first, _ = labeled(place)
    age(bucket, 3)
    draw(place, first)
    done = run("restore", "--at", NOON.isoformat(), INDEX="postgresql+psycopg://a@127.0.0.1:1/b")
    assert done.code == 0
    assert "The index of images does not show this yet" in done.err
    assert "2" in [line.split("\t")[2] for line in run("list").out.splitlines()]


@pytest.mark.parametrize("versioning", [False, True])
def test_numbers_that_were_given_since_then_stay(
    run: Run, bucket: Bucket, place: Workspace, versioning: bool
) -> None:
    """Another image under a number of an export would be taken for the one in it."""
    bucket.settings["versioning"] = {"enabled": versioning}
    bucket.soft_deletes = True
    labeled(place)
    open_exporter(place.open()).write()
    at_noon = objects(place)[REGISTRY_KEY]
    age(bucket, 3)
    place.open().add_image("c.png", png(32, 32))
    open_exporter(place.open()).write()
    given = objects(place)[REGISTRY_KEY]
    assert given != at_noon
    age(bucket, 0.5)
    done = run("restore", "--at", NOON.isoformat())
    assert (done.code, REGISTRY_KEY in done.out) == (0, False)
    assert objects(place)[REGISTRY_KEY] == given
    place.put(REGISTRY_KEY, b"[")
    assert f"{REGISTRY_KEY}\trestored" in run("restore", "--at", NOON.isoformat()).out
    assert objects(place)[REGISTRY_KEY] == at_noon


def test_one_document_comes_back(run: Run, bucket: Bucket, place: Workspace) -> None:
    first, second = labeled(place)
    age(bucket, 3)
    draw(place, first, OTHER)
    draw(place, second, OTHER)
    done = run("restore", "--at", NOON.isoformat(), first)
    assert (done.code, len(done.out.splitlines())) == (0, 1)
    assert place.open().open_document(first).document.rects == (BOX, OTHER)
    assert place.open().open_document(second).document.rects == (OTHER,)


def test_an_approved_document_stays_until_it_is_reopened(
    run: Run, bucket: Bucket, place: Workspace
) -> None:
    image_id, other = labeled(place)
    age(bucket, 3)
    project = place.open()
    for one in (image_id, other):
        draw(place, one, OTHER)
    opened = project.stored_document(image_id)
    approved = reviewed(opened.document, Verdict.APPROVE, "rob", project.clock())
    project.put_document(image_id, approved, opened.version)
    before = objects(place)
    for options in (("--dry-run",), ()):
        done = run("restore", "--at", NOON.isoformat(), *options)
        assert done.code == 1
        assert f"annotations/{image_id}.json is approved and stays" in done.err
    key = f"annotations/{image_id}.json"
    assert objects(place)[key] == before[key]
    assert objects(place) != before


def test_boxes_of_an_open_page_are_merged_with_what_came_back(
    run: Run, bucket: Bucket, place: Workspace
) -> None:
    first, _ = labeled(place)
    age(bucket, 3)
    draw(place, first)
    page = place.open()
    opened = page.open_document(first)
    assert run("restore", "--at", NOON.isoformat(), first).code == 0
    box = BOX.model_copy(update={"id": "mine", "left": 5.0})
    page.save_document(first, with_boxes(opened, box), opened, by="ana")
    assert set(place.open().open_document(first).document.rects) == {BOX, OTHER, box}


@pytest.mark.parametrize("versioning", [False, True])
def test_what_was_deleted_for_good_comes_back_from_soft_delete(
    run: Run, bucket: Bucket, place: Workspace, versioning: bool
) -> None:
    """A bucket as Google makes it, without versions; and one whose old versions were deleted."""
    bucket.settings["versioning"] = {"enabled": versioning}
    bucket.soft_deletes = True
    first, second = labeled(place)
    at_noon = objects(place)
    age(bucket, 3)
    draw(place, first)
    place.remove(document_key(second))
    if versioning:
        for name, states in list(bucket.old.items()):
            for one in list(states):
                bucket.remove(name, str(one.generation), Conditions())
    age(bucket, 0.5)
    done = run("restore", "--at", NOON.isoformat())
    assert (done.code, done.out.count("restored, as written")) == (0, 2)
    assert objects(place) == at_noon
    assert [entry.rects for entry in place.open().list_images()] == [2, 1]
    assert "metadata" not in run("check", LABELS="car,dog").err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="the command gcloud is not installed")
def test_google_s_command_brings_one_object_back(
    server: GcsServer, bucket: Bucket, place: Workspace, tmp_path: Path
) -> None:
    """As docs/disaster.md has it."""
    bucket.settings["versioning"] = {"enabled": False}
    bucket.soft_deletes = True
    first, _ = labeled(place)
    key = document_key(first)
    kept = objects(place)[key]
    place.remove(key)
    environ = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{server.url}/storage/v1/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": "project",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }

    def gcloud(*arguments: str) -> str:
        done = subprocess.run(
            ["gcloud", "storage", *arguments],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = gcloud("ls", "--soft-deleted", "gs://labels/team/annotations/**").split()
    states = [name for name in listed if name.startswith(f"gs://labels/team/{key}#")]
    gcloud("restore", max(states, key=lambda name: int(name.rpartition("#")[2])))
    assert objects(place)[key] == kept


def test_originals_in_a_bucket_of_their_own_come_back(
    run: Run, server: GcsServer, bucket: Bucket
) -> None:
    pictures = server.bucket("pictures")
    pictures.settings["versioning"] = {"enabled": True}
    place = Workspace("gs://labels/team", UPLOADS="gs://pictures")
    labeled(place)
    for one in (bucket, pictures):
        age(one, 3)
    kept = pictures.live["b.png"].data
    pictures.remove("b.png", None, Conditions())
    done = run("restore", "--at", NOON.isoformat(), UPLOADS="gs://pictures")
    assert (done.code, done.out.count("restored, as written")) == (0, 1)
    assert pictures.live["b.png"].data == kept
    place.close()


def test_what_was_never_there_is_reported(run: Run, bucket: Bucket, place: Workspace) -> None:
    first, _ = labeled(place)
    long_ago = (NOW - timedelta(days=400)).isoformat()
    done = run("restore", "--at", long_ago, first)
    assert done.code == 1
    assert f"No version of {document_key(first)} is kept from then" in done.err


@pytest.mark.parametrize("time", ["yesterday", "2999-01-01", ""])
def test_a_wrong_time_is_wrong_usage(run: Run, time: str) -> None:
    assert run("restore", "--at", time).code == 2


def test_a_time_without_offset_is_utc(run: Run, bucket: Bucket, place: Workspace) -> None:
    first, _ = labeled(place)
    age(bucket, 3)
    draw(place, first)
    plain = NOON.replace(tzinfo=None, microsecond=0).isoformat()
    assert "restored, as written" in run("restore", "--at", plain, "--dry-run").out


def test_a_folder_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELER_STORAGE", str(tmp_path))
    done = run("restore", "--at", NOON.isoformat())
    assert done.code == 1
    assert "put the files back from your backup" in done.err
