"""`add`: each image told, one that fails named, the rest done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labeler.image_names import name_size_id
from tests.cli.support import Done, Run
from tests.gcs_server import GcsServer
from tests.pictures import REAL, png, real_photos
from tests.projects import Workspace


def test_files_are_added_and_each_is_reported(run: Run, photos: Path) -> None:
    path = photos / "b.png"
    image_id = name_size_id("b.png", path.stat().st_size)
    assert run("add", path) == Done(0, f"{image_id}\tb.png\tnew\n", "")
    assert run("add", path) == Done(0, f"{image_id}\tb.png\talready there\n", "")


def test_a_folder_is_added_with_all_that_is_in_it(run: Run, photos: Path) -> None:
    done = run("add", photos)
    assert (done.code, done.err) == (0, "")
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [line[1:] for line in lines] == [
        ["a.JPG", "new"],
        ["b.png", "new"],
        ["deep/er/c.jpeg", "new"],
    ]
    assert len(run("list").out.splitlines()) == 3


def test_one_that_fails_is_named_and_the_rest_is_done(run: Run, photos: Path) -> None:
    done = run("add", photos / "notes.txt", photos / "missing.png", photos / "b.png")
    assert done.code == 1
    assert [line.split("\t")[1] for line in done.out.splitlines()] == ["b.png"]
    errors = done.err.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"labeler: {photos / 'notes.txt'}: ")
    assert "text file" in errors[0]
    assert errors[1] == f"labeler: {photos / 'missing.png'}: No such file or directory"


def test_a_file_that_is_named_is_added_whatever_its_name(run: Run, photos: Path) -> None:
    (photos / "picture").write_bytes(png())
    assert run("add", photos / "picture", photos / ".hidden.png").code == 0


def test_a_folder_without_an_image_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("add", tmp_path / "empty")
    assert (done.code, done.out) == (1, "")
    assert "no image" in done.err


def test_a_file_that_is_too_large_is_not_even_read(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**40)
    done = run("add", path)
    assert done.code == 1
    assert "1048576.0 MB" in done.err


def test_another_image_of_the_same_id_is_refused(run: Run, tmp_path: Path) -> None:
    for folder, data in (("one", png()), ("two", png()[:-1] + b"\0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(data)
    assert run("add", tmp_path / "one").code == 0
    done = run("add", tmp_path / "two")
    assert done.code == 1
    assert "LABELER_IMAGE_ID=content" in done.err


def test_a_store_that_refuses_all_is_not_asked_for_ever(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "annotations").touch()
    for number in range(9):
        (photos / f"n{number}.png").write_bytes(png())
    with GcsServer(buckets=["labels"]) as server:
        server.bucket("labels").denied.add("storage.objects.create")
        os.environ["STORAGE_EMULATOR_HOST"] = server.url
        try:
            done = run("add", photos, STORAGE="gs://labels")
        finally:
            del os.environ["STORAGE_EMULATOR_HOST"]
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "labeler: Gave up: 9 more images were not tried."


def test_originals_need_not_be_kept(run: Run, photos: Path, workspace: Workspace) -> None:
    assert run("add", photos / "b.png", UPLOADS="off").code == 0
    assert [key.partition("/")[0] for key in workspace.objects()] == ["annotations"]


@pytest.mark.skipif(not REAL.exists(), reason="no real photos beside the repository")
def test_real_photos_are_added_listed_and_checked(run: Run) -> None:
    count = len(real_photos("exif_orientation"))
    done = run("add", REAL / "exif_orientation")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == count
    assert len(run("list", "--status", "unlabeled").out.splitlines()) == count
    assert run("check").out == f"{count} images checked, 0 with a problem\n"


def test_images_of_a_folder_are_told_by_their_bytes_or_named(run: Run, photos: Path) -> None:
    (photos / "x.jfif").write_bytes((photos / "a.JPG").read_bytes())
    (photos / "without").write_bytes((photos / "b.png").read_bytes())
    (photos / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    done = run("add", photos)
    assert done.code == 1
    assert {line.split("\t")[1] for line in done.out.splitlines()} == {
        "a.JPG", "b.png", "deep/er/c.jpeg", "x.jfif", "without",
    }  # fmt: skip
    assert done.err.count("\n") == 1
    assert "phone.heic is a HEIC or AVIF image" in done.err
    assert len(run("list").out.splitlines()) == 5
