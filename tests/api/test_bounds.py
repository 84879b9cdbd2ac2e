"""What the API holds at once has a bound: images, copies of them, files in the making."""

from __future__ import annotations

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labeler.project.project import Project
from labeler.runtime import spools
from tests.api.conftest import Open
from tests.api.support import Api, rect
from tests.api.test_request_bodies import Upload
from tests.pictures import jpeg, png
from tests.waiting import settled

WIDTHS = (640, 1024, 1600, 2400, 3600)


class Meter:
    """How many are inside at once, at most, and how many have been there."""

    def __init__(self) -> None:
        self.inside = self.most = self.calls = 0
        self._lock = threading.Lock()

    def around(self, work: Any) -> Any:
        def measured(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.inside += 1
                self.calls += 1
                self.most = max(self.most, self.inside)
            time.sleep(0.02)  # so that those who could come in at the same time do
            try:
                return work(*args, **kwargs)
            finally:
                with self._lock:
                    self.inside -= 1

        return measured


def test_one_image_at_a_time_is_decoded_and_each_copy_made_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = api.image("a.png", png(4000, 300))
    decoding, held = Meter(), Meter()
    monkeypatch.setattr(Image.Image, "resize", decoding.around(Image.Image.resize))
    monkeypatch.setattr(Project, "display_image", held.around(Project.display_image))
    with ThreadPoolExecutor(20) as pool:
        asked = [f"/api/images/{image_id}?width={width}" for width in WIDTHS * 4]
        answers = list(pool.map(api.client.get, asked))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert (decoding.most, decoding.calls) == (1, len(WIDTHS))
    assert held.calls == len(WIDTHS)
    assert held.most <= 4


def test_copies_are_kept_within_a_number_of_bytes(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.images._COPIES_BYTES", 40_000)
    api = open_api()
    image_id = api.image("a.jpg", jpeg(1000, 800))
    made = Meter()
    monkeypatch.setattr(Project, "display_image", made.around(Project.display_image))

    def ask(width: int) -> None:
        assert api.client.get(f"/api/images/{image_id}?width={width}").status_code == 200

    for width in range(100, 140):
        ask(width)
    ask(139)
    assert made.calls == 40
    ask(100)
    assert made.calls == 41
    ask(900)  # larger than a copy that is kept: made again each time
    ask(900)
    assert made.calls == 43


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, which all are on disk from the first byte."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(spools, "IN_MEMORY", 1)
    return folder


def open_in(folder: Path) -> list[str]:
    """The files there that this process has open: a temporary one has no name on Linux."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        try:
            target = str(path.readlink())
        except OSError:  # the folder's own, which is closed by now
            continue
        if target.startswith(str(folder)):
            found.append(target)
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")


@needs_proc
def test_an_import_that_is_cut_off_leaves_no_file(api: Api, temp: Path) -> None:
    upload = Upload(api, "Content-Length: 100000", path="/api/imports?format=coco")
    upload.send(b"{" * 50_000)
    assert settled(lambda: len(open_in(temp)) == 1)
    upload.cut()
    assert settled(lambda: open_in(temp) == [])
    assert list(temp.iterdir()) == []


@needs_proc
@pytest.mark.parametrize("path", ["/api/export/coco", "/api/export/yolo?images=1"])
def test_an_export_that_is_cut_off_leaves_no_file(api: Api, temp: Path, path: str) -> None:
    for number in range(4):
        image_id = api.image(f"{number}.png", png() + bytes(4 * 2**20))
        api.save(image_id, *(rect(left, label="x" * 100) for left in range(1, 50)))
    with api.client.stream("GET", path) as answer:
        assert answer.status_code == 200
        next(answer.iter_raw(100))
    assert settled(lambda: open_in(temp) == [])
    assert list(temp.iterdir()) == []


def test_uploads_that_are_cut_off_or_refused_leave_no_file_in_the_store(api: Api) -> None:
    api.image()
    own = api.folder / ".labeler" / "tmp"
    for number in range(3):
        upload = Upload(api, "Content-Length: 100000")
        upload.send(png() * (number + 1))
        upload.cut()
        assert api.add("b.png", png() + b"x").is_success
        assert api.add("c.png", png()[:60]).status_code == 422
    assert settled(lambda: list(own.iterdir()) == [])
