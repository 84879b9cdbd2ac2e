"""The unit tests of the scripts that run in the browser; `make lint` checks their types and style.

They run in Deno without a browser, a network, or access to any file but the scripts themselves.
"""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from labeler.ui.assets import script

ROOT = Path(__file__).parents[1]
DENO = Path(sysconfig.get_path("scripts")) / "deno"
FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*_test.js"))


def run_tests(file: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run one file of tests; `cache` is a folder that Deno may fill."""
    environ = os.environ | {"DENO_DIR": str(cache), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    command: list[str | Path] = [DENO, "test", "--no-check", "--no-prompt", "--no-remote", file]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=550, check=False
    )


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_unit_tests_of_a_script_pass(file: Path, tmp_path: Path) -> None:
    done = run_tests(file, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ok \| [1-9]\d* passed \| 0 failed ", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("assert.equal(1 + 1, 3)", "Expected values to be strictly equal"),
        ("await Deno.connect({ port: 1 })", "Requires net access"),
        ("Deno.readTextFileSync('/etc/hosts')", "Requires read access"),
    ],
)
def test_a_script_that_fails_or_reaches_out_is_noticed(
    body: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad_test.js"
    file.write_text(
        'import assert from "node:assert/strict";\n'
        f'Deno.test("bad", async () => {{ {body}; await null; assert.ok(true); }});\n'
    )
    done = run_tests(file, tmp_path / "cache")
    assert done.returncode == 1
    assert said in done.stdout


@pytest.mark.parametrize(
    "name", ["address", "image_list", "importer", "navigation", "presence", "uploader"]
)
def test_a_component_gets_one_module_with_all_that_it_imports(name: str, tmp_path: Path) -> None:
    """Names that two of the joined modules share would be an error here."""
    text = script(f"components/{name}")
    (tmp_path / "joined.js").write_text(text)
    file = tmp_path / "joined_test.js"
    file.write_text(
        'import assert from "node:assert/strict";\n'
        'import * as joined from "./joined.js";\n'
        'Deno.test("joined", () => assert.deepEqual(Object.keys(joined), ["default"]));\n'
    )
    done = run_tests(file, tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"^\s*(//|/\*\*)", text, re.MULTILINE)
    assert "import " not in text
