"""`make release`: notes for a tidy state, and the name of each thing that is not tidy."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from labeler import __version__

ROOT = Path(__file__).parents[1]
CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- A thing.

## [0.1.0] - 2026-11-22

- The first.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose version 0.2.0 can be released."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "release.py", tmp_path / "tools")
    (tmp_path / "labeler").mkdir()
    (tmp_path / "labeler" / "__init__.py").write_text('__version__ = "0.2.0"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "labeler"\nversion = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.email", "a@example.com")
    git(tmp_path, "config", "user.name", "A")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Work")


def release(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/release.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_notes_of_the_version_are_printed(project: Path) -> None:
    done = release(project)
    assert (done.returncode, done.stdout) == (0, "### Added\n\n- A thing.\n")
    assert "git tag -a v0.2.0" in done.stderr


def changed(name: str, before: str, after: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        commit(folder)

    return change


@pytest.mark.parametrize(
    ("untidy", "told"),
    [
        (changed("labeler/__init__.py", "0.2.0", "0.1.9"), "labeler/__init__.py does not say"),
        (changed("CHANGELOG.md", "[0.2.0]", "[0.3.0]"), "no notes for 0.2.0"),
        (changed("CHANGELOG.md", " - 2026-12-01", ""), "needs its date"),
        (changed("CHANGELOG.md", "[Unreleased]\n", "[Unreleased]\n\n- x\n"), "under Unreleased"),
        (lambda folder: (folder / "new").write_text("x"), "not committed"),
        (lambda folder: git(folder, "checkout", "-q", "-b", "other"), "not the branch main"),
        (lambda folder: git(folder, "tag", "v0.2.0"), "a tag v0.2.0 already"),
    ],
)
def test_an_untidy_state_is_refused(
    project: Path, untidy: Callable[[Path], None], told: str
) -> None:
    untidy(project)
    done = release(project)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr


def test_the_program_says_the_version_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
