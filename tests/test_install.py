"""Installing a lock: what it names is installed, whatever newer releases the registry holds.

Each test makes wheels, a registry of them in a folder, and an environment with the pip that this
Python brings.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.test_packaging import LOCKS, PYTHONS, SYSTEMS, installed_by, metadata_requirements

INSTALL = Path(__file__).parents[1] / "tools" / "install.sh"

pytestmark = pytest.mark.slow


def wheel(registry: Path, name: str, version: str, *requires: str, extras: str = "") -> str:
    """Put a wheel into the registry; its line in a lock."""
    info = f"{name}-{version}.dist-info"
    fields = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    fields += [f"Provides-Extra: {extras}"] if extras else []
    fields += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": "\n".join(fields) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{digest(text)},{len(text)}\n" for path, text in files.items())
    folder = registry / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(member, text)
    links = "".join(f'<a href="{one.name}">{one.name}</a>' for one in sorted(folder.glob("*.whl")))
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def digest(text: str) -> str:
    found = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={found.rstrip(b'=').decode()}"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of a new environment, with its own old pip."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    return place / "bin" / "python"


def run(registry: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, with pip set to that registry and to a second one that lacks everything."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        command,
        env=environ
        | {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": registry.as_uri(),
            "PIP_EXTRA_INDEX_URL": (registry.parent / "nothing").as_uri(),
        },
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )


def test_a_newer_release_does_not_disturb_a_lock_without_extras(
    tmp_path: Path, python: Path
) -> None:
    registry, lock = tmp_path / "registry", tmp_path / "lock.txt"
    pins = wheel(registry, "outer", "1.0", "inner[more]>=1.0")
    pins += wheel(registry, "inner", "1.0", 'other>=1.0 ; extra == "more"', extras="more")
    pins += wheel(registry, "other", "1.0")
    wheel(registry, "inner", "2.0", 'other>=1.0 ; extra == "more"', extras="more")
    wheel(registry, "other", "2.0")
    lock.write_text(pins)

    done = run(registry, "sh", INSTALL, python, lock)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shown = run(registry, python, "-c", "import inner, other; print(inner.version, other.version)")
    assert shown.stdout == "1.0 1.0\n"


def test_a_lock_that_lacks_a_package_is_refused(tmp_path: Path, python: Path) -> None:
    registry, lock = tmp_path / "registry", tmp_path / "lock.txt"
    lock.write_text(wheel(registry, "outer", "1.0", "inner>=1.0"))
    done = run(registry, "sh", INSTALL, python, lock)
    assert done.returncode == 1
    assert "outer 1.0 requires inner, which is not installed." in done.stderr


def test_a_package_with_other_bytes_is_refused_and_the_reason_shown(
    tmp_path: Path, python: Path
) -> None:
    registry, lock = tmp_path / "registry", tmp_path / "lock.txt"
    pin = wheel(registry, "outer", "1.0")
    lock.write_text(pin[: pin.rindex(":") + 1] + "0" * 64 + "\n")
    done = run(registry, "sh", INSTALL, python, lock)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "Location" not in done.stderr


@pytest.mark.parametrize(
    "settings",
    [
        ["PIP_TARGET={elsewhere}", "PIP_USER=1"],
        ["PIP_PREFIX={elsewhere}", "PIP_DRY_RUN=1"],
        ["PIP_CONSTRAINT={elsewhere}.txt", "PIP_REQUIREMENT={elsewhere}.txt"],
    ],
    ids=["another folder", "nothing", "other versions"],
)
def test_a_persons_settings_of_pip_change_nothing_that_is_installed(
    settings: list[str], tmp_path: Path, python: Path
) -> None:
    registry, lock = tmp_path / "registry", tmp_path / "lock.txt"
    lock.write_text(wheel(registry, "outer", "1.0"))
    wheel(registry, "other", "1.0")
    wheel(registry, "outer", "2.0")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.with_suffix(".txt").write_text("outer==2.0\nother==1.0\n")
    given = [setting.format(elsewhere=elsewhere) for setting in settings]
    done = run(registry, "env", *given, "sh", INSTALL, python, lock)
    assert (done.returncode, done.stderr) == (0, "")
    assert not elsewhere.exists()
    shown = run(registry, python, "-c", "import outer; print(outer.version)")
    assert shown.stdout == "1.0\n"
    assert run(registry, python, "-c", "import other").returncode == 1


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_hold_what_their_packages_need(lock: str, version: str, system: str) -> None:
    """Extras count too: nobody looks for what a lock lacks."""
    pinned = installed_by(lock, version, system)
    missing = [
        f"{needed} (by {name})"
        for name, needed in metadata_requirements(lock, version, system)
        if needed not in pinned
    ]
    assert not missing, missing


def test_it_is_this_pythons_own_pip_that_is_tried(python: Path) -> None:
    own = {(3, 11): 22, (3, 12): 23, (3, 13): 24}.get(sys.version_info[:2], 22)
    shown = subprocess.run(
        [python, "-m", "pip", "--version"], capture_output=True, text=True, check=True
    )
    assert int(shown.stdout.split()[1].split(".")[0]) >= own
