"""LABELER_EXIF_LOCATION=remove: images are given out without the place where they were taken."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.api.conftest import Open
from tests.api.support import Api, rect
from tests.test_image_location import PHOTOS, SECRETS, frames, jpeg_photo

SHOWN_AS_THEY_ARE = ("JPEG", "progressive JPEG", "MPO", "GIF")
"""Photos of PHOTOS whose original a browser shows upright; of the others it gets a copy."""


@pytest.fixture
def api(open_api: Open) -> Api:
    return open_api(LABELER_EXIF_LOCATION="remove")


def has_place(data: bytes) -> bool:
    return any(secret in data for secret in SECRETS)


@pytest.mark.parametrize("kind", PHOTOS)
def test_an_image_is_shown_without_its_place_and_stored_with_it(api: Api, kind: str) -> None:
    data, path = PHOTOS[kind](), f"uploads/{kind}.jpg"
    image_id = api.image(f"{kind}.jpg", data)
    for query in ("", "?width=8", "?width=128", "?width=5000"):
        shown = api.client.get(f"/api/images/{image_id}{query}")
        assert shown.status_code == 200
        assert not has_place(shown.content)
    full = api.client.get(f"/api/images/{image_id}").content
    if kind in SHOWN_AS_THEY_ARE:
        assert frames(full) == frames(data)
    assert (api.folder / path).read_bytes() == data
    document, _ = api.read(image_id)
    assert document["metadata"]["content_md5"] == hashlib.md5(data).hexdigest()
    assert image_id == hashlib.md5(f"{kind}.jpg_{len(data)}".encode()).hexdigest()
    assert api.add(f"{kind}.jpg", data).status_code == 200  # the same image again


@pytest.mark.parametrize("form", ["yolo", "voc", "cvat", "parquet", "imagefolder"])
def test_exports_hold_images_without_their_place(api: Api, form: str) -> None:
    photos = {f"{number}.{kind[-4:].strip().lower()}": make()
              for number, (kind, make) in enumerate(PHOTOS.items())}  # fmt: skip
    for name, data in photos.items():
        api.save(api.image(name, data), rect())
    answer = api.client.get(f"/api/export/{form}?images=1")
    assert answer.status_code == 200, answer.text
    if form == "parquet":
        assert not has_place(answer.content)
        return
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        packed = [archive.read(one) for one in archive.namelist()]
    pixels = [frames(data) for data in photos.values()]
    found = [data for data in packed if len(data) > 100 and is_image(data)]
    assert sorted(map(frames, found)) == sorted(pixels)
    assert not any(map(has_place, packed))


def is_image(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF", b"GIF8", b"II", b"MM"))


def test_an_image_whose_place_can_not_be_found_is_not_exported(api: Api) -> None:
    api.save(api.image(), rect())
    broken = b"II*\0\x08\0\0\0\xff\xff" + b"Potsdam"
    path = api.folder / "uploads" / "a.png"
    document = next((api.folder / "annotations").glob("*.json"))
    old = hashlib.md5(path.read_bytes()).hexdigest()
    path.write_bytes(broken)
    new = hashlib.md5(broken).hexdigest()
    document.write_bytes(document.read_bytes().replace(old.encode(), new.encode()))
    answer = api.client.get("/api/export/yolo?images=1")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "labels/train/a.txt" in archive.namelist()
        assert not any(name.startswith("images/") for name in archive.namelist())


def test_pictures_of_the_guide_have_no_place(api: Api) -> None:
    folder = api.folder / "guide"
    folder.mkdir(parents=True)
    (folder / "a b.jpg").write_bytes(jpeg_photo())
    shown = api.client.get(f"/api/guide/{quote('a b.jpg')}")
    assert shown.status_code == 200
    assert not has_place(shown.content)
    assert frames(shown.content) == frames(jpeg_photo())


def test_without_the_setting_files_are_given_out_as_they_are(
    open_api: Open, tmp_path: Path
) -> None:
    api = open_api(tmp_path / "other")
    data = jpeg_photo()
    image_id = api.image("a.jpg", data)
    assert api.client.get(f"/api/images/{image_id}").content == data
