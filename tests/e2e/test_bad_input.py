"""Bad input: everybody is told what is wrong, and nothing else is disturbed or overwritten."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import WAIT_MS, Labeler, documents, eventually, near, rects
from tests.e2e.pictures import Pictures
from tests.pictures import png_claiming

pytestmark = pytest.mark.e2e

Files = dict[str, bytes]


def files_in(folder: Path) -> Files:
    """Every file of the project and its bytes, by its path; without what Labeler derives."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in (".labeler", "thumbnails")
    }


def shows(page: Page, *texts: str) -> None:
    """Wait until the page says all of that; it shows no traceback."""
    for text in texts:
        expect(page.get_by_text(text).first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    assert "Traceback" not in page.inner_text("body")


def cannot_be_opened(labeler: Labeler, *texts: str) -> None:
    """Wait until the workbench says why; nothing can be drawn on it."""
    note = labeler.root.get_by_role("status").and_(labeler.page.locator(".note"))
    for text in texts:
        expect(note).to_contain_text(text)
    expect(labeler.root).to_have_attribute("data-state", "loading")
    labeler.has_boxes(0)
    shows(labeler.page)


def image_id(path: Path) -> str:
    return hashlib.md5(f"{path.name}_{path.stat().st_size}".encode()).hexdigest()


def boxes(folder: Path, picture: Path) -> int:
    path = folder / "annotations" / f"{image_id(picture)}.json"
    return len(json.loads(path.read_bytes())["rects"]) if path.exists() else 0


def in_project(folder: Path, picture: Path, document: bytes) -> Path:
    """Put an image and its document there as an older program left them."""
    for name in ("uploads", "annotations"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "uploads" / picture.name).write_bytes(picture.read_bytes())
    path = folder / "annotations" / f"{image_id(picture)}.json"
    path.write_bytes(document)
    return path


# --- files ----------------------------------------------------------------------------------


def test_files_that_are_not_images(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    photo = pictures.photo("cat.jpg")
    bad = {
        "empty.jpg": b"",
        "text.jpg": b"not a picture\n" * 50,
        "cut.jpg": photo.read_bytes()[:9000],
        "huge.png": png_claiming(50_000, 50_000),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "page.png": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        "<img src=x onerror=alert(1)>.jpg": b"not a picture",
        "large.jpg": photo.read_bytes() + bytes(31 * 2**20),
    }
    paths = []
    for name, data in bad.items():
        paths.append(pictures.folder / name)
        paths[-1].write_bytes(data)
    labeler.upload(*paths[:4], photo, *paths[4:])
    labeler.at("cat.jpg")
    shows(
        labeler.page,
        "1 image added. 8 files were rejected:",
        "empty.jpg is empty.",
        "text.jpg is a text file.",
        "cut.jpg is corrupted",
        "huge.png has 50000 x 50000 pixels; the limit is 100,000,000",
        "drawing.svg is an SVG drawing; export it as PNG.",
        "page.png is a web page; save the image itself.",
        "<img src=x onerror=alert(1)>.jpg is ",
        re.compile(r"large\.jpg is 31\.\d MB; the limit is 30 MB"),  # type: ignore[arg-type]
    )
    assert set(documents(server.folder)) == {"cat.jpg"}
    assert [path.name for path in (server.folder / "uploads").iterdir()] == ["cat.jpg"]
    labeler.drag((40, 40), (140, 140))
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 1


NAMES = {
    'it\'s "quoted" & <b>.jpg': 'it\'s "quoted" & <b>.jpg',
    "50% #1 +a?b=c;d.jpg": "50% #1 +a?b=c;d.jpg",
    "100%22%2e%2e.jpg": "100%22%2e%2e.jpg",
    "**bold** :red[x] $x^2$ `c`.jpg": "**bold** :red[x] $x^2$ `c`.jpg",
    "🐈‍⬛🐾.jpg": "🐈‍⬛🐾.jpg",
    "قطة سوداء.jpg": "قطة سوداء.jpg",
    "cafe\u0301.jpg": "caf\u00e9.jpg",
    "..\\..\\windows.jpg": "windows.jpg",
    "tab\there\nline.jpg": "tabhereline.jpg",
    "n" * 300 + ".jpg": "",
}
"""What the browser sends and what the project keeps; empty: the same, cut to 200 bytes."""


def test_names_of_files(serve: Serve, new_labeler: NewLabeler, pictures: Pictures) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    data = pictures.photo("cat.jpg", (160, 120)).read_bytes()
    sent = [FilePayload(name=name, mimeType="image/jpeg", buffer=data) for name in NAMES]
    chooser = labeler.page.locator("[data-testid=stSidebar] input[type=file]")
    chooser.set_input_files(sent)
    shows(labeler.page, f"{len(NAMES)} images added.")
    kept = set(documents(server.folder))
    assert kept == {path.name for path in (server.folder / "uploads").iterdir()}
    assert {name for name in NAMES.values() if name} < kept
    [cut] = kept - set(NAMES.values())
    assert re.fullmatch(r"n+-[0-9a-f]{8}\.jpg", cut)
    assert len(cut) == 200
    for name in kept:
        path = server.folder / "uploads" / name
        assert documents(server.folder)[name]["metadata"]["image_id"] == image_id(path)
    labeler.at(next(iter(NAMES)))  # the first that was uploaded
    labeler.open_from_list("**bold**")  # the first of the list
    seen = set()
    for number in range(1, len(NAMES) + 1):
        expect(labeler.root.get_by_text(f"{number} of {len(NAMES)}", exact=True)).to_be_visible()
        labeler.ready()
        seen.add(labeler.heading())
        labeler.drag((20, 20), (120, 90))
        labeler.has_boxes(1)
        labeler.next()
    assert seen == kept
    labeler.saved()
    assert all(len(rects(server.folder, name)) == 1 for name in kept)
    labeler.press("Export COCO")
    shows(labeler.page, f"{len(NAMES)} images, {len(NAMES)} boxes")
    [path] = (server.folder / "exports").glob("*.json")
    assert {image["file_name"] for image in json.loads(path.read_bytes())["images"]} == kept


@pytest.mark.parametrize("strategy", ["name-size", "content"])
def test_two_images_of_one_name_and_size(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, strategy: str
) -> None:
    server = serve(LABELER_LABELS="cat", LABELER_IMAGE_ID=strategy)
    labeler = new_labeler(server)
    paths = []
    for folder, color in (("first", "red"), ("second", "blue")):
        paths.append(pictures.folder / folder / "same.bmp")
        paths[-1].parent.mkdir()
        Image.new("RGB", (320, 240), color).save(paths[-1])
    assert paths[0].stat().st_size == paths[1].stat().st_size
    labeler.upload(paths[0])
    labeler.at("same.bmp")
    labeler.drag((40, 40), (140, 140))
    labeler.saved()
    assert len(rects(server.folder, "same.bmp")) == 1
    before = files_in(server.folder)
    labeler.upload(paths[1])
    if strategy == "name-size":
        shows(
            labeler.page,
            "1 file was rejected:",
            "same.bmp: another image of the same name and size is in the project, and its boxes "
            "stay with it.",
            "LABELER_IMAGE_ID=content",
        )
        labeler.has_boxes(1)
        assert files_in(server.folder) == before
        return
    shows(labeler.page, "1 image added.")
    other = hashlib.md5(paths[1].read_bytes()).hexdigest()
    expect(labeler.root).to_have_attribute("data-image", other)
    labeler.ready()
    labeler.has_boxes(0)
    labeler.drag((100, 100), (180, 160))
    labeler.has_boxes(1)
    labeler.saved()
    after = files_in(server.folder)
    assert before.items() <= after.items()
    assert after[f"uploads/{other}/same.bmp"] == paths[1].read_bytes()
    assert len(json.loads(after[f"annotations/{other}.json"])["rects"]) == 1


# --- labels ---------------------------------------------------------------------------------


def test_labels(serve: Serve, new_labeler: NewLabeler, pictures: Pictures) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    page = labeler.page
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    field = page.get_by_label("Name of the new label")

    def add(name: str) -> None:
        if not field.is_visible():
            page.get_by_role("button", name="Add a label").click()
        field.fill(name)
        field.press("Enter")

    def stored() -> list[str]:
        path = server.folder / "labels.json"
        return [label["name"] for label in json.loads(path.read_bytes())["labels"]]

    add("   ")
    shows(page, "A label can't be empty: type a name.")
    add("x" * 200)
    shows(page, "This label has 200 characters; at most 100 are allowed")
    add("CAT")
    shows(page, "This label already exists.")
    good = ['"quoted" & \'<b>x</b>', "**bold** :red[x] $x^2$ `c`", "🐈‍⬛", "قطة", "y" * 100]
    for count, name in enumerate(good, 2):
        add(name)
        expect(page.get_by_test_id("label")).to_have_count(count)
    assert stored() == ["cat", *good]
    page.keyboard.press("Escape")
    if field.is_visible():
        page.get_by_role("button", name="Add a label").click()
    assert page.get_by_test_id("label").locator(".text").all_inner_texts() == ["cat", *good]
    for number, name in enumerate(good, 1):
        labeler.choose(name)
        labeler.drag((20 + 70 * number, 40), (70 + 70 * number, 90))
        labeler.has_boxes(number)
        labeler.saved()
        assert rects(server.folder, "cat.jpg")[-1]["label"] == name
    for number, name in enumerate(good):
        expect(labeler.row(number).locator(".text")).to_have_text(name)
    shows(page)


# --- what lies in the folder ----------------------------------------------------------------


def test_objects_that_are_damaged_or_newer(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    folder = server.folder
    damaged, newer, good = pictures.series(3)
    in_project(folder, damaged, b'{"rects": [{"left": 1')
    version = {"rects": [], "image_path": newer.name, "metadata": {"version": "2.0"}, "new": 1}
    in_project(folder, newer, json.dumps(version).encode())
    (folder / "uploads" / good.name).write_bytes(good.read_bytes())
    eventually((folder / "labels.json").exists)
    before = files_in(folder)
    labeler = new_labeler(server, f"/?image={image_id(good)}")
    page = labeler.page
    labeler.at(good.name)
    labeler.open_from_list(image_id(damaged)[:12])
    cannot_be_opened(labeler, "is damaged: Invalid JSON", "It was left as it is")
    labeler.open_from_list(image_id(newer)[:12])
    cannot_be_opened(labeler, "was written by a newer Labeler (format 2.0; this one reads 1.x)")
    labeler.upload(damaged, newer)
    shows(page, "2 files were rejected:", "is damaged: Invalid JSON")
    assert files_in(folder) == before
    for named in ("0" * 32, "../../etc/passwd", "%3Cscript%3Ealert(1)%3C/script%3E"):
        page.goto(f"{server.url}/?image={named}")
        shows(page, "There is no image", "Choose one from the list.")
        expect(page.locator("[data-testid=workbench][data-state=ready]")).to_have_count(0)
    labeler.open_from_list(good.name)
    labeler.at(good.name)
    assert files_in(folder) == before

    # The label set is damaged while somebody works, and is put right again.
    labeler.drag((40, 40), (140, 140))
    labeler.saved()
    assert boxes(folder, good) == 1
    labels = folder / "labels.json"
    labels.write_bytes(b'{"labels": [{"number": 1, "name": ""}]}')
    labeler.drag((160, 40), (220, 140))
    labeler.saved()
    assert boxes(folder, good) == 2
    shows(page, "labels.json is damaged at labels[0].name")
    other = new_labeler(server)
    shows(other.page, "labels.json is damaged at labels[0].name")
    other.press("Export COCO")
    shows(other.page, "labels.json is damaged at labels[0].name")
    assert labels.read_bytes() == b'{"labels": [{"number": 1, "name": ""}]}'
    assert not (folder / "exports").exists()
    labels.unlink()
    other.page.goto(server.url)  # the address holds the export that failed, which is told again
    other.at(good.name)
    other.has_boxes(2)
    expect(other.page.get_by_text("is damaged")).to_have_count(0)


def old_document(name: str, size: tuple[int, int]) -> dict[str, Any]:
    """A document of format 1.0 with keys that nobody here knows, at every level."""
    return {
        "rects": [
            {"left": 150.5, "top": 200.3, "width": 120.8, "height": 180.2, "label": "person",
             "score": 0.75, "tags": ["a", {"b": None}]},
            {"left": 10.123456, "top": 20, "width": 30, "height": 40, "label": "not in the set"},
        ],
        "image_path": name, "image_width": size[0], "image_height": size[1],
        "camera": {"lens": [1, 2.5]},
        "metadata": {"image_path": name, "image_id": "", "saved_at": "2023-12-01T14:30:22.123456",
                     "version": "1.0", "station": "north"},
    }  # fmt: skip


def test_a_document_of_an_existing_bucket(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="person,car")
    photo = pictures.photo("street.jpg", (640, 480))
    document = old_document("street.jpg", (640, 480))
    document["metadata"]["image_id"] = image_id(photo)
    written = json.dumps(document, indent=4).encode()
    path = in_project(server.folder, photo, written)
    labeler = new_labeler(server)
    page = labeler.page
    labeler.at("street.jpg")
    labeler.has_boxes(2)
    expect(labeler.row(1)).to_contain_text("not in the set")
    expect(labeler.row(1)).to_contain_text("unknown label")
    labeler.row(0).click()
    for name, value in (("left", "150.5"), ("top", "200.3"), ("width", "120.8")):
        expect(page.get_by_label(f"{name} in image pixels")).to_have_value(value)
    labeler.keys("Escape")
    labeler.click((500, 60))  # nothing is there: this is no change
    page.wait_for_timeout(800)
    page.reload()
    labeler.at("street.jpg")
    assert path.read_bytes() == written

    labeler.drag((400, 60), (500, 130))
    labeler.has_boxes(3)
    labeler.saved()
    after = json.loads(path.read_bytes())
    ids = [rect.pop("id") for rect in after["rects"]]
    assert len(set(ids)) == 3
    assert after["rects"][:2] == document["rects"]
    assert near(after["rects"][2], [400, 60, 100, 70], 1)
    metadata = after.pop("metadata")
    assert metadata.pop("saved_at").endswith("+00:00")
    assert metadata.pop("content_md5") == hashlib.md5(photo.read_bytes()).hexdigest()
    del document["metadata"]["saved_at"]
    assert metadata == document.pop("metadata")
    del after["rects"], document["rects"]
    assert after == document

    # An old box keeps its id and what we don't know of it when it is moved.
    labeler.click((210, 290))
    labeler.drag((210, 290), (240, 300))
    labeler.saved()
    assert near(rects(server.folder, "street.jpg")[0], [180.5, 210.3, 120.8, 180.2], 2)
    moved = rects(server.folder, "street.jpg")[0]
    assert (moved["id"], moved["score"], moved["tags"]) == (ids[0], 0.75, ["a", {"b": None}])
    shows(page)
