"""The scripts of the workbench as browsers fetch them."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from labeler.api.responses import HANDLERS
from labeler.api.workbench import send_module
from labeler.runtime.browser_modules import read_modules, workbench_modules

ADDRESS = f"/api/workbench/{workbench_modules().version}"


def client() -> TestClient:
    route = Route("/api/workbench/{version}/{name:path}", send_module)
    return TestClient(Starlette(routes=[route], exception_handlers=HANDLERS))


def test_files_of_this_version_are_kept_for_good_and_those_of_another_are_not() -> None:
    own = client().get(f"{ADDRESS}/mount.js")
    assert "immutable" in own.headers["Cache-Control"]
    assert own.headers["Content-Type"].startswith("text/javascript")
    other = client().get("/api/workbench/0123456789abcdef/mount.js")
    assert other.content == own.content
    assert other.headers["Cache-Control"] == "no-store"


def test_every_import_of_every_script_is_there() -> None:
    names = workbench_modules().files
    for name, data in names.items():
        for imported in re.findall(r'from "(\.[^"]+)"', data.decode()):
            found = (Path("/") / name).parent / imported
            assert str(found.resolve())[1:] in names, f"{name} imports {imported}"


def test_nothing_but_scripts_and_styles_is_sent() -> None:
    for name in ("component.py", "../page.py", "%2e%2e/page.py", "nothing.js", ""):
        assert client().get(f"{ADDRESS}/{name}").status_code == 404


def test_the_version_changes_with_any_byte_and_any_name(tmp_path: Path) -> None:
    versions = set()
    for name, text in (("a.js", "1"), ("a.js", "2"), ("b.js", "2")):
        (tmp_path / name).write_text(text)
        versions.add(read_modules(tmp_path).version)
    assert len(versions) == 3
    (tmp_path / "notes.txt").write_text("not sent")
    assert read_modules(tmp_path).version in versions
