"""What the fuzzer tried: what is kept of it, where a second run goes on, and the table."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests import loss_report

TOOL = Path(__file__).parents[1] / "tools" / "fuzz.py"
TARGET = "tests/test_fuzz.py::test_document_parser"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("fuzz_tool", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "KEPT", tmp_path / "kept")
    return module


def test_what_was_tried_is_counted_and_a_second_run_goes_on(tool: Any) -> None:
    tool.fuzz(TARGET, 5, "v1")
    assert [one["inputs"] for one in tool.results()] == [5]
    asked = []

    def run(target: str, inputs: int) -> tuple[int, bool]:
        asked.append((target, inputs))
        return inputs, False

    tool.run = run
    tool.fuzz(TARGET, 12, "v1")
    tool.fuzz(TARGET, 12, "v1")
    assert asked == [(TARGET, 7)]
    assert tool.results() == [
        {"target": TARGET, "version": "v1", "inputs": 12, "failures": 0, "is_one": True}
    ]
    tool.fuzz(TARGET, 12, "v2")  # other code begins anew
    assert asked[1:] == [(TARGET, 12)]


def test_an_input_that_fails_is_counted_and_ends_the_target(tool: Any) -> None:
    tool.run = lambda _, inputs: (inputs // 2, True)
    tool.fuzz(TARGET, 100, "v1")
    [one] = tool.results()
    assert (one["inputs"], one["failures"]) == (50, 1)
    assert tool.table([one]) == (
        "| target | inputs tried | failures | version |\n|---|---:|---:|---|\n"
        "| document parser | 50 | 1 | `v1` |\n| all | 50 | 1 | |\n"
    )


def test_a_test_that_is_no_target_is_not_listed(tool: Any) -> None:
    tool.run = lambda *_: (0, False)
    tool.fuzz("tests/test_fuzz_calls.py::test_other", 10, "v1")
    assert tool.results() == []
    [kept] = tool.KEPT.glob("*.json")
    assert json.loads(kept.read_text())["is_one"] is False


def test_what_the_tests_of_loss_told_is_added_up(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool.KEPT.mkdir()
    monkeypatch.setattr(loss_report, "REPORT", str(tool.KEPT / tool.LOSSES))
    loss_report.report_losses("a crowd", faults=1000, boxes=40, lost=0)
    loss_report.report_losses("a browser", faults=3, boxes=9, lost=1)
    loss_report.report_losses("a crowd", faults=234, boxes=2, lost=0)
    assert tool.losses() == (
        "| test | runs | faults injected | boxes acknowledged | lost or doubled |\n"
        "|---|---:|---:|---:|---:|\n"
        "| a crowd | 2 | 1,234 | 42 | 0 |\n"
        "| a browser | 1 | 3 | 9 | 1 |\n"
        "| all | 3 | 1,237 | 51 | 1 |\n"
    )
    page = tmp_path / "SECURITY.md"
    page.write_text(f"a\n{tool.BEGIN}\nb\n{tool.END}\n{tool.LOSSES_BEGIN}\n{tool.END}\nc\n")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    tool.write("new\n", tool.LOSSES_BEGIN)
    assert page.read_text() == (
        f"a\n{tool.BEGIN}\nb\n{tool.END}\n{tool.LOSSES_BEGIN}\nnew\n{tool.END}\nc\n"
    )


def test_without_a_report_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_report, "REPORT", "")
    monkeypatch.chdir(tmp_path)
    loss_report.report_losses("a crowd", faults=1, boxes=1, lost=0)
    assert [*tmp_path.iterdir()] == []
