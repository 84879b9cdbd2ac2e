"""The doctor: what is wrong with a location of the store, why it matters, and how to repair it.

It changes no existing object. It tests the Store's contract on one object with a unique name, and
always removes that object at the end.
"""

from __future__ import annotations

from collections.abc import Iterator

from labeler.settings import StoreKind
from labeler.storage.doctor.findings import ExaminedPlace, Finding, Level
from labeler.storage.doctor.folder import examine_folder

__all__ = ["ExaminedPlace", "Finding", "Level", "examine"]


def examine(
    place: ExaminedPlace, *, timeout_s: int = 20, kms_key: str = "", on_cloud_run: bool = False
) -> Iterator[Finding]:
    """Findings about the location, each as soon as it is made; refusals are findings too.

    `kms_key` and `timeout_s` are those of the settings; `on_cloud_run` says whether the service
    runs there.
    """
    match place.location.kind:
        case StoreKind.FOLDER:
            return examine_folder(place, timeout_s=timeout_s, on_cloud_run=on_cloud_run)
        case StoreKind.BUCKET:
            from labeler.storage.doctor.bucket import examine_bucket

            return examine_bucket(place, timeout_s=timeout_s, kms_key=kms_key)
