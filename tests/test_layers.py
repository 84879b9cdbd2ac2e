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

LAYERS: tuple[tuple[str, ...], ...] = (
    ("labeler", "labeler.errors"),
    ("labeler.gray_levels", "labeler.image_work", "labeler.model", "labeler.runtime"),
    ("labeler.image_names",),
    ("labeler.settings",),
    ("labeler.images", "labeler.storage"),
    ("labeler.storage.doctor", "labeler.access"),
    ("labeler.project",),
    ("labeler.datasets",),
    ("labeler.datasets.formats",),
    ("labeler.datasets.exports",),
    ("labeler.datasets.imports",),
    ("labeler.maintenance",),
    ("labeler.api", "labeler.cli", "labeler.ui"),
    ("app", "labeler.__main__"),
)
"""Packages, lowest first; a package holds all below it that has no line of its own.

A package imports only from lines above its own. So packages of one line, the three edges above
all, never import each other. Within a package the modules have an order too: none of them imports
itself in a circle.
"""

NARROWER = {
    "labeler.model": {"labeler.errors"},
    "labeler.storage": {"labeler.errors", "labeler.runtime", "labeler.settings"},
}
"""Packages that may import less than everything above their line."""

FENCE = "labeler.ui.drawable"
FENCE_GATES = {
    "labeler.ui.page": {"image_page", "open_image"},
}
"""Who outside of the folder imports what of streamlit-drawable-canvas's: the lines that go with it.

The list only gets shorter.
"""

OUTSIDE = {
    "apache_beam": {"labeler.datasets.exports"},
    "PIL": {"labeler.images"},
    "aiohttp": {"labeler.storage"},
    "gcsfs": set(),
    "google": {"labeler.storage", "labeler.storage.doctor"},
    "google_crc32c": {"labeler.storage"},
    "joserfc": {"labeler.access"},
    "pydantic": {
        "labeler.datasets",
        "labeler.datasets.exports",
        "labeler.model",
    },
    "pyarrow": {"labeler.datasets.formats"},
    "requests": {"labeler.storage", "labeler.storage.doctor"},
    "psycopg": {"labeler.project"},
    "sqlalchemy": {"labeler.project"},
    "starlette": {"app", "labeler.api"},
    "streamlit": {"app", "labeler.ui"},
    "streamlit_drawable_canvas": {"app", "labeler.ui"},
    "urllib3": {"labeler.storage"},
    "uvicorn": {"app", "labeler.runtime"},
    "yaml": {"labeler.datasets.formats"},
}
"""Which packages of ours may import an outside package."""

LAZY = frozenset({
    "aiohttp", "apache_beam", "gcsfs", "google", "google_crc32c", "joserfc", "psycopg", "pyarrow",
    "requests", "sqlalchemy", "urllib3",
})  # fmt: skip
"""Packages that only a bucket or one way to sign in needs: loaded when it is used, not before."""

BROUGHT = {"streamlit": {"PIL", "requests", "starlette", "urllib3", "uvicorn"}}
"""What an outside package loads on its own."""

SCRIPTS = frozenset({"labeler.__main__", "labeler.ui.main"})
"""They do their work when loaded, and need what starts them around them."""

PURE = frozenset({
    "labeler.access.tokens", "labeler.datasets.formats.coco_writer",
    "labeler.datasets.imports.match", "labeler.datasets.imports.place",
    "labeler.datasets.selection", "labeler.gray_levels", "labeler.image_work", "labeler.model",
    "labeler.ui.drawable.geometry",
})  # fmt: skip
"""Modules, and packages with all that is in them, whose output is a function of their input."""

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
PACKAGES = frozenset(package for layer in LAYERS for package in layer)


def package_of(module: str) -> str | None:
    """The package of the table that `module` is or lies in; "labeler" is only itself."""
    while module not in PACKAGES and "." in module:
        module = module.rpartition(".")[0]
        if module == "labeler":
            return None
    return module if module in PACKAGES else None


def layer_of(package: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if package in layer)


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
    package = package_of(module)
    assert package, f"{module} is in no package of LAYERS in {Path(__file__).name}"
    for found in imports_of(module):
        target = package_of(found.module)
        if not is_ours(found.module) or target == package:
            continue
        where = f"{module}:{found.line} imports {found.module}"
        assert target, f"{where}, which is in no layer"
        assert layer_of(target) < layer_of(package), f"{where}, which is not below it"
        assert target in NARROWER.get(package, {target}), f"{where}, which {package} may not use"


def test_at_most_eight_modules_lie_directly_in_labeler() -> None:
    assert len(list((ROOT / "labeler").glob("*.py"))) <= 8


def test_the_fence_around_the_other_canvas_only_gets_shorter() -> None:
    gates: dict[str, set[str]] = {}
    for module in SOURCES:
        if module.startswith(FENCE):
            continue
        for found in imports_of(module):
            if found.module.startswith(f"{FENCE}."):
                gates.setdefault(module, set()).add(found.module.removeprefix(f"{FENCE}."))
    assert gates == FENCE_GATES


@pytest.mark.parametrize("module", SOURCES)
def test_an_outside_package_stays_in_its_home(module: str) -> None:
    for found in imports_of(module):
        package = found.module.partition(".")[0]
        if is_ours(found.module) or package in sys.stdlib_module_names:
            continue
        where = f"{module}:{found.line} imports {package}"
        assert package in OUTSIDE, f"{where}: give it a home in OUTSIDE, and a line in pyproject"
        home = package_of(module)
        assert home in OUTSIDE[package], f"{where}, which belongs in {OUTSIDE[package]}"


def test_the_table_names_only_what_there_is() -> None:
    assert len(PACKAGES) == sum(map(len, LAYERS)), "each package has one place"
    assert {package_of(module) for module in SOURCES} == PACKAGES


def test_what_is_imported_is_a_dependency_of_ours() -> None:
    """Not only of a package that may stop needing it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["beam"]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = {"apache_beam": ["apache-beam"], **packages_distributions()}
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


def test_what_is_said_to_be_pure_is_there() -> None:
    assert SOURCES.keys() >= PURE


@pytest.mark.parametrize(
    "module", [name for name in SOURCES if name in PURE or name.rpartition(".")[0] in PURE]
)
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
        capture_output=True, text=True, timeout=240, check=False,
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
    packages = {package_of(name) for name in reached_from(module)}
    allowed = {package for package, homes in OUTSIDE.items() if homes & packages} - LAZY
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
    """The sidebar, which every first page shows, does not wait for it either."""
    code = "import app, labeler.ui.sidebar, labeler.ui.export_panel, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "LABELER_STORAGE": str(tmp_path)},
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "labeler.project.project" in loaded
    later = (
        "labeler.api.imports",
        "labeler.api.openapi",
        "labeler.datasets.exports",
        "labeler.datasets.formats.",
        "labeler.datasets.imports",
        "pandas",
    )
    # The rows of the registry are there from the start; the formats themselves are not.
    registry = {"labeler.datasets.formats.registry"}
    assert not [name for name in loaded - registry if name.startswith(later)]


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
