"""What a deletion or a restoration that was cut off has left, and how it is ended."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from labeler.maintenance.problems import Problem
from labeler.model.layout import trash_prefix
from labeler.project.trash import Trash, TrashedImage


def trash_problems(trash: Trash) -> Iterator[Problem]:
    """Every image that is half in the trash."""
    for trashed in trash.images():
        key = trash_prefix(trashed.image_id)
        if trash.is_cut_off(trashed):
            yield Problem(
                key,
                "The image was deleted, and its original still lies under uploads/.",
                repair=partial(_finish, trash, trashed),
            )
        elif trash.is_back(trashed):
            yield Problem(
                key,
                "The image is in the project, and a part of it still lies in the trash.",
                repair=partial(_restore, trash, trashed),
            )


def _finish(trash: Trash, trashed: TrashedImage) -> str:
    return f"{trash.finish(trashed)} originals were removed; the trash holds them"


def _restore(trash: Trash, trashed: TrashedImage) -> str:
    trash.restore(trashed.image_id)
    return "the image is whole, and the trash holds nothing of it"
