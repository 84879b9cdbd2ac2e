"""docs/deploy.md: what it costs is what its formula gives, for the service as it is set."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.deploy.support import DEPLOY, ROOT

IMAGES = 10_000
COLUMNS = ("instances", "listings", "saves", "storage", "traffic")


@cache
def text() -> str:
    return (ROOT / "docs" / "deploy.md").read_text()


def formula() -> dict[str, str]:
    """What each name of the formula is, as Python reads it."""
    [block] = re.findall(r"```\n(H {2,}=.*?)```", text(), re.DOTALL)
    found = {}
    for line in block.splitlines():
        name, _, rest = line.partition("=")
        found[name.strip()] = re.sub(r" (vCPU|GiB|GB)\b", "", re.split(r" {2,}", rest)[0])
    return found


def rows() -> dict[int, list[float]]:
    """By the number of labelers: what each column says, and the sum."""
    lines = re.findall(r"^\| (\d+) \| ([\d.| ]+) \| \*\*([\d.]+)\*\* \|$", text(), re.MULTILINE)
    return {
        int(labelers): [*map(float, cells.split(" | ")), float(together)]
        for labelers, cells, together in lines
    }


@pytest.mark.parametrize("labelers", [0, 5, 50])
def test_the_table_is_what_the_formula_gives(labelers: int) -> None:
    values: dict[str, float] = {"labelers": labelers, "images": IMAGES}
    for name, expression in formula().items():
        given = eval(expression, {"__builtins__": {}, "ceil": math.ceil}, values)
        values[name] = max(0.0, given)
    wanted = [values[name] for name in COLUMNS]
    assert rows()[labelers] == pytest.approx([*wanted, sum(wanted)], abs=0.011)


def test_the_formula_counts_the_service_as_it_is_set() -> None:
    flags = yaml.safe_load((DEPLOY / "service.yaml").read_text())
    amount = flags["--memory"].removesuffix("i")
    assert f"{flags['--cpu']} vCPU *" in text()
    assert f"{amount.replace('G', ' GiB')} *" in text()
    assert f"| memory | {amount.replace('G', ' GiB')} |" in text()
    sent = json.loads((Path(__file__).parent / "service.json").read_text())
    [container] = sent["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == flags["--memory"]
