"""Every status has its place in each table that lists statuses, in Python and in the browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labeler.model.document import FINISHED, NEEDS_WORK, Status
from labeler.model.merge import _RANK
from labeler.ui.text import STATUS_ICONS, STATUS_NAMES

WORKBENCH = Path(__file__).parents[2] / "labeler/ui/workbench"
STATUSES = {status.value for status in Status}


def test_python_ranks_and_names_each() -> None:
    assert len(_RANK) == len(set(_RANK)) == len(Status)
    assert STATUS_ICONS.keys() == STATUS_NAMES.keys() == set(Status)
    assert not NEEDS_WORK & FINISHED


@pytest.mark.parametrize(
    ("script", "table"),
    [
        ("document.js", r"const STATUSES = .*?\(\[(.*?)\]\)"),
        ("merge.js", r"const RANK = \[(.*?)\]"),
        ("panels/bar.js", r"const STATUSES = \{(.*?)\}"),
    ],
)
def test_a_script_lists_each(script: str, table: str) -> None:
    found = re.search(table, (WORKBENCH / script).read_text(), re.DOTALL)
    assert found is not None
    listed = re.findall(r"(\w+):", found[1]) or re.findall(r"\w+", found[1])
    assert sorted(listed) == sorted(STATUSES)


def test_both_sides_have_one_order_of_ranks() -> None:
    found = re.search(r"const RANK = \[(.*?)\]", (WORKBENCH / "merge.js").read_text())
    assert found is not None
    assert re.findall(r"\w+", found[1]) == [status.value for status in _RANK]


def test_both_sides_agree_on_what_needs_work() -> None:
    found = re.search(r"NEEDS_WORK = \[(.*?)\]", (WORKBENCH / "document.js").read_text())
    assert found is not None
    assert set(re.findall(r"\w+", found[1])) == NEEDS_WORK


@pytest.mark.parametrize("style", ["workbench.css", "gallery/gallery.css"])
def test_each_has_a_color(style: str) -> None:
    """What is not started, or skipped, is gray, as every dot without a status is."""
    colored = set(re.findall(r'\.dot\[data-status="(\w+)"\]', (WORKBENCH / style).read_text()))
    assert colored - {"damaged"} == STATUSES - {Status.UNLABELED, Status.SKIPPED}
