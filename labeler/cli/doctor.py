"""`doctor`: examine the folder, bucket or service, and print how to repair each problem."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labeler.cli.terminal import print_result
from labeler.errors import LabelerError
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.settings import Settings
    from labeler.storage.doctor import ExaminedPlace, Finding


def doctor(given: argparse.Namespace, settings: Settings) -> bool:
    """Examine the project's locations or a service; returns whether there is no fault."""
    if given.service is not None:
        return _doctor_of_service(given.service)
    from labeler.storage.doctor import examine

    faults = 0
    for place in _places(settings):
        print_result(f"{place.location}")
        findings = examine(
            place,
            timeout_s=settings.save_timeout_s,
            kms_key=settings.kms_key,
            on_cloud_run=settings.on_cloud_run,
        )
        faults += _told(findings)
    if settings.index:
        from labeler.maintenance.index import examine_index

        print_result("LABELER_INDEX")
        faults += _told(examine_index(settings))
    return not faults


def _doctor_of_service(path: str) -> bool:
    """Examine the service that a file (`-`: stdin) describes, not the project's locations."""
    from labeler.storage.doctor.service import examine_service

    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LabelerError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise LabelerError(f"{path} can't be read: it is not UTF-8 text.") from error
    return not _told(examine_service(text))


def _told(findings: Iterable[Finding]) -> int:
    """Print each finding as it is made; returns the number of faults."""
    from labeler.storage.doctor import Level

    faults = 0
    for finding in findings:
        print_result(f"  {finding.level:<8} {visible(finding.what)}")
        for line in (finding.why, finding.repair and f"$ {finding.repair}"):
            if line:
                print_result(f"           {line}")
        faults += finding.level is Level.FAULT
    return faults


def _places(settings: Settings) -> list[ExaminedPlace]:
    """The project's locations, and the prefixes of objects that must stay there."""
    from labeler.model.layout import ANNOTATIONS, LABELS_KEY
    from labeler.storage.doctor import ExaminedPlace

    storage, uploads, kept = settings.storage, settings.uploads, (ANNOTATIONS, LABELS_KEY)
    if uploads is None:
        return [ExaminedPlace(storage, kept)]
    prefix = uploads.prefix_in(storage)
    if prefix is not None:
        return [ExaminedPlace(storage, (*kept, prefix))]
    return [ExaminedPlace(storage, kept), ExaminedPlace(uploads, ("",), replaces=False)]
