"""What the browser gets of a component: script and style, from the files beside its module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_COMMENT: Final = re.compile(r"^ *//.*$", re.MULTILINE)


def script(name: str) -> str:
    """The script of that name without its comments, each line in its place.

    Streamlit sends it again with each change of a component's data.
    """
    return _COMMENT.sub("", (_HERE / f"{name}.js").read_text(encoding="utf-8"))


def style(name: str) -> str:
    """The style sheet of that name."""
    return (_HERE / f"{name}.css").read_text(encoding="utf-8")
