"""The script and style of a component, from the files beside its module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
# Whole lines only. A comment within a line gives the type of a value.
_COMMENT: Final = re.compile(r"^ *(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL)
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "(\./\w+\.js)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?!default\b)", re.MULTILINE)


def script(name: str) -> str:
    """The named script and the modules that it imports, as one module without comments.

    Streamlit sends a component's script as text, in which imports do not work, and sends it again
    with each change of the component's data. Top-level names of joined modules must differ.
    """
    texts: dict[Path, str] = {}
    _join(_HERE / f"{name}.js", texts)
    return "".join(texts.values())


def _join(path: Path, texts: dict[Path, str]) -> None:
    """Add the module after the modules that it imports, each once."""
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    for imported in _IMPORT.findall(text):
        if path.parent / imported not in texts:
            _join(path.parent / imported, texts)
    texts[path] = _EXPORT.sub("", _IMPORT.sub("", text))


def style(*names: str) -> str:
    """The named style sheets, one after the other."""
    return "".join((_HERE / f"{name}.css").read_text(encoding="utf-8") for name in names)
