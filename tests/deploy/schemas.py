"""Google's own description of an API, to hold JSON against: every key known, every type right."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


@cache
def document(api: str) -> dict[str, Any]:
    """The discovery document that comes with Google's client, like "run.v1"."""
    folder = Path(googleapiclient.__path__[0], "discovery_cache", "documents")
    found: dict[str, Any] = json.loads((folder / f"{api}.json").read_text())
    return found


def mistakes(api: str, schema: str, value: Any, at: str = "") -> list[str]:
    """What the API would not take; empty where all is well."""
    return _mistakes(api, {"$ref": schema}, value, at or schema)


def _mistakes(api: str, schema: dict[str, Any], value: Any, at: str) -> list[str]:
    if "$ref" in schema:
        schema = document(api)["schemas"][schema["$ref"]]
    kind = schema.get("type", "object")
    if kind == "array":
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        return [
            one
            for number, item in enumerate(value)
            for one in _mistakes(api, schema["items"], item, f"{at}[{number}]")
        ]
    if kind != "object":
        right = isinstance(value, KINDS[kind]) and (
            kind == "boolean" or not isinstance(value, bool)
        )
        allowed = schema.get("enum")
        if right and (allowed is None or value in allowed):
            return []
        return [
            f"{at}: {value!r} is not one of {allowed}" if right else f"{at}: {value!r}: no {kind}"
        ]
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no object"]
    found = []
    for key, item in value.items():
        inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if inner is None:
            found.append(f"{at}: there is no {key}")
        else:
            found += _mistakes(api, inner, item, f"{at}.{key}")
    return found
