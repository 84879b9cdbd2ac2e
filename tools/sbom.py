"""Prints what Labeler is made of: a CycloneDX document (JSON) of the packages in requirements.txt.

    .venv/bin/python tools/sbom.py > sbom.cdx.json

Names, versions and hashes come from the lock, licenses from the installed packages. The same lock
gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_PACKAGE: Final = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)([^\n]*)((?:\n    --hash=[^\n]*)*)",
    re.MULTILINE,
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CLASSIFIER: Final = "License :: OSI Approved :: "


def locked_packages(lock: str) -> list[dict[str, Any]]:
    """The packages of a lock as components, in its order."""
    return [
        component(name, version, _HASH.findall(hashes))
        for name, version, _, hashes in _PACKAGE.findall(lock)
    ]


def component(name: str, version: str, hashes: list[str]) -> dict[str, Any]:
    """One package. It has no license here if it is for another system."""
    purl = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version}
    made["purl"] = purl
    # One package has a hash for each of its files: which one is installed, the system decides.
    made["properties"] = [{"name": "labeler:sha256", "value": value} for value in hashes]
    if license_name := license_of(name):
        made["licenses"] = [{"license": {"name": license_name}}]
    return made


def license_of(name: str) -> str:
    """The license that the installed package names; empty if it is not installed."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if "License-Expression" in told:
        return str(told["License-Expression"])
    classifiers = told.get_all("Classifier") or []
    found = [one.removeprefix(_CLASSIFIER) for one in classifiers if one.startswith(_CLASSIFIER)]
    given = str(told["License"]) if "License" in told else ""
    return " OR ".join(sorted(found)) or given.partition("\n")[0] or "unknown"


def document(lock: str, version: str) -> dict[str, Any]:
    """The whole document (CycloneDX 1.6)."""
    labeler = {"type": "application", "bom-ref": "labeler", "name": "labeler", "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": labeler},
        "components": locked_packages(lock),
    }


def main() -> None:
    """Print the document."""
    sys.path.insert(0, str(ROOT))
    from labeler import __version__

    lock = (ROOT / "requirements.txt").read_text()
    print(json.dumps(document(lock, __version__), indent=2))


if __name__ == "__main__":
    main()
