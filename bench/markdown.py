"""Markdown tables of the benchmarks, and where they stand in a document: it measures nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parent / "README.md"
END: Final = "<!-- end -->"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The table as text, with an empty line at its end."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join([*lines, "", ""])


def write_section(name: str, text: str, path: Path = README) -> None:
    """Replace what stands between `<!-- name -->` and the next `<!-- end -->`.

    Raises ValueError if the document has no such place, or more than one.
    """
    begin = f"<!-- {name} -->"
    whole = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(END)}", re.DOTALL)
    changed, count = pattern.subn(lambda _: f"{begin}\n\n{text}{END}", whole)
    if count != 1:
        raise ValueError(f"{path} must have {begin} and {END} once, and has it {count} times.")
    path.write_text(changed, encoding="utf-8")
