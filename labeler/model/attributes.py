"""The attributes of a rect that Labeler knows by name. In the browser: ui/workbench/attributes.js.

A rect keeps all its attributes as keys beside `label` (`StoredModel`), also those that nobody knows
here. Each format in datasets/formats/ writes those that it has a word for.
"""

from __future__ import annotations

from typing import Final

KNOWN_ATTRIBUTES: Final = ("occluded", "truncated", "difficult", "iscrowd")
"""True or absent. The first three can be set on the workbench, `iscrowd` comes from COCO."""


def is_set(value: object) -> bool:
    """Whether an attribute is raised, as a flag: true, or 1 as some formats write it."""
    return value is True or value == 1
