"""A sample of the images, the same on every machine and at every time, because the ID decides."""

from __future__ import annotations

import hashlib

WHOLE = 100
"""The percentage that leaves nothing out."""


def in_sample(image_id: str, percent: int) -> bool:
    """Whether the image is among about `percent` of all images.

    A larger sample holds every smaller one.
    """
    return sample_of(image_id) < percent


def sample_of(image_id: str) -> int:
    """The image's place in samples: one of so many percent holds all places below that number."""
    digest = hashlib.sha256(image_id.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4]) % WHOLE
