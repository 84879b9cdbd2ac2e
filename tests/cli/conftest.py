"""A place, a project and photos for the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.cli import main
from tests.cli.support import Done, Run
from tests.pictures import jpeg, png
from tests.projects import Workspace


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on an empty folder; settings are named without their prefix."""
    monkeypatch.setenv("LABELER_STORAGE", str(tmp_path / "data"))

    def command(*arguments: object, **environ: str) -> Done:
        for name, value in environ.items():
            monkeypatch.setenv(f"LABELER_{name}", value)
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(str(ended.code))
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return command


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """The same folder, which is there then, seen by the dataset itself."""
    (tmp_path / "data").mkdir(exist_ok=True)
    made = Workspace(str(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three images at several depths, and what is none."""
    folder = tmp_path / "photos"
    for name, data in {
        "b.png": png(),
        "a.JPG": jpeg(),
        "deep/er/c.jpeg": jpeg(32, 32),
        "notes.txt": b"words",
        ".hidden.png": png(),
        ".git/x.png": png(),
        "png": b"no image",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
