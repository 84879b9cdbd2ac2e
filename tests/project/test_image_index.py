"""The list of images: true whoever wrote what, quick, and never stopped by one bad object."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from labeler.errors import NotFound, StillListing, Unavailable
from labeler.image_names import name_size_id
from labeler.model.document import AnnotationDocument, Status, dump_document, parse_document
from labeler.model.label_edits import renamed
from labeler.model.labels import LabelSet
from labeler.model.layout import document_key, is_image_id
from labeler.project import image_entry, store_index
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Dimension
from labeler.project.image_entry import ImageEntry, document_metadata
from labeler.project.originals import Uploads
from labeler.project.store_index import StoreIndex
from labeler.settings import ImageIdStrategy, Location
from labeler.storage import ABSENT, Page, Store, Version, open_store
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import BOX, old_document
from tests.waiting import settled

ID = "0" * 31 + "a"
OTHER_ID = "0" * 31 + "b"


class Watched:
    """A store that counts what is asked of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lists = 0
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        self.lists += 1
        return self._store.list(prefix, after=after, limit=limit)

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        for key, data, version in self._store.read_many(keys):
            self.read.append(key)
            yield key, data, version


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: GcsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Store]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    server.create_bucket("labels")
    on_folder = request.param == "folder"
    opened = open_store(Location("", str(tmp_path)) if on_folder else Location("labels", ""))
    yield opened
    opened.close()
    server.drop_bucket("labels")


def look(
    store: Store,
    strategy: ImageIdStrategy = ImageIdStrategy.NAME_SIZE,
    *,
    originals: bool = True,
    secret: bytes = b"secret",
) -> StoreIndex:
    uploads = Uploads(store, "uploads/") if originals else None
    return StoreIndex(store, uploads, strategy, secret)


def document(image_path: str = "a.png", **metadata: str) -> AnnotationDocument:
    values = {"rects": [BOX.model_dump()], "image_path": image_path, "metadata": metadata}
    return AnnotationDocument.model_validate(values)


def save(
    store: Store,
    image_id: str,
    data: bytes,
    metadata: Mapping[str, str] | None = None,
    version: Version | None = None,
) -> Version:
    return store.write(document_key(image_id), data, replaces=version or ABSENT, metadata=metadata)


def save_sealed(store: Store, image_id: str, one: AnnotationDocument) -> Version:
    data = dump_document(one)
    return save(store, image_id, data, document_metadata(one, data))


def put(store: Store, key: str, data: bytes, **metadata: str) -> None:
    store.write(key, data, replaces=ABSENT, metadata=metadata)


# --- ids and keys -------------------------------------------------------------------------


@pytest.mark.parametrize("image_id", ["a", "0" * 32, "f" * 64, "my-image_1", "a" * 128])
def test_an_id_names_a_document(image_id: str) -> None:
    assert is_image_id(image_id)
    assert document_key(image_id) == f"annotations/{image_id}.json"


@pytest.mark.parametrize(
    "image_id", ["", "A", "a/b", "..", "a.json", "-a", "_a", "a" * 129, "é", "a\n", "a b"]
)
def test_what_is_no_id_names_nothing(image_id: str) -> None:
    assert not is_image_id(image_id)
    with pytest.raises(NotFound):
        document_key(image_id)


# --- what is listed -----------------------------------------------------------------------


def test_an_empty_place_has_no_images(store: Store) -> None:
    assert look(store).entries() == []
    assert look(store).find(ID) is None


def test_a_listing_alone_tells_what_we_saved(store: Store) -> None:
    one = document("é 猫.png", status="done", saved_at="2024-05-06T07:08:09+00:00", saved_by="ana")
    save_sealed(store, ID, one)
    watched = Watched(store)
    [entry] = look(any_store(watched)).entries()
    assert entry == ImageEntry(ID, "é 猫.png", Status.DONE, 1, "2024-05-06T07:08:09+00:00", "ana")
    assert watched.read == []


def any_store(watched: Any) -> Any:
    """The wrapper passes on whatever it does not count."""
    return watched


def test_long_texts_do_not_keep_a_document_from_being_saved(store: Store) -> None:
    one = document("猫" * 5000, status="done", saved_at="x" * 5000, saved_by="é" * 5000)
    save_sealed(store, ID, one)
    [entry] = look(store).entries()
    assert entry.image_path == "猫" * 300
    assert (entry.status, entry.rects, entry.problem) == (Status.DONE, 1, "")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"status": "done"},
        {"image_path": "b.png", "status": "done", "rects": "7", "saved_at": "", "saved_by": ""},
        {"image_path": "b.png", "status": "?", "rects": "x", "seal": "0" * 16},
    ],
)
def test_wrong_metadata_is_not_trusted(store: Store, metadata: dict[str, str]) -> None:
    save(store, ID, dump_document(document("a.png", status="skipped")), metadata)
    [entry] = look(store).entries()
    assert (entry.image_path, entry.status, entry.rects) == ("a.png", Status.SKIPPED, 1)


def test_metadata_of_an_earlier_state_is_not_trusted(store: Store) -> None:
    """Another program edits the document and keeps the metadata, as tools for buckets can."""
    before, after = document("a.png", status="done"), document("a.png", status="returned")
    data = dump_document(before)
    version = save_sealed(store, ID, before)
    save(store, ID, dump_document(after), document_metadata(before, data), version)
    [entry] = look(store).entries()
    assert entry.status is Status.RETURNED


def test_a_sealed_status_of_a_newer_labeler_is_read_from_the_document(store: Store) -> None:
    one = document("a.png")
    data = dump_document(one)
    metadata = document_metadata(one, data) | {"status": "escalated"}
    metadata["seal"] = image_entry._seal(metadata, hashlib.md5(data).hexdigest())
    save(store, ID, data, metadata)
    [entry] = look(store).entries()
    assert (entry.status, entry.rects, entry.problem) == (Status.IN_PROGRESS, 1, "")


def test_metadata_that_was_changed_alone_is_not_trusted(store: Store) -> None:
    one = document("a.png", status="skipped")
    data = dump_document(one)
    save(store, ID, data, document_metadata(one, data) | {"status": "done"})
    [entry] = look(store).entries()
    assert entry.status is Status.SKIPPED


def test_a_document_without_metadata_is_read_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    version = save(store, ID, old_document("a.png"))
    watched = Watched(store)
    seen = look(any_store(watched))
    for _ in range(3):
        [entry] = seen.entries()
        assert (entry.image_path, entry.rects) == ("a.png", 2)
    assert watched.read == [document_key(ID)]
    save(store, ID, old_document("b.png"), version=version)
    [entry] = seen.entries()
    assert entry.image_path == "b.png"
    assert watched.read == [document_key(ID)] * 2


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'{"metadata": {"version": "2.0"}}', b'{"rects": {}}']
)
def test_a_damaged_document_is_listed_with_its_problem(store: Store, data: bytes) -> None:
    save(store, ID, data)
    save(store, OTHER_ID, old_document("a.png"))
    damaged, good = sorted(look(store).entries(), key=lambda entry: entry.image_id)
    assert document_key(ID) in damaged.problem
    assert (good.problem, good.rects) == ("", 2)


def test_a_later_listing_changes_no_entry_that_somebody_has(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged document's entry is remembered, and its original is added to it each time."""
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    seen = look(store)
    save(store, ID, b"{")
    save_sealed(store, OTHER_ID, document("b.png"))
    given: list[list[ImageEntry]] = []
    keys = [f"uploads/{number}.png" for number in range(3)]
    for key in keys:
        for image_id, name in ((ID, key), (OTHER_ID, f"{key}.png")):
            put(store, name, b"bytes", image_id=image_id)
        given.append(sorted(seen.entries(), key=lambda entry: entry.image_id))
        for name in (key, f"{key}.png"):
            store.delete(name, version=store.info(name).version)
    originals = [[entry.original for entry in entries] for entries in given]
    assert originals == [[key, f"{key}.png"] for key in keys]


def test_what_is_no_document_is_not_listed(store: Store) -> None:
    for name in ("README.txt", "A.json", "sub/a.json", "a.json.bak", ".json", "-.json"):
        put(store, f"annotations/{name}", b"{}")
    put(store, "elsewhere/a.json", b"{}")
    put(store, "labels.json", b"{}")
    assert look(store).entries() == []


def test_images_are_in_the_order_of_their_names(store: Store) -> None:
    for number, name in enumerate(["b.png", "a.png", "é.png", "B.png", "a.png"]):
        save_sealed(store, f"{number}", document(name))
    found = [(entry.image_path, entry.image_id) for entry in look(store).entries()]
    assert found == [("B.png", "3"), ("a.png", "1"), ("a.png", "4"), ("b.png", "0"), ("é.png", "2")]


# --- originals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a.png", "a.JPG", "x/y/a.jpeg", "a.b.webp", "a.TIFF", "猫.gif", "a b.bmp", "a.tif"]
)
def test_an_original_is_an_image(store: Store, name: str) -> None:
    put(store, f"uploads/{name}", b"bytes")
    [entry] = look(store).entries()
    wanted = name_size_id(name.rpartition("/")[2], 5)
    assert entry == ImageEntry(
        wanted, name, Status.UNLABELED, 0, "", "", original=f"uploads/{name}"
    )
    assert look(store, originals=False).entries() == []


@pytest.mark.parametrize("name", ["photo", "cam1/0001", "a.jpg_large", "a.jpg?w=80", "a.b"])
def test_a_name_that_says_nothing_leaves_it_to_the_bytes(store: Store, name: str) -> None:
    data = png()
    put(store, f"uploads/{name}", data)
    put(store, f"uploads/{name}.of something else", b"bytes")
    watched = Watched(store)
    seen = look(any_store(watched))
    for _ in range(2):
        [entry] = seen.entries()
        assert entry.image_id == name_size_id(name.rpartition("/")[2], len(data))
        assert (entry.image_path, entry.original) == (name, f"uploads/{name}")
        seen.expire()


@pytest.mark.parametrize("name", ["a.png.part", "a.crdownload", ".a.XyZ", "a.jpg.tmp"])
def test_an_image_on_its_way_is_not_taken_yet(store: Store, name: str) -> None:
    put(store, f"uploads/{name}", png())
    assert look(store).entries() == []


@pytest.mark.parametrize("name", ["a.txt", "a", "png", "a.png.part", "a.json", "Thumbs.db"])
def test_other_files_are_no_images(store: Store, name: str) -> None:
    put(store, f"uploads/{name}", b"bytes")
    assert look(store).entries() == []


@pytest.mark.parametrize("strategy", ImageIdStrategy)
def test_ids_of_originals_follow_the_strategy(store: Store, strategy: ImageIdStrategy) -> None:
    data = png()
    put(store, "uploads/a.png", data)
    [entry] = look(store, strategy).entries()
    wanted = {
        ImageIdStrategy.NAME_SIZE: name_size_id("a.png", len(data)),
        ImageIdStrategy.CONTENT: hashlib.md5(data).hexdigest(),
        ImageIdStrategy.SHA256: hashlib.sha256(data).hexdigest(),
        ImageIdStrategy.UUID: entry.image_id,
    }
    assert entry.image_id == wanted[strategy]
    assert is_image_id(entry.image_id)
    [again] = look(store, strategy).entries()
    assert again == entry


def test_a_uuid_of_an_original_can_not_be_guessed(store: Store) -> None:
    put(store, "uploads/a.png", png())
    ids = {
        look(store, ImageIdStrategy.UUID, secret=secret).entries()[0].image_id
        for secret in (b"one secret", b"another")
    }
    assert len(ids) == 2


def test_an_original_belongs_to_the_document_of_its_id(store: Store) -> None:
    image_id = name_size_id("a.png", 5)
    save_sealed(store, image_id, document("a.png", status="done"))
    put(store, "uploads/a.png", b"bytes")
    [entry] = look(store).entries()
    assert (entry.status, entry.original) == (Status.DONE, "uploads/a.png")


def test_an_original_knows_its_image_by_what_its_upload_noted(store: Store) -> None:
    save_sealed(store, ID, document("a.png"))
    put(store, "uploads/a.png", b"bytes", image_id=ID)
    put(store, f"uploads/{OTHER_ID}/a.png", b"others")
    entries = {entry.image_id: entry for entry in look(store).entries()}
    assert {image_id: entry.original for image_id, entry in entries.items()} == {
        ID: "uploads/a.png", OTHER_ID: f"uploads/{OTHER_ID}/a.png",
    }  # fmt: skip


def test_a_place_of_its_own_counts_before_the_plain_name(store: Store) -> None:
    """Under the plain name is the other image, which had the name first."""
    image_id = name_size_id("a.png", 5)
    save_sealed(store, image_id, document("a.png"))
    put(store, f"uploads/{image_id}/a.png", b"bytes")
    put(store, "uploads/a.png", b"other")
    [entry] = look(store).entries()
    assert entry.original == f"uploads/{image_id}/a.png"


def test_odd_notes_on_an_original_are_not_mistaken_for_an_id(store: Store) -> None:
    put(store, "uploads/a.png", b"bytes", image_id="../../x")
    [entry] = look(store).entries()
    assert entry.image_id == name_size_id("a.png", 5)


class Vanishing(Watched):
    """Each object that a listing shows is deleted before it can be read."""

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        page = super().list(prefix, after=after, limit=limit)
        for info in page.objects:
            self._store.delete(info.key, version=info.version)
        return page


def test_what_vanishes_while_it_is_listed_is_gone(store: Store) -> None:
    save(store, ID, old_document("a.png"))
    put(store, "uploads/a.png", png())
    assert look(any_store(Vanishing(store)), ImageIdStrategy.SHA256).entries() == []


def test_a_document_that_vanishes_while_it_is_read_leaves_its_original(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    image_id = name_size_id("a.png", 5)
    version = save_sealed(store, image_id, document("a.png", status="done"))
    put(store, "uploads/a.png", b"bytes")
    watched = Watched(store)
    seen = look(any_store(watched))
    assert [entry.status for entry in seen.entries()] == [Status.DONE]
    save(store, image_id, old_document("a.png"), version=version)
    monkeypatch.setattr(watched, "read_many", lambda keys: iter(()))
    [entry] = seen.entries()
    assert (entry.status, entry.rects, entry.version) == (Status.UNLABELED, 0, "")
    assert (entry.image_path, entry.original) == ("a.png", "uploads/a.png")


# --- caches -------------------------------------------------------------------------------


def test_the_list_is_made_once_for_many_who_look(store: Store) -> None:
    save_sealed(store, ID, document("a.png"))
    watched = Watched(store)
    seen = look(any_store(watched), originals=False)
    for _ in range(5):
        assert len(seen.entries()) == 1
        assert seen.find(ID) is not None
    assert watched.lists == 1


def test_what_others_add_shows_after_a_while(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = look(store)
    assert seen.entries() == []
    save_sealed(store, ID, document("a.png"))
    assert seen.entries() == []
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    assert [entry.image_id for entry in seen.entries()] == [ID]


def test_a_later_listing_keeps_what_has_not_changed_and_forgets_what_is_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    names = [f"{number}.png" for number in range(7)]
    ids = [name_size_id(name, 5) for name in names]
    versions = [save_sealed(store, ids[n], document(names[n])) for n in range(5)]
    for number in (0, 1, 2, 3, 5, 6):
        put(store, f"uploads/{names[number]}", b"bytes")
    seen = look(store)
    before = {entry.image_id: entry for entry in seen.entries()}
    store.delete(f"uploads/{names[1]}", version=store.info(f"uploads/{names[1]}").version)
    store.delete(document_key(ids[2]), version=versions[2])
    done = document(names[3], status="done")
    data = dump_document(done)
    save(store, ids[3], data, document_metadata(done, data), versions[3])
    put(store, f"uploads/{names[4]}", b"bytes")
    store.delete(f"uploads/{names[5]}", version=store.info(f"uploads/{names[5]}").version)
    put(store, f"uploads/{ids[6]}/{names[6]}", b"bytes")
    after = {entry.image_id: entry for entry in seen.entries()}
    fresh = {entry.image_id: entry for entry in look(store).entries()}
    assert {image_id: astuple(entry) for image_id, entry in after.items()} == {
        image_id: astuple(entry) for image_id, entry in fresh.items()
    }
    assert after[ids[0]] is before[ids[0]]
    assert [after[ids[n]].original for n in (1, 2, 4)] == [
        None, f"uploads/{names[2]}", f"uploads/{names[4]}",
    ]  # fmt: skip
    assert (after[ids[2]].status, after[ids[3]].status) == (Status.UNLABELED, Status.DONE)
    assert ids[5] not in after
    assert seen.original_keys(ids[6]) == [
        f"uploads/{ids[6]}/{names[6]}", f"uploads/{names[6]}",
    ]  # fmt: skip


def test_own_changes_show_at_once_and_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, "uploads/b.png", b"bytes")
    seen = look(store)
    seen.entries()
    image_id = name_size_id("b.png", 5)
    one = document("b.png", status="done")
    save_sealed(store, image_id, one)
    seen.note(image_id, one, None, Version("1"))
    [entry] = seen.entries()
    assert (entry.status, entry.original) == (Status.DONE, "uploads/b.png")
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    assert seen.entries() == [entry]


def test_a_note_does_not_outlive_the_document(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = look(store)
    version = save_sealed(store, ID, document("a.png"))
    seen.note(ID, document("a.png"), None, Version("1"))
    assert seen.find(ID) is not None
    store.delete(document_key(ID), version=version)
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    assert seen.entries() == []


def test_what_is_put_there_after_the_program_has_begun_to_list_is_seen_at_once(
    store: Store,
) -> None:
    seen = look(store)
    seen.is_listed(0)  # as a server does at its start, before anybody asks
    assert settled(lambda: seen._listed_at > float("-inf") and seen._behind is None)
    save_sealed(store, ID, document("a.png"))
    assert seen.is_listed(1)
    assert [entry.image_path for entry in seen.list_without_waiting()] == ["a.png"]
    save_sealed(store, OTHER_ID, document("b.png"))
    assert len(seen.entries()) == 1  # from then on as any listing


def test_an_image_before_the_first_listing_is_found(store: Store) -> None:
    save_sealed(store, ID, document("a.png"))
    entry = look(store).find(ID)
    assert entry is not None
    assert entry.image_path == "a.png"


def test_the_seal_stands_for_the_document_and_for_what_is_listed() -> None:
    one = document("a.png", status="done")
    data = dump_document(one)
    metadata = document_metadata(one, data)
    assert metadata == document_metadata(parse_document(data, "x"), data)
    assert metadata["seal"] != document_metadata(one, data + b" ")["seal"]
    other = document("a.png", status="skipped")
    assert metadata["seal"] != document_metadata(other, data)["seal"]
    assert json.loads(json.dumps(metadata)) == metadata


def slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> StoreIndex:
    """An image index that has listed once and takes every listing for a slow one, long due."""
    monkeypatch.setattr(store_index, "LARGE", -1)
    monkeypatch.setattr(store_index, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(store_index, "_PAUSE", 0)
    seen = look(store)
    seen.entries()
    return seen


class Held:
    """A store that lists `pages` objects at once, and from `slow` on only once it is let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.go = threading.Event()
        self.go.set()
        self.slow = ""
        self.pages = 1000
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        if (after or prefix).startswith(self.slow):
            self.go.wait(60)
        if self.fails:
            raise Unavailable("not now")
        return self._store.list(prefix, after=after, limit=min(limit, self.pages))


def eventually_seen(seen: StoreIndex) -> list[ImageEntry]:
    while not (found := seen.list_without_waiting()):
        time.sleep(0.01)
    return found


def test_a_glance_at_a_large_project_does_not_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(store)
    seen = slow(any_store(held), monkeypatch)
    held.go.clear()
    save_sealed(store, ID, document("a.png"))
    assert seen.list_without_waiting() == []  # it would hang here
    seen.expire()
    assert seen.list_without_waiting() == []
    own = document("b.png", status="done")
    other = "b" * 32
    save_sealed(store, other, own)
    seen.note(other, own, None, Version("1"))
    assert [entry.image_path for entry in seen.list_without_waiting()] == ["b.png"]
    found = seen.find(ID)
    assert found is not None
    assert [entry.image_path for entry in seen.list_without_waiting()] == ["a.png", "b.png"]
    held.go.set()
    seen.close()


def test_the_first_images_before_all_are_listed(store: Store) -> None:
    held = Held(store)
    seen = look(any_store(held))
    save_sealed(store, name_size_id("a.png", 5), document("a.png", status="done"))
    save_sealed(store, name_size_id("c.png", 5), document("c.png"))
    for name in ("a.png", "b.png", "c.png", "notes.txt"):
        put(store, f"uploads/{name}", b"bytes")
    held.slow = "annotations/"
    held.go.clear()
    assert not seen.is_listed(0)
    first = seen.first_images(2)
    assert [(e.image_path, e.status) for e in first.entries] == [
        ("a.png", Status.DONE),
        ("b.png", Status.UNLABELED),
    ]
    for entry in first.entries:
        assert seen.find(entry.image_id) is entry
    other = seen.find(name_size_id("c.png", 5))
    assert other is not None
    assert other.original is None, "it was looked up alone"
    assert not seen.is_listed(0.01)
    held.go.set()
    assert seen.is_listed(60)
    entries = seen.list_without_waiting()
    assert [(e.image_path, e.original) for e in entries] == [
        (name, f"uploads/{name}") for name in ("a.png", "b.png", "c.png")
    ]
    assert [first.hold(entry) for entry in entries] == [True, True, False]
    seen.close()


def test_the_first_images_where_none_or_no_originals_are_there(store: Store) -> None:
    assert look(store).first_images(20).entries == []
    save_sealed(store, name_size_id("a.png", 5), document("a.png", status="done"))
    save_sealed(store, name_size_id("b.png", 5), document("b.png"))
    for originals in (True, False):
        seen = look(store, originals=originals)
        [one] = seen.first_images(1).entries
        assert one.original is None
        first = seen.first_images(1)
        assert [first.hold(entry) for entry in seen.entries()].count(True) == 1
        assert first.hold(one)


def test_a_first_image_whose_document_another_program_wrote(store: Store) -> None:
    save(store, name_size_id("a.png", 5), dump_document(document("a.png", status="done")))
    put(store, "uploads/a.png", b"bytes")
    seen = look(store)
    [first] = seen.first_images(20).entries
    assert (first.status, first.rects, first.original) == (Status.DONE, 1, "uploads/a.png")
    assert seen.entries() == [first]


def test_a_first_image_that_this_process_has_just_saved(store: Store) -> None:
    save_sealed(store, ID, document("a.png"))
    seen = look(store, originals=False)
    seen.note(ID, document("a.png", status="done"), None, Version("1"))
    assert [entry.status for entry in seen.first_images(20).entries] == [Status.DONE]


def test_a_large_project_says_how_far_its_first_listing_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "LARGE", 0)
    held = Held(store)
    seen = look(any_store(held))
    for name in ("a.png", "b.png", "c.png", "d.png"):
        put(store, f"uploads/{name}", b"bytes")
    held.slow = "uploads/b"  # the second page of a listing begins after it
    held.pages = 2
    held.go.clear()
    assert not seen.is_listed(60), "no wait until the end"
    asked: list[Callable[[], object]] = [
        seen.view, lambda: seen.find("0" * 32), lambda: seen.original_keys("0" * 32)
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(StillListing, match=r"still being listed \(1 so far\)"):
            ask()
    held.go.set()
    assert settled(lambda: seen.is_listed(0))
    assert len(seen.list_without_waiting()) == 4
    assert seen.find("0" * 32) is None
    seen.close()


def test_a_command_waits_for_a_large_project(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_index, "LARGE", 0)
    put(store, "uploads/a.png", b"bytes")
    assert len(look(store).list_without_waiting()) == 1


def test_a_first_listing_that_fails_is_told_and_made_again(store: Store) -> None:
    held = Held(store)
    held.fails = True
    seen = look(any_store(held))
    assert not seen.is_listed(60)
    seen.close()  # waits for the listing
    with pytest.raises(Unavailable, match="not now"):
        seen.is_listed(0)
    held.fails = False
    seen = look(any_store(held))
    assert seen.is_listed(60)
    seen.close()


def test_what_others_add_to_a_large_project_comes_with_the_next_listing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = slow(store, monkeypatch)
    save_sealed(store, ID, document("a.png"))
    assert [entry.image_id for entry in eventually_seen(seen)] == [ID]
    seen.close()


def test_a_listing_that_fails_behind_a_page_is_reported_and_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(store)
    seen = slow(any_store(held), monkeypatch)
    save_sealed(store, ID, document("a.png"))
    held.fails = True
    with pytest.raises(Unavailable, match="not now"):
        eventually_seen(seen)
    held.fails = False
    while True:
        try:
            assert eventually_seen(seen)
            break
        except Unavailable:  # of a listing that had begun before
            continue
    seen.close()


def test_the_order_of_names_holds_through_changes(store: Store) -> None:
    for name in ("c.png", "a.png", "b.png"):
        save_sealed(store, name[0] * 32, document(name))
    seen = look(store)
    seen.entries()
    seen.note("b" * 32, document("b.png", status="done"), None, Version("1"))
    seen.note("c" * 32, document("0.png"), None, Version("1"))
    seen.note("d" * 32, document("aa.png"), None, Version("1"))
    assert [(e.image_path, e.status) for e in seen.entries()] == [
        ("0.png", Status.IN_PROGRESS), ("a.png", Status.IN_PROGRESS),
        ("aa.png", Status.IN_PROGRESS), ("b.png", Status.DONE),
    ]  # fmt: skip


def test_a_closed_image_index_ends_its_listing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_sealed(store, ID, document("a.png"))
    held = Held(store)
    seen = slow(any_store(held), monkeypatch)
    held.go.clear()
    seen.list_without_waiting()
    threading.Timer(0.1, held.go.set).start()
    seen.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "listing"]


def test_the_view_is_the_same_until_something_changes(store: Store) -> None:
    save_sealed(store, ID, document("a.png", status="done", saved_at="2026-05-01T10:00:00+00:00"))
    seen = look(store)
    names = LabelNames(LabelSet().added(["car"]))
    view = seen.view()
    [row] = view.count([Dimension.LABEL], names).rows
    assert (row.values, row.rects) == (("car",), 1)
    seen.expire()  # it is listed again, and nothing has changed
    assert seen.view() is view
    labels = LabelNames(renamed(names.labels, 1, "truck"))
    assert view.count([Dimension.LABEL], labels).rows[0].values == ("truck",)
    assert view.count([Dimension.STATUS], names).rows[0].values == ("done",)

    def add() -> None:
        save_sealed(store, "b" * 32, document("b.png"))
        seen.expire()

    changes: list[Callable[[], None]] = [
        lambda: seen.note(ID, document("a.png", status="skipped"), None, Version("2")),
        lambda: seen.forget(ID),
        add,
    ]
    for change in changes:
        before = seen.view()
        change()
        assert seen.view() is not before
    assert seen.view().count([Dimension.STATUS], names).images == 2
