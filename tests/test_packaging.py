"""What the project says about itself agrees: versions, locks, and no address of a registry."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import streamlit as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import labeler

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
BEAM_LOCK = "requirements-beam.txt"
"""Of an environment of its own, whose versions differ from the others."""
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = ("linux", "darwin")

REGISTRY = re.compile(
    r"(pypi|pythonhosted|npmjs|yarnpkg|crates|debian|ubuntu|proxy\.golang)\.(org|com|io)"
    r"|--(extra-)?index-url[ =]|--find-links[ =]",
    re.IGNORECASE,
)


class Pin(NamedTuple):
    requirement: Requirement
    hashes: int


def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


@cache
def pins_of(lock: str) -> tuple[Pin, ...]:
    """The pins of a lock; any line that is no pin, hash or comment fails here."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in hashes), line
        pins.append(Pin(Requirement(requirement), len(hashes)))
    return tuple(pins)


def environment_of(python: str, system: str) -> dict[str, str]:
    """What markers ask about one kind of machine."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system,
        "platform_system": system.capitalize(),
    }


def installed_by(lock: str, python: str, system: str) -> dict[str, str]:
    """Name and version of what a lock installs on one kind of machine."""
    environment = environment_of(python, system)
    versions: dict[str, str] = {}
    for requirement, _ in pins_of(lock):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in versions, f"{lock} pins {name} twice for Python {python}"
            versions[name] = str(requirement.specifier).removeprefix("==")
    return versions


def metadata_requirements(lock: str, python: str, system: str) -> Iterator[tuple[str, str]]:
    """Each package of the lock that is installed here, with the name of each that it needs.

    An extra counts where pyproject.toml or another package asks for it.
    """
    environment = environment_of(python, system)
    wanted = list(map(Requirement, project()["dependencies"]))
    if lock == "requirements-dev.txt":
        wanted += map(Requirement, project()["optional-dependencies"]["dev"])
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                needed = map(Requirement, distribution(name).requires or ())
            except PackageNotFoundError:  # for another system or Python than this one
                continue
            for one in needed:
                marker = one.marker
                if marker is None or marker.evaluate(environment | {"extra": extra}):
                    yield name, canonicalize_name(one.name)
                    wanted.append(one)


def test_the_version_is_the_same_everywhere() -> None:
    assert project()["version"] == labeler.__version__


@pytest.mark.parametrize("lock", [*LOCKS, BEAM_LOCK])
def test_every_pin_is_exact_and_has_hashes(lock: str) -> None:
    assert pins_of(lock)
    for requirement, hashes in pins_of(lock):
        assert requirement.url is None
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes, requirement


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", [*LOCKS, BEAM_LOCK])
def test_the_lock_is_in_step_with_pyproject(lock: str, python: str, system: str) -> None:
    """`make lock` was run after the last change of a dependency."""
    wanted = list(project()["dependencies"])
    extra = {"requirements-dev.txt": "dev", BEAM_LOCK: "beam"}.get(lock)
    wanted += project()["optional-dependencies"][extra] if extra else []
    versions = installed_by(lock, python, system)
    for dependency in map(Requirement, wanted):
        version = versions.get(canonicalize_name(dependency.name))
        assert version, f"{dependency} is not in {lock}: run make lock"
        assert dependency.specifier.contains(version), f"{lock} has {version}, not {dependency}"


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_tests_run_on_the_versions_that_users_get(python: str, system: str) -> None:
    users, developers = (installed_by(lock, python, system) for lock in LOCKS)
    assert users.items() <= developers.items()


def test_streamlit_knows_every_option_that_is_set() -> None:
    """A misspelled one would be passed over in silence."""
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    sections = list(config.items())
    for section, options in sections:
        for name, value in options.items():
            if isinstance(value, dict):
                sections.append((f"{section}.{name}", value))
            else:
                assert st.get_option(f"{section}.{name}") == value


def test_the_oldest_python_that_is_allowed_is_checked() -> None:
    assert project()["requires-python"] == f">={PYTHONS[0]}"


def test_no_tracked_file_names_a_package_registry() -> None:
    """Where packages come from is set on the machine that installs them, not here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    assert paths
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in paths
        if path.is_file()
        for match in REGISTRY.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert not found, "\n".join(found)


def test_the_search_for_registries_finds_one() -> None:
    assert REGISTRY.search("https://" + "files.pythonhosted" + ".org/packages/x")
    assert REGISTRY.search("--index" + "-url https://example.test/simple")
