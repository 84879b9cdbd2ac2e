"""The data set on a folder and on a bucket: nothing is lost, mixed up or written unasked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from labeler.catalogue import document_key
from labeler.dataset import Dataset, OpenedDocument
from labeler.errors import (
    DamagedDocument,
    ImageConflict,
    ImageTooLarge,
    InvalidDocument,
    LabelerError,
    NewerDocument,
    NotAnImage,
    NotFound,
)
from labeler.images import name_size_id
from labeler.models import Status
from labeler.originals import Uploads
from labeler.storage import ABSENT
from tests.gcs_server import GcsServer
from tests.pictures import (
    REAL,
    corners,
    encoded,
    jpeg,
    oriented,
    picture,
    png,
    real_photos,
    same_colors,
)
from tests.projects import BOX, OTHER, Project, old_document, with_boxes

HEX = hashlib.md5
STRATEGIES = ("name-size", "content", "sha256", "uuid")


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with GcsServer() as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def project(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: GcsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    """An empty project of each kind in turn."""
    on_folder = request.param == "folder"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    server.create_bucket("labels")
    made = Project(str(tmp_path / "data") if on_folder else "gs://labels/first")
    yield made
    made.close()
    server.drop_bucket("labels")


def same_size(width: int = 64, height: int = 48) -> tuple[bytes, bytes]:
    """Two pictures in as many bytes."""
    one, other = (encoded(picture(width, height).rotate(turn), "BMP") for turn in (0, 180))
    assert len(one) == len(other)
    assert one != other
    return one, other


# --- adding -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_added_image_is_there_under_its_id(project: Project, strategy: str) -> None:
    project.environ["IMAGE_ID"] = strategy
    data = png()
    added = project.open().add_image("photos/street.png", data, by="ana@example.com")
    wanted = {
        "name-size": HEX(f"street.png_{len(data)}".encode()).hexdigest(),
        "content": HEX(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "uuid": added.image_id,
    }
    assert added.image_id == wanted[strategy]
    assert (added.image_path, added.width, added.height) == ("street.png", 64, 48)
    assert added.created
    later = project.open()
    [entry] = later.list_images()
    assert (entry.image_id, entry.image_path) == (added.image_id, "street.png")
    assert (entry.status, entry.rects, entry.problem) == (Status.UNLABELED, 0, "")
    assert entry.saved_by == "ana@example.com"
    assert later.image_bytes(added.image_id) == data
    assert sorted(project.objects()) == [document_key(added.image_id), "uploads/street.png"]


def test_a_new_document_is_the_one_of_the_format(project: Project) -> None:
    data = oriented("JPEG", 6, 64, 48)
    image_id = project.open().add_image("é.jpg", data, by="ana@example.com").image_id
    document = json.loads(project.objects()[document_key(image_id)][0])
    saved_at = datetime.fromisoformat(document["metadata"].pop("saved_at"))
    assert saved_at.utcoffset() is not None
    assert document == {
        "rects": [],
        "image_path": "é.jpg",
        "image_width": 64,
        "image_height": 48,
        "metadata": {
            "image_path": "é.jpg",
            "image_id": image_id,
            "version": "1.0",
            "content_md5": HEX(data).hexdigest(),
            "status": "unlabeled",
            "saved_by": "ana@example.com",
        },
    }


@pytest.mark.parametrize("strategy", STRATEGIES[:3])
def test_adding_again_changes_nothing(project: Project, strategy: str) -> None:
    project.environ["IMAGE_ID"] = strategy
    first = project.open()
    added = first.add_image("a.png", png())
    opened = first.open_document(added.image_id)
    first.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = project.objects()
    for dataset in (first, project.open()):
        again = dataset.add_image("other folder/a.png", png())
        assert (again.image_id, again.created) == (added.image_id, False)
    assert project.objects() == before
    assert project.open().open_document(added.image_id).document.rects == (BOX,)


def test_with_uuids_each_upload_is_an_image_of_its_own(project: Project) -> None:
    project.environ["IMAGE_ID"] = "uuid"
    dataset = project.open()
    first, second = (dataset.add_image("a.png", png()) for _ in range(2))
    assert first.image_id != second.image_id
    assert len(project.open().list_images()) == 2
    for added in (first, second):
        assert project.open().image_bytes(added.image_id) == png()


@pytest.mark.parametrize("strategy", ["content", "sha256"])
def test_one_picture_under_two_names_is_one_image(project: Project, strategy: str) -> None:
    project.environ["IMAGE_ID"] = strategy
    dataset = project.open()
    first = dataset.add_image("a.png", png())
    before = project.objects()
    again = dataset.add_image("b.png", png())
    assert (again.image_id, again.image_path, again.created) == (first.image_id, "a.png", False)
    assert project.objects() == before


def test_two_pictures_of_one_name_and_size_are_a_conflict(project: Project) -> None:
    one, other = same_size()
    dataset = project.open()
    added = dataset.add_image("a.bmp", one)
    opened = dataset.open_document(added.image_id)
    dataset.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = project.objects()
    for again in (dataset, project.open()):
        with pytest.raises(ImageConflict, match="LABELER_IMAGE_ID=content"):
            again.add_image("a.bmp", other)
    assert project.objects() == before
    assert project.open().image_bytes(added.image_id) == one


def test_a_conflict_is_seen_without_originals_too(project: Project) -> None:
    project.environ["UPLOADS"] = "off"
    one, other = same_size()
    project.open().add_image("a.bmp", one)
    before = project.objects()
    with pytest.raises(ImageConflict):
        project.open().add_image("a.bmp", other)
    assert project.objects() == before


def test_a_conflict_is_seen_by_the_size_in_an_old_document(project: Project) -> None:
    """Format 1.0 keeps no MD5: only a picture of another shape can be told apart."""
    data = png(48, 64)
    key = document_key(name_size_id("a.png", len(data)))
    project.put(key, old_document("a.png"))
    before = project.objects()
    with pytest.raises(ImageConflict):
        project.open().add_image("a.png", data)
    assert project.objects() == before


def test_a_conflict_with_a_picture_that_nobody_has_opened_yet(project: Project) -> None:
    """A pipeline put it there: the upload of another one may not take its place."""
    one, other = same_size()
    project.put("uploads/a.bmp", one)
    before = project.objects()
    with pytest.raises(ImageConflict):
        project.open().add_image("a.bmp", other)
    assert project.objects() == before


@pytest.mark.parametrize("strategy", ["content", "sha256", "uuid"])
def test_other_ids_tell_two_pictures_apart(project: Project, strategy: str) -> None:
    project.environ["IMAGE_ID"] = strategy
    pictures = same_size()
    ids = [project.open().add_image("a.bmp", data).image_id for data in pictures]
    assert len(set(ids)) == 2
    dataset = project.open()
    assert sorted(entry.image_id for entry in dataset.list_images()) == sorted(ids)
    assert [dataset.image_bytes(one) for one in ids] == list(pictures)


def test_the_same_name_with_another_size_goes_to_a_place_of_its_own(project: Project) -> None:
    small, large = png(64, 48), png(640, 480)
    dataset = project.open()
    first, second = (dataset.add_image("a.png", data) for data in (small, large))
    assert first.image_id != second.image_id
    names = [name for name in project.objects() if name.startswith("uploads/")]
    assert names == [f"uploads/{second.image_id}/a.png", "uploads/a.png"]
    for again in (dataset, project.open()):
        assert again.image_bytes(first.image_id) == small
        assert again.image_bytes(second.image_id) == large
        assert len(again.list_images()) == 2
    assert not project.open().add_image("a.png", large).created


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", NotAnImage), (b"words", NotAnImage), (png() + bytes(2**21), ImageTooLarge)],
)
def test_what_is_refused_leaves_nothing(
    project: Project, data: bytes, error: type[LabelerError]
) -> None:
    project.environ["MAX_UPLOAD_MB"] = "1"
    dataset = project.open()
    with pytest.raises(error):
        dataset.add_image("a.png", data)
    assert project.objects() == {}
    assert dataset.list_images() == []


@pytest.mark.parametrize("name", ["../../a.png", "/etc/a.png", "..\\a.png", "a\x00\r\n.png"])
def test_a_name_can_not_leave_its_place(project: Project, name: str) -> None:
    added = project.open().add_image(name, png())
    assert added.image_path == "a.png"
    assert sorted(project.objects()) == [document_key(added.image_id), "uploads/a.png"]


@pytest.mark.parametrize(
    "name", ["猫" * 300 + ".png", "قطة.png", "👩‍🚒.png", "\ud800.png", "'\"<b>.png", "a#b?c.png"]
)
def test_any_name_can_be_added_and_found(project: Project, name: str) -> None:
    added = project.open().add_image(name, png())
    dataset = project.open()
    assert [entry.image_path for entry in dataset.list_images()] == [added.image_path]
    assert dataset.image_bytes(added.image_id) == png()
    assert not dataset.add_image(name, png()).created


# --- originals ----------------------------------------------------------------------------


def test_without_originals_the_picture_is_there_for_who_brought_it(project: Project) -> None:
    project.environ["UPLOADS"] = "off"
    dataset = project.open()
    added = dataset.add_image("a.png", png())
    assert sorted(project.objects()) == [document_key(added.image_id)]
    assert dataset.image_bytes(added.image_id) == png()
    opened = dataset.open_document(added.image_id)
    dataset.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    later = project.open()
    with pytest.raises(NotFound, match="Upload the file again"):
        later.image_bytes(added.image_id)
    assert not later.add_image("a.png", png()).created
    assert later.image_bytes(added.image_id) == png()
    assert later.open_document(added.image_id).document.rects == (BOX,)


def test_originals_may_have_a_place_of_their_own(project: Project, tmp_path: Path) -> None:
    project.environ["UPLOADS"] = str(tmp_path / "originals")
    added = project.open().add_image("a.png", png())
    assert sorted(project.objects()) == [document_key(added.image_id)]
    assert (tmp_path / "originals" / "a.png").read_bytes() == png()
    dataset = project.open()
    assert dataset.image_bytes(added.image_id) == png()
    assert dataset.list_images()[0].original == "a.png"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", ["a.png", "cam 1/a.png"])
def test_what_a_pipeline_puts_there_is_in_the_project(
    project: Project, strategy: str, name: str
) -> None:
    project.environ["IMAGE_ID"] = strategy
    project.put(f"uploads/{name}", png())
    before = project.objects()
    dataset = project.open()
    [entry] = dataset.list_images()
    assert (entry.image_path, entry.status, entry.rects) == (name, Status.UNLABELED, 0)
    opened = dataset.open_document(entry.image_id)
    assert opened.version is ABSENT
    assert opened.document.image_path == name
    assert (opened.document.image_width, opened.document.image_height) == (64, 48)
    assert dataset.image_bytes(entry.image_id) == png()
    assert project.objects() == before
    saved = dataset.save_document(entry.image_id, with_boxes(opened, BOX), opened, by="")
    later = project.open()
    [entry] = later.list_images()
    assert (entry.image_id, entry.rects) == (saved.document.metadata.image_id, 1)
    assert later.open_document(entry.image_id).document.rects == (BOX,)
    assert later.image_bytes(entry.image_id) == png()


def test_the_upload_of_what_a_pipeline_put_there_is_no_second_copy(project: Project) -> None:
    project.put("uploads/a.png", png())
    added = project.open().add_image("a.png", png())
    assert added.created
    assert sorted(project.objects()) == [document_key(added.image_id), "uploads/a.png"]


def test_an_original_that_was_replaced_is_not_shown_under_the_boxes(project: Project) -> None:
    one, other = same_size()
    added = project.open().add_image("a.bmp", one)
    project.put("uploads/a.bmp", other)
    with pytest.raises(ImageConflict, match=r"a\.bmp"):
        project.open().image_bytes(added.image_id)
    project.put("uploads/a.bmp", one)
    assert project.open().image_bytes(added.image_id) == one


def test_an_old_document_is_not_shown_on_another_picture_of_its_name(project: Project) -> None:
    """Format 1.0 keeps no MD5; the ID still tells which name and size the picture had."""
    gone, other = same_size()[0] + b"\0", same_size()[1]
    image_id = name_size_id("a.bmp", len(gone))
    project.put(document_key(image_id), old_document("a.bmp"))
    project.put("uploads/a.bmp", other)
    with pytest.raises(ImageConflict):
        project.open().image_bytes(image_id)
    project.put(f"uploads/{image_id}/a.bmp", gone)
    assert project.open().image_bytes(image_id) == gone


@pytest.mark.parametrize("image_path", ["../a.png", "/home/ana/a.png", "a//b.png", "e\u0301.png"])
def test_an_old_document_with_a_path_of_another_machine_opens(
    project: Project, image_path: str
) -> None:
    data = png()
    image_id = name_size_id("a.png", len(data))
    project.put(document_key(image_id), old_document(image_path))
    with pytest.raises(NotFound):
        project.open().image_bytes(image_id)
    project.put("uploads/a.png", data)
    dataset = project.open()
    assert dataset.image_bytes(image_id) == data
    assert dataset.open_document(image_id).document.image_path == image_path


def test_an_original_that_is_gone_is_missed(project: Project) -> None:
    added = project.open().add_image("a.png", png())
    project.remove("uploads/a.png")
    dataset = project.open()
    with pytest.raises(NotFound, match="Upload the file again"):
        dataset.image_bytes(added.image_id)
    dataset.add_image("a.png", png())
    assert dataset.image_bytes(added.image_id) == png()


@pytest.mark.parametrize("image_id", ["0" * 32, "no such", "../labels", "", "A" * 32, "x" * 200])
def test_an_image_that_is_not_there_is_not_found(project: Project, image_id: str) -> None:
    dataset = project.open()
    for ask in (dataset.image_bytes, dataset.open_document, dataset.stored_document):
        with pytest.raises(NotFound):
            ask(image_id)


def test_the_picture_for_a_browser_stands_upright(project: Project) -> None:
    dataset = project.open()
    added = dataset.add_image("a.tif", oriented("TIFF", 6))
    data, media_type = dataset.picture(added.image_id, width=32)
    assert media_type == "image/jpeg"
    assert same_colors(corners(data))
    info = dataset.image_info(added.image_id)
    assert (info.width, info.height) == (64, 48)


def test_a_jpeg_is_shown_as_it_is(project: Project) -> None:
    dataset = project.open()
    added = dataset.add_image("a.jpg", jpeg())
    assert dataset.picture(added.image_id) == (jpeg(), "image/jpeg")


# --- documents ----------------------------------------------------------------------------


def test_opening_and_showing_writes_nothing(project: Project) -> None:
    data = png()
    project.open().add_image("new.png", data)
    project.put("uploads/pipeline.png", png(32, 32))
    project.put(document_key(name_size_id("old.png", 9)), old_document("old.png"))
    project.put("annotations/damaged.json", b"{")
    before = project.objects()
    dataset = project.open()
    for entry in dataset.list_images():
        if not entry.problem:
            opened = dataset.open_document(entry.image_id)
            if opened.version is not ABSENT:
                unchanged = dataset.save_document(entry.image_id, opened.document, opened, by="x")
                assert unchanged.document == opened.document
    dataset.label_set()
    assert len(list(dataset.survey())) == 4
    assert project.objects() == before


def test_an_old_document_is_opened_edited_and_keeps_what_we_do_not_know(project: Project) -> None:
    image_id = name_size_id("a.png", len(png()))
    project.put(document_key(image_id), old_document("a.png"))
    dataset = project.open()
    assert not dataset.add_image("a.png", png()).created
    opened = dataset.open_document(image_id)
    assert len({rect.id for rect in opened.document.rects}) == 2
    assert project.open().open_document(image_id).document == opened.document
    [entry] = dataset.list_images()
    assert (entry.status, entry.rects) == (Status.IN_PROGRESS, 2)
    dataset.save_document(
        image_id, with_boxes(opened, opened.document.rects[0], OTHER), opened, by="ana@example.com"
    )
    stored = json.loads(project.objects()[document_key(image_id)][0])
    assert stored["camera"] == {"name": "north", "lens": [1, 2.5, None]}
    assert stored["metadata"]["source"] == "import"
    assert stored["rects"][0].pop("id") == opened.document.rects[0].id
    assert stored["rects"][0] == json.loads(old_document("a.png"))["rects"][0]
    assert stored["metadata"]["saved_by"] == "ana@example.com"
    assert stored["metadata"]["image_id"] == image_id
    assert datetime.fromisoformat(stored["metadata"]["saved_at"]).utcoffset() is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"image_width": None, "image_height": None},
        {"metadata": None},
        {"metadata": {"status": "of another program"}},
        {"rects": []},
        {"rects": [{"left": -5, "top": 0, "width": 900, "height": 1, "label": ""}]},
        {"metadata": {"version": "1.9", "saved_at": "yesterday"}},
    ],
)
def test_old_documents_of_every_kind_are_listed_and_opened(
    project: Project, changes: dict[str, object]
) -> None:
    image_id = name_size_id("a.png", len(png()))
    project.put(document_key(image_id), old_document("a.png", **changes))
    dataset = project.open()
    [entry] = dataset.list_images()
    opened = dataset.open_document(image_id)
    assert entry.problem == ""
    assert entry.rects == len(opened.document.rects)
    assert entry.image_path == "a.png"
    saved = dataset.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert project.open().open_document(image_id).document == saved.document


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", DamagedDocument),
        (b"{", DamagedDocument),
        (b"null", DamagedDocument),
        (b"\xff\xfe", DamagedDocument),
        (b"[]", DamagedDocument),
        (old_document("a.png", rects=[{"left": "1"}]), DamagedDocument),
        (old_document("a.png", rects=None), DamagedDocument),
        (old_document("a.png", metadata={"version": "2.0"}), NewerDocument),
        (old_document("a.png", metadata={"version": "x"}), DamagedDocument),
        (b'{"shapes": [], "metadata": {"version": "3.1"}}', NewerDocument),
    ],
)
def test_a_document_that_can_not_be_understood_is_left_as_it_is(
    project: Project, data: bytes, error: type[DamagedDocument]
) -> None:
    image_id = name_size_id("a.png", len(png()))
    project.put(document_key(image_id), data)
    project.put("uploads/a.png", png())
    before = project.objects()
    dataset = project.open()
    [entry] = dataset.list_images()
    assert document_key(image_id) in entry.problem
    for attempt in (
        lambda: dataset.open_document(image_id),
        lambda: dataset.add_image("a.png", png()),
    ):
        with pytest.raises(error):
            attempt()
    assert project.objects() == before


@pytest.mark.parametrize("data", [b"{", old_document("a.png", metadata={"version": "2.0"})])
def test_a_save_never_covers_a_document_that_was_damaged_meanwhile(
    project: Project, data: bytes
) -> None:
    dataset = project.open()
    added = dataset.add_image("a.png", png())
    opened = dataset.open_document(added.image_id)
    project.put(document_key(added.image_id), data)
    before = project.objects()
    with pytest.raises(DamagedDocument):
        dataset.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    assert project.objects() == before


# --- saving -------------------------------------------------------------------------------


def test_a_save_is_there_for_everybody(project: Project) -> None:
    dataset = project.open()
    added = dataset.add_image("a.png", png())
    opened = dataset.open_document(added.image_id)
    saved = dataset.save_document(added.image_id, with_boxes(opened, BOX, OTHER), opened, by="ana")
    assert saved.conflicts == ()
    later = project.open()
    assert later.open_document(added.image_id).document == saved.document
    assert later.open_document(added.image_id).version == saved.version
    [entry] = later.list_images()
    assert (entry.rects, entry.saved_by) == (2, "ana")
    assert dataset.list_images() == [entry]


def test_a_save_without_a_change_writes_nothing(project: Project) -> None:
    dataset = project.open()
    added = dataset.add_image("a.png", png())
    opened = dataset.open_document(added.image_id)
    saved = dataset.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = project.objects()
    now = OpenedDocument(saved.document, saved.version)
    again = dataset.save_document(added.image_id, now.document, now, by="somebody else")
    assert (again.document, again.version) == (now.document, now.version)
    # Neither does one that arrives a second time from its first base, as after a lost answer.
    repeated = dataset.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    assert repeated.document.rects == (BOX,)
    assert project.objects() == before


def test_two_people_s_boxes_are_both_kept(project: Project) -> None:
    ana, ben = project.open(), project.open()
    image_id = ana.add_image("a.png", png()).image_id
    for_ana, for_ben = ana.open_document(image_id), ben.open_document(image_id)
    ana.save_document(image_id, with_boxes(for_ana, BOX), for_ana, by="ana")
    saved = ben.save_document(image_id, with_boxes(for_ben, OTHER), for_ben, by="ben")
    assert set(saved.document.rects) == {BOX, OTHER}
    assert saved.conflicts == ()
    assert project.open().open_document(image_id).document == saved.document


def test_a_box_that_both_changed_is_kept_twice_and_told(project: Project) -> None:
    ana, ben = project.open(), project.open()
    image_id = ana.add_image("a.png", png()).image_id
    empty = ana.open_document(image_id)
    first = ana.save_document(image_id, with_boxes(empty, BOX), empty, by="ana")
    base = ben.open_document(image_id)
    left, right = (BOX.model_copy(update={"left": left}) for left in (3.0, 9.0))
    ana.save_document(
        image_id, with_boxes(base, left), OpenedDocument(first.document, first.version), by="ana"
    )
    saved = ben.save_document(image_id, with_boxes(base, right), base, by="ben")
    assert [conflict.id for conflict in saved.conflicts] == ["a"]
    assert {rect.left for rect in saved.document.rects} == {3.0, 9.0}


def test_boxes_come_back_where_somebody_deleted_the_document(project: Project) -> None:
    dataset = project.open()
    image_id = dataset.add_image("a.png", png()).image_id
    opened = dataset.open_document(image_id)
    project.remove(document_key(image_id))
    dataset.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert project.open().open_document(image_id).document.rects == (BOX,)


def test_two_who_open_a_pipeline_s_image_at_once_share_its_document(project: Project) -> None:
    project.put("uploads/a.png", png())
    ana, ben = project.open(), project.open()
    [entry] = ana.list_images()
    for_ana, for_ben = (one.open_document(entry.image_id) for one in (ana, ben))
    ana.save_document(entry.image_id, with_boxes(for_ana, BOX), for_ana, by="ana")
    ben.save_document(entry.image_id, with_boxes(for_ben, OTHER), for_ben, by="ben")
    assert set(project.open().open_document(entry.image_id).document.rects) == {BOX, OTHER}


def test_many_who_save_at_once_lose_nothing(project: Project) -> None:
    image_id = project.open().add_image("a.png", png()).image_id
    datasets = [project.open() for _ in range(6)]
    bases = [dataset.open_document(image_id) for dataset in datasets]

    def save(number: int) -> None:
        box = BOX.model_copy(update={"id": f"n{number}", "left": float(number)})
        base = bases[number]
        datasets[number].save_document(image_id, with_boxes(base, box), base, by=f"n{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(save, range(6)))
    rects = project.open().open_document(image_id).document.rects
    assert {rect.id for rect in rects} == {f"n{number}" for number in range(6)}


def test_many_who_add_one_image_at_once_have_one(project: Project) -> None:
    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(lambda _: project.open().add_image("a.png", png()), range(6)))
    assert len({one.image_id for one in added}) == 1
    assert [one.created for one in added].count(True) == 1
    assert len(project.objects()) == 2


def test_of_two_who_add_two_pictures_of_one_id_at_once_one_is_told(project: Project) -> None:
    def add(data: bytes) -> str:
        try:
            return project.open().add_image("a.bmp", data).image_id
        except ImageConflict:
            return "conflict"

    pictures = same_size()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(add, pictures))
    assert sorted(answers) == sorted(["conflict", name_size_id("a.bmp", len(pictures[0]))])
    winner = pictures[1 - answers.index("conflict")]
    [entry] = project.open().list_images()
    assert project.open().image_bytes(entry.image_id) == winner
    document = project.open().open_document(entry.image_id).document
    assert document.metadata.content_md5 == HEX(winner).hexdigest()


def test_a_save_is_stamped_with_the_clock_in_utc(tmp_path: Path) -> None:
    project = Project(str(tmp_path))
    image_id = project.open().add_image("a.png", png()).image_id
    moment = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2)))
    store = project.store()
    dataset = Dataset(
        project.settings, store, Uploads(store, "uploads/"), b"secret", clock=lambda: moment
    )
    opened = dataset.open_document(image_id)
    saved = dataset.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert saved.document.metadata.saved_at == "2031-05-06T05:08:09.123456+00:00"


# --- labels -------------------------------------------------------------------------------


def test_labels_come_from_the_settings_until_there_are_some(project: Project) -> None:
    project.environ["LABELS"] = "person, car"
    dataset = project.open()
    assert [label.name for label in dataset.label_set().labels] == ["person", "car"]
    assert project.objects() == {}
    dataset.add_labels(["dog", "CAR"])
    project.environ["LABELS"] = "something else"
    names = [(label.number, label.name) for label in project.open().label_set().labels]
    assert names == [(1, "person"), (2, "car"), (3, "dog")]


def test_labels_that_are_there_are_not_written_again(project: Project) -> None:
    project.open().add_labels(["dog"])
    before = project.objects()
    project.open().add_labels(["dog", " Dog ", "object"])
    assert project.objects() == before


def test_many_who_add_labels_at_once_lose_none(project: Project) -> None:
    names = [f"label {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: project.open().add_labels([name]), names))
    labels = project.open().label_set().labels
    assert {label.name for label in labels} == {"object", *names}
    assert [label.number for label in labels] == list(range(1, 10))


@pytest.mark.parametrize("name", ["", "  ", "x" * 200, "a\x00b"])
def test_what_is_no_label_is_refused(project: Project, name: str) -> None:
    with pytest.raises(InvalidDocument):
        project.open().add_labels(["dog", name])
    assert project.objects() == {}


def test_a_damaged_label_set_is_left_as_it_is(project: Project) -> None:
    project.put("labels.json", b'{"labels": [{}]}')
    before = project.objects()
    with pytest.raises(DamagedDocument, match=r"labels\.json"):
        project.open().label_set()
    with pytest.raises(DamagedDocument, match=r"labels\.json"):
        project.open().add_labels(["dog"])
    assert project.objects() == before


# --- exports ------------------------------------------------------------------------------


def labelled(project: Project) -> Dataset:
    """A project with two labelled images, one of a label that is in no label set."""
    dataset = project.open()
    for name, rects in (("b.png", (BOX,)), ("a.png", (BOX, OTHER))):
        image_id = dataset.add_image(name, png()).image_id
        opened = dataset.open_document(image_id)
        dataset.save_document(image_id, with_boxes(opened, *rects), opened, by="")
    dataset.add_image("c.png", png())
    project.put("annotations/damaged.json", b"{")
    return project.open()


def test_an_export_holds_the_project(project: Project) -> None:
    dataset = labelled(project)
    export = dataset.export_coco()
    written = project.objects()[export.key][0]
    assert b"".join(dataset.coco_chunks()) == written
    assert b"".join(dataset.export_chunks(export.key.removeprefix("exports/"))) == written
    pieces: list[bytes] = []
    summary = dataset.write_coco(pieces.append)
    assert b"".join(pieces) == written
    coco = json.loads(written)
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "b.png"]
    assert [one["name"] for one in coco["categories"]] == ["object", "car", "dog"]
    assert (summary.images, summary.annotations) == (2, 3)
    assert export.summary == summary
    newest = max(entry.saved_at for entry in dataset.list_images() if entry.rects)
    assert coco["info"]["date_created"][:19] == newest[:19]
    # What the file says must still be so tomorrow: the numbers of the labels are kept.
    names = [label.name for label in project.open().label_set().labels]
    assert names == ["object", "car", "dog"]


def test_an_export_names_originals_by_their_place(project: Project) -> None:
    pictures = png(64, 48), png(640, 480)
    dataset = project.open()
    ids = [dataset.add_image("a.png", data).image_id for data in pictures]
    for image_id in ids:
        opened = dataset.open_document(image_id)
        dataset.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    coco = json.loads(b"".join(project.open().coco_chunks()))
    assert sorted(image["file_name"] for image in coco["images"]) == [f"{ids[1]}/a.png", "a.png"]


def test_exports_of_one_second_are_two(project: Project) -> None:
    dataset = labelled(project)
    keys = [dataset.export_coco().key for _ in range(3)]
    assert len(set(keys)) == 3
    assert all(re.fullmatch(r"exports/dataset_coco_\d{8}_\d{6}\.json", key) for key in keys)
    objects = project.objects()
    assert len({objects[key][0] for key in keys}) == 1


def test_an_empty_project_is_exported(project: Project) -> None:
    coco = json.loads(b"".join(project.open().coco_chunks()))
    assert (coco["images"], coco["annotations"]) == ([], [])


@pytest.mark.parametrize("name", ["x.json", "../labels.json", "dataset_coco_1_2.json", ""])
def test_only_exports_are_handed_out(project: Project, name: str) -> None:
    project.open().add_labels(["dog"])
    with pytest.raises(NotFound):
        project.open().export_chunks(name)


# --- survey -------------------------------------------------------------------------------


def test_a_survey_has_every_image_in_the_order_of_names(project: Project) -> None:
    labelled(project)
    project.put("uploads/B.png", png(32, 32))
    found = [
        (entry.image_path, document and len(document.rects), bool(entry.problem))
        for entry, document in project.open().survey()
    ]
    assert found == [
        ("B.png", None, False),
        ("a.png", 2, False),
        ("b.png", 1, False),
        ("c.png", 0, False),
        ("damaged", None, True),
    ]


# --- real photos --------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.exists(), reason="no real photos beside the repository")
def test_real_photos_are_a_project(project: Project) -> None:
    photos = real_photos("exif_orientation") + real_photos("bccd80")[:5]
    dataset = project.open()
    for path in photos:
        assert dataset.add_image(path.name, path.read_bytes()).created
    later = project.open()
    entries = {entry.image_path: entry for entry in later.list_images()}
    assert sorted(entries) == sorted(path.name for path in photos)
    for path in photos:
        entry = entries[path.name]
        assert entry.image_id == name_size_id(path.name, path.stat().st_size)
        assert later.image_bytes(entry.image_id) == path.read_bytes()
        opened = later.open_document(entry.image_id).document
        info = later.image_info(entry.image_id)
        assert (opened.image_width, opened.image_height) == (info.width, info.height)
