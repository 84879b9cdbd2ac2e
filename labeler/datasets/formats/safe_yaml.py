"""Reads YAML that may be hostile, as texts, lists and mappings."""

from __future__ import annotations

from typing import Any, Final

from labeler.errors import InvalidImport

_MAX_ALIASED: Final = 1000
"""The longest value that an alias may stand for, in characters."""


def load_yaml(data: bytes, file: str) -> Any:
    """Return the content of a YAML file: texts, lists and mappings. Raises InvalidImport."""
    # Only an import needs this module; a page does not.
    import yaml

    class Loader(yaml.BaseLoader):
        """Reads every scalar as text: `no`, `007` and `1.10` are names.

        An alias of a list or a mapping is rejected, because a few lines with such aliases can
        expand to gigabytes.
        """

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                meant = self.anchors.get(self.peek_event().anchor)  # type: ignore[no-untyped-call]
                if not isinstance(meant, yaml.ScalarNode) or len(meant.value) > _MAX_ALIASED:
                    raise yaml.YAMLError("an alias may stand for one short value only")
                return super().compose_node(parent, index)
            if "python" in (self.peek_event().tag or ""):  # type: ignore[no-untyped-call]
                raise yaml.YAMLError("objects of Python are not allowed")
            return super().compose_node(parent, index)

    try:
        # The loader makes only texts, lists and mappings.
        return yaml.load(utf8_text(data, file), Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise InvalidImport(f"{file} was refused: not valid YAML: {why}.") from error
    except RecursionError as error:
        raise InvalidImport(f"{file} was refused: it is nested too deep.") from error


def utf8_text(data: bytes, file: str) -> str:
    """Return the text of a file. Raises InvalidImport if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidImport(f"{file} is not UTF-8 text. Save it as UTF-8.") from error
