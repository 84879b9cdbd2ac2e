"""The notes of the release that pyproject.toml names, from CHANGELOG.md, for a tidy state only.

    python tools/release.py          # prints the notes; the commands that follow go to stderr

It changes nothing. Every fault is named: a version that differs between pyproject.toml, the program
and the changelog, changes that are not committed, notes without a date, a tag that is there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

_SECTION: Final = re.compile(r"^## \[([^\]]+)\](.*)$", re.MULTILINE)


def git(root: Path, *arguments: str) -> str:
    """What git prints in that folder; an error if it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def notes_of(changelog: str, version: str) -> tuple[str, str]:
    """What follows the version in its heading, and the text below it; both empty without one."""
    found = list(_SECTION.finditer(changelog))
    for heading, following in zip(found, [*found[1:], None], strict=True):
        if heading[1] == version:
            end = following.start() if following else len(changelog)
            return heading[2].strip(), changelog[heading.end() : end].strip()
    return "", ""


def faults(root: Path, version: str, changelog: str) -> list[str]:
    """What has to be put right before this version can be released."""
    found = []
    program = re.search(
        r'__version__ = "(.*)"', (root / "labeler" / "__init__.py").read_text(encoding="utf-8")
    )
    if program is None or program[1] != version:
        found.append(f"labeler/__init__.py does not say that this is {version}, as pyproject.toml.")
    date, notes = notes_of(changelog, version)
    if not notes:
        found.append(f"CHANGELOG.md has no notes for {version}: name its section so.")
    elif not re.fullmatch(r"- \d{4}-\d{2}-\d{2}", date):
        found.append(f"CHANGELOG.md: the section of {version} needs its date, like - 2026-11-22.")
    if notes_of(changelog, "Unreleased")[1]:
        found.append("CHANGELOG.md has changes under Unreleased: they belong to this version.")
    if git(root, "status", "--porcelain"):
        found.append("There are changes that are not committed.")
    if git(root, "rev-parse", "--abbrev-ref", "HEAD") != "main":
        found.append("This is not the branch main.")
    if git(root, "tag", "--list", f"v{version}"):
        found.append(f"There is a tag v{version} already: raise the version in pyproject.toml.")
    return found


def main(root: Path) -> int:
    """Print the notes of the version, or its faults; the exit code."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = faults(root, version, changelog)
    for fault in found:
        print(f"release: {fault}", file=sys.stderr)
    if found:
        return 1
    print(notes_of(changelog, version)[1])
    print(
        f"\nNow: git tag -a v{version} -m 'Labeler {version}' && git push origin v{version}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1]))
