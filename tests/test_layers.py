"""Imports only point down, and each outside package has its one home.

Read twice: in the source, for every module, and in what a fresh interpreter has really loaded, for
what a package brings along unseen.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"labeler", "labeler.errors"}),
    frozenset(
        {
            "labeler.runtime.garbage_collection",
            "labeler.runtime.events",
            "labeler.model.stored_json",
            "labeler.ui.drawable.scheduler",
            "labeler.model.unicode_text",
        }
    ),
    frozenset(
        {
            "labeler.model.people",
            "labeler.runtime.descriptors",
            "labeler.gray_levels",
            "labeler.image_names",
            "labeler.image_work",
            "labeler.ui.drawable.geometry",
            "labeler.runtime.jobs",
            "labeler.datasets.exports.joined_file",
            "labeler.runtime.logs",
            "labeler.runtime.sockets",
            "labeler.access.tokens",
        }
    ),
    frozenset({"labeler.runtime.frames", "labeler.access.iap", "labeler.model.labels"}),
    frozenset({"labeler.model.label_edits", "labeler.model.document", "labeler.settings"}),
    frozenset(
        {"labeler.images", "labeler.model.merge", "labeler.datasets.selection", "labeler.storage"}
    ),
    frozenset(
        {
            "labeler.datasets.rules",
            "labeler.project.label_store",
            "labeler.model.label_counts",
            "labeler.project.originals",
            "labeler.datasets.exports.numbering",
        }
    ),
    frozenset(
        {"labeler.datasets.formats", "labeler.datasets.imports.match", "labeler.datasets.manifest"}
    ),
    frozenset(
        {
            "labeler.project.image_index",
            "labeler.datasets.exports.coco",
            "labeler.model.edits",
            "labeler.project.locations",
            "labeler.access.secret_key",
        }
    ),
    frozenset(
        {
            "labeler.project.image_labels",
            "labeler.datasets.exports.scan",
            "labeler.datasets.imports.place",
        }
    ),
    frozenset({"labeler.datasets.imports.duplicates", "labeler.datasets.imports.report"}),
    frozenset({"labeler.datasets.exports.read"}),
    frozenset({"labeler.datasets.exports.previous"}),
    frozenset({"labeler.datasets.exports.incremental", "labeler.datasets.exports.verify"}),
    frozenset({"labeler.datasets.exports.exporter", "labeler.access.policy"}),
    frozenset(
        {"labeler.maintenance.check", "labeler.maintenance.copy", "labeler.maintenance.restore"}
    ),
    frozenset({"labeler.project.project"}),
    frozenset({"labeler.datasets.exports.zips", "labeler.datasets.imports.images"}),
    frozenset({"labeler.datasets.imports.run"}),
    frozenset({"labeler.project.save_events"}),
    frozenset({"labeler.ui.drawable.saver"}),
    frozenset({"labeler.api", "labeler.cli", "labeler.ui"}),
    frozenset({"app", "labeler.__main__"}),
)
"""Lowest first. A unit is a module, or a package with all that is in it. A unit imports only from
layers below its own, so units of one layer, the three edges above all, never import each other."""

NARROWER = {"labeler.storage": {"labeler.errors", "labeler.runtime.events", "labeler.settings"}}
"""Units that may import less than everything below them."""

OUTSIDE = {
    "PIL": {"labeler.images"},
    "aiohttp": {"labeler.storage"},
    "gcsfs": set(),
    "google": {"labeler.storage"},
    "google_crc32c": {"labeler.storage"},
    "joserfc": {"labeler.access.iap"},
    "pydantic": {
        "labeler.model.labels",
        "labeler.model.document",
        "labeler.datasets.exports.numbering",
        "labeler.datasets.manifest",
        "labeler.model.stored_json",
        "labeler.ui",
    },
    "requests": {"labeler.storage"},
    "starlette": {"app", "labeler.api"},
    "streamlit": {"app", "labeler.ui"},
    "streamlit_drawable_canvas": {"app", "labeler.ui"},
    "urllib3": {"labeler.storage"},
    "uvicorn": {"app", "labeler.runtime.frames"},
    "yaml": {"labeler.datasets.formats"},
}
"""Which units may import an outside package."""

LAZY = frozenset({
    "aiohttp", "gcsfs", "google", "google_crc32c", "joserfc", "requests", "urllib3",
})  # fmt: skip
"""Packages that only a bucket or one way to sign in needs: loaded when it is used, not before."""

BROUGHT = {"streamlit": {"PIL", "requests", "starlette", "urllib3", "uvicorn"}}
"""What an outside package loads by itself."""

SCRIPTS = frozenset({"labeler.__main__", "labeler.ui.main"})
"""They do their work when loaded, and need what starts them around them."""

PURE = frozenset({
    "labeler.model.people", "labeler.datasets.exports.coco", "labeler.ui.drawable.geometry",
    "labeler.gray_levels",
    "labeler.image_work", "labeler.model.label_counts", "labeler.model.label_edits",
    "labeler.model.labels",
    "labeler.datasets.imports.match",
    "labeler.model.merge", "labeler.model.document",
    "labeler.datasets.imports.place",
    "labeler.datasets.selection", "labeler.model.stored_json", "labeler.access.tokens",
    "labeler.model.unicode_text",
})  # fmt: skip
IMPURE = frozenset({"os", "pathlib", "random", "secrets", "socket", "subprocess", "time", "uuid"})
CLOCKS = frozenset({"now", "today", "utcnow"})


@dataclass(frozen=True)
class Import:
    """One imported module, `labeler.x` or an outside one, and where the statement stands."""

    module: str
    line: int


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path
    for path in sorted([*ROOT.glob("app.py"), *ROOT.glob("labeler/**/*.py")])
}


def unit_of(module: str) -> str | None:
    """The unit of the table that `module` is or lies in; "labeler" is only itself."""
    units = frozenset().union(*LAYERS)
    while module not in units and "." in module:
        module = module.rpartition(".")[0]
        if module == "labeler":
            return None
    return module if module in units else None


def layer_of(unit: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if unit in layer)


def tree_of(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_bytes(), str(SOURCES[module]))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """Every import of `module`, those inside functions too."""
    return tuple(read_imports(module))


def read_imports(module: str) -> Iterator[Import]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write the import in full"
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in SOURCES else base, node.lineno)


def is_ours(module: str) -> bool:
    return module == "app" or module.partition(".")[0] == "labeler"


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    unit = unit_of(module)
    assert unit, f"{module} is in no layer: give it a place in LAYERS of {Path(__file__).name}"
    for found in imports_of(module):
        target = unit_of(found.module)
        if not is_ours(found.module) or target == unit:
            continue
        where = f"{module}:{found.line} imports {found.module}"
        assert target, f"{where}, which is in no layer"
        assert layer_of(target) < layer_of(unit), f"{where}, which is not below it"
        assert target in NARROWER.get(unit, {target}), f"{where}, which {unit} may not use"


@pytest.mark.parametrize("module", SOURCES)
def test_an_outside_package_stays_in_its_home(module: str) -> None:
    for found in imports_of(module):
        package = found.module.partition(".")[0]
        if is_ours(found.module) or package in sys.stdlib_module_names:
            continue
        where = f"{module}:{found.line} imports {package}"
        assert package in OUTSIDE, f"{where}: give it a home in OUTSIDE, and a line in pyproject"
        assert unit_of(module) in OUTSIDE[package], f"{where}, which belongs in {OUTSIDE[package]}"


def test_the_table_names_only_what_there_is() -> None:
    units = [unit for layer in LAYERS for unit in layer]
    assert len(units) == len(set(units)), "each unit has one place"
    assert set(units) == {unit_of(module) for module in SOURCES}


def test_what_is_imported_is_a_dependency_of_ours() -> None:
    """Not only of a package that may stop needing it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    providers = packages_distributions()
    for module in SOURCES:
        for found in imports_of(module):
            package, _, rest = found.module.partition(".")
            if package == "google":  # many distributions fill it: google.api_core, google.auth
                names = {canonicalize_name(f"google-{rest.partition('.')[0]}")}
                names |= {name for name in declared if name.startswith(f"{min(names)}-")}
            elif package in OUTSIDE:
                names = {canonicalize_name(name) for name in providers[package]}
            else:
                continue
            assert names & declared, f"{module} imports {found.module}: name it in pyproject"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module: {found.module for found in imports_of(module)} & (SOURCES.keys() - {module})
        for module in SOURCES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports go round: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", sorted(PURE))
def test_the_core_knows_no_clock_and_no_surroundings(module: str) -> None:
    """The same input gives the same output: nothing here asks for a time, a file or a chance."""
    found = {found.module.partition(".")[0] for found in imports_of(module)} & IMPURE
    assert not found, f"{module} imports {found}"
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCKS, f"{module}:{node.lineno} asks for the time"


# --- what is really loaded ----------------------------------------------------------------


def loaded_by(code: str, storage: Path) -> set[str]:
    """The outside packages of the table that a fresh interpreter holds after running `code`."""
    report = "\nimport sys; print('--loaded--', *sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        cwd=ROOT, env={**os.environ, "LABELER_STORAGE": str(storage)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = done.stdout.partition("--loaded--\n")[2].splitlines()
    # google.protobuf is Streamlit's too; these three come with Cloud clients only.
    cloud = ("google.api_core", "google.auth", "google.cloud")
    return {
        package
        for name in names
        if (package := name.partition(".")[0]) in OUTSIDE
        and (package != "google" or name.startswith(cloud))
    }


def reached_from(module: str) -> set[str]:
    """`module` and what it imports, directly or not; a package is loaded before what is in it."""
    reached: set[str] = set()
    todo = [module]
    while todo:
        current = todo.pop()
        if current not in reached and current in SOURCES:
            reached.add(current)
            todo += [current.rpartition(".")[0], *(found.module for found in imports_of(current))]
    return reached


def imports_any(module: str, packages: Set[str]) -> bool:
    return any(found.module.partition(".")[0] in packages for found in imports_of(module))


def loads_alone(module: str) -> bool:
    """No script, no part of the cloud, and no page: the canvas loads only in a running server."""
    return (
        module not in SCRIPTS
        and not imports_any(module, LAZY)
        and not any(
            imports_any(name, {"streamlit_drawable_canvas"}) for name in reached_from(module)
        )
    )


def allowed_to(module: str) -> frozenset[str]:
    """The outside packages that may be there once `module` is loaded."""
    units = {unit_of(name) for name in reached_from(module)}
    allowed = {package for package, homes in OUTSIDE.items() if homes & units} - LAZY
    return frozenset(allowed.union(*(BROUGHT.get(package, ()) for package in allowed)))


def test_modules_bring_only_what_their_imports_allow(tmp_path: Path) -> None:
    alike: dict[frozenset[str], list[str]] = {}
    for module in filter(loads_alone, SOURCES):
        alike.setdefault(allowed_to(module), []).append(module)
    assert len(alike) > 3
    for allowed, modules in alike.items():
        loaded = loaded_by(f"import {', '.join(modules)}", tmp_path)
        assert loaded <= allowed, f"one of {modules} loads {loaded - allowed}"


def test_a_start_does_not_wait_for_what_comes_later(tmp_path: Path) -> None:
    """Nor does the sidebar, which every first page shows."""
    code = "import app, labeler.ui.sidebar, labeler.ui.export_panel, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "LABELER_STORAGE": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "labeler.project.project" in loaded
    later = {
        "labeler.datasets.exports.zips",
        "labeler.datasets.exports.exporter",
        "labeler.datasets.formats",
        "labeler.datasets.imports.run",
    }
    assert not loaded & (later | {"labeler.api.imports", "labeler.api.openapi", "pandas"})


def test_a_folder_is_opened_without_the_cloud(tmp_path: Path) -> None:
    """A laptop does not wait for, or need, what only a bucket needs."""
    code = f"""
from labeler.settings import Location
from labeler.storage import ABSENT, open_store
store = open_store(Location("", {str(tmp_path)!r}))
store.write("a/b", b"bytes", replaces=ABSENT)
assert store.read("a/b")[0] == b"bytes"
store.close()
"""
    assert not loaded_by(code, tmp_path) & (LAZY | {"PIL", "streamlit", "starlette"})


def test_the_cloud_is_seen_where_it_is_loaded(tmp_path: Path) -> None:
    """Proves that the tests above would see the clients."""
    loaded = loaded_by("import google.cloud.storage, gcsfs", tmp_path)
    assert loaded >= {"gcsfs", "google", "requests"}
