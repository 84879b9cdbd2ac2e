"""Partial responses: `fields=items(name,size),nextPageToken` keeps just these."""

from __future__ import annotations

from typing import Any

from tests.gcs_server.model import Failure

Tree = dict[str, "Tree"]


def keep_fields(value: Any, query: dict[str, str]) -> Any:
    """The value with only what the query's `fields` names; all of it without one."""
    text = query.get("fields")
    if not text or text == "*":
        return value
    tree, rest = _parse(text)
    if rest:
        raise Failure(400, "invalidParameter", f"Invalid field selection {text}")
    return _keep(value, tree)


def asked_of_each(query: dict[str, str]) -> list[str] | None:
    """Which fields of a listing's items are asked for, None where all are."""
    inner = _parse(query.get("fields") or "*")[0].get("items")
    return list(inner) if inner and "*" not in inner else None


def _parse(text: str) -> tuple[Tree, str]:
    """The selection at the head of `text`, up to a closing bracket, and what follows."""
    tree: Tree = {}
    while text:
        end = next((at for at, char in enumerate(text) if char in ",()"), len(text))
        path, text = text[:end].split("/"), text[end:]
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        if text.startswith("("):
            inner, text = _parse(text[1:])
            if not text.startswith(")"):
                raise Failure(400, "invalidParameter", "Invalid field selection")
            branch.update(inner)
            text = text[1:]
        if not text.startswith(","):
            break
        text = text[1:]
    return tree, text


def _keep(value: Any, tree: Tree) -> Any:
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [_keep(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _keep(value[key], inner) for key, inner in tree.items() if key in value}
