"""`doctor`: what is wrong with the folder or bucket, and what mends it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labeler.cli.terminal import plain, show

if TYPE_CHECKING:
    from labeler.settings import Settings
    from labeler.storage.doctor import Place


def doctor(given: argparse.Namespace, settings: Settings) -> bool:
    from labeler.storage.doctor import Level, examine

    faults = 0
    for place in _places(settings):
        show(f"{place.location}")
        for finding in examine(
            place,
            timeout_s=settings.save_timeout_s,
            kms_key=settings.kms_key,
            on_cloud_run=settings.on_cloud_run,
        ):
            show(f"  {finding.level:<8} {plain(finding.what)}")
            for line in (finding.why, finding.mend and f"$ {finding.mend}"):
                if line:
                    show(f"           {line}")
            faults += finding.level is Level.FAULT
    return not faults


def _places(settings: Settings) -> list[Place]:
    """Where objects are kept, and what must stay there."""
    from labeler.catalogue import ANNOTATIONS
    from labeler.labels import LABELS_KEY
    from labeler.storage.doctor import Place

    storage, uploads, kept = settings.storage, settings.uploads, (ANNOTATIONS, LABELS_KEY)
    if uploads is None:
        return [Place(storage, kept)]
    prefix = uploads.prefix_in(storage)
    if prefix is not None:
        return [Place(storage, (*kept, prefix))]
    return [Place(storage, kept), Place(uploads, ("",), replaces=False)]
