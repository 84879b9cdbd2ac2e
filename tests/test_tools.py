"""The scripts that `make` asks: which Python, which browser, and what to say where there is none.

Each test gives a script a PATH of its own, as a newcomer's machine might have it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
NEEDED = ("sh", "env", "ln", "mktemp", "tail", "rm")

GOOD = f'exec "{sys.executable}" "$@"'
OLD = 'echo "old"'
SHIM = 'echo "pyenv: python: command not found" >&2; exit 127'
WITHOUT_VENV = f'case "$2" in *ensurepip*) echo "without venv";; *) {GOOD};; esac'
BROWSER = 'echo "Chromium 150"'
BROKEN = "exit 1"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is the whole PATH."""
    for name in NEEDED:
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    return tmp_path


def put(machine: Path, **programs: str) -> None:
    for name, script in programs.items():
        path = machine / name.replace("_", "-")
        with path.open("x") as file:  # never through a link into the real programs
            file.write(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def ask(machine: Path, tool: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [machine / "sh", TOOLS / tool],
        env={"PATH": str(machine), **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_the_newest_python_that_starts_is_used(machine: Path) -> None:
    put(machine, **{"python3.13": SHIM, "python3.12": GOOD, "python3.11": GOOD, "python3": GOOD})
    assert ask(machine, "python.sh") == (0, "python3.12", "")


def test_a_plain_python3_will_do(machine: Path) -> None:
    put(machine, python3=GOOD)
    assert ask(machine, "python.sh") == (0, "python3", "")


def test_a_python_that_is_named_is_the_only_one_asked(machine: Path) -> None:
    put(machine, mine=GOOD, python3=GOOD)
    assert ask(machine, "python.sh", PYTHON="mine") == (0, "mine", "")
    code, out, err = ask(machine, "python.sh", PYTHON="another")
    assert (code, out) == (1, "")
    assert "another" in err


def test_an_old_python_is_not_enough(machine: Path) -> None:
    put(machine, python3=OLD)
    code, out, err = ask(machine, "python.sh")
    assert (code, out) == (1, "")
    assert "No Python 3.11 or newer" in err


def test_an_older_python_with_venv_beats_a_newer_one_without(machine: Path) -> None:
    put(machine, **{"python3.12": WITHOUT_VENV, "python3.11": GOOD})
    assert ask(machine, "python.sh") == (0, "python3.11", "")


def test_the_missing_venv_package_is_named(machine: Path) -> None:
    put(machine, python3=WITHOUT_VENV)
    code, out, err = ask(machine, "python.sh")
    assert (code, out) == (1, "")
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in err


def test_a_browser_is_found_under_its_other_names(machine: Path) -> None:
    put(machine, chromium=BROKEN, google_chrome=BROWSER)
    assert ask(machine, "chromium.sh") == (0, str(machine / "google-chrome"), "")


def test_the_browser_that_is_named_wins_and_has_to_start(machine: Path) -> None:
    put(machine, chromium=BROWSER, mine=BROWSER, broken=BROKEN)
    mine, broken = str(machine / "mine"), str(machine / "broken")
    assert ask(machine, "chromium.sh", CHROMIUM=mine) == (0, mine, "")
    code, out, err = ask(machine, "chromium.sh", CHROMIUM=broken)
    assert (code, out) == (1, "")
    assert broken in err


def test_without_a_browser_it_says_what_to_install(machine: Path) -> None:
    code, out, err = ask(machine, "chromium.sh")
    assert (code, out) == (1, "")
    assert "install" in err
    assert "CHROMIUM" in err


def test_root_gets_the_browser_installed(machine: Path) -> None:
    put(machine, id="echo 0", browser=BROWSER, apt_get=apt_get(machine))
    assert ask(machine, "chromium.sh")[:2] == (0, str(machine / "chromium"))
    calls = (machine / "calls").read_text().splitlines()
    assert calls[0] == "update"
    assert calls[1].startswith("install")
    assert calls[1].endswith(" chromium")


def test_sudo_is_used_where_it_asks_for_no_password(machine: Path) -> None:
    sudo = f'echo sudo >>"{machine}/calls"; [ "$1" = -n ] && exit 0; exec "$@"'
    put(machine, id="echo 1000", browser=BROWSER, apt_get=apt_get(machine), sudo=sudo)
    assert ask(machine, "chromium.sh")[:2] == (0, str(machine / "chromium"))
    assert (machine / "calls").read_text().splitlines()[:3] == ["sudo", "sudo", "update"]


def test_nobody_is_asked_for_a_password(machine: Path) -> None:
    put(machine, id="echo 1000", browser=BROWSER, apt_get=apt_get(machine), sudo="exit 1")
    code, out, err = ask(machine, "chromium.sh")
    assert (code, out) == (1, "")
    assert "CHROMIUM" in err
    assert not (machine / "calls").exists()


def test_a_failed_install_shows_why(machine: Path) -> None:
    put(machine, id="echo 0", apt_get='echo "No route to the mirror"; exit 100')
    code, out, err = ask(machine, "chromium.sh")
    assert (code, out) == (1, "")
    assert "No route to the mirror" in err


def apt_get(machine: Path) -> str:
    """Notes its arguments; "install" makes the machine's chromium out of its browser."""
    return (
        f'echo "$@" >>"{machine}/calls"\n'
        f'[ "$1" = update ] || ln -s "{machine}/browser" "{machine}/chromium"'
    )
