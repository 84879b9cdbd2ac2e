"""What is wrong with a place where Labeler keeps its objects, why it matters, and what mends it.

Nothing of the place is changed. Whether it keeps the Store's promises is tried on one object with
a name of its own, which is removed in the end, whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from labeler.storage.doctor.findings import ExaminedPlace, Finding, Level
from labeler.storage.doctor.folder import examine_folder

__all__ = ["ExaminedPlace", "Finding", "Level", "examine"]


def examine(
    place: ExaminedPlace, *, timeout_s: int = 20, kms_key: str = "", on_cloud_run: bool = False
) -> Iterator[Finding]:
    """Findings about the place, each as soon as it is made; what the store refuses is one too.

    `kms_key` and `timeout_s` are those of the settings, `on_cloud_run` where the service runs.
    """
    if not place.location.bucket:
        yield from examine_folder(place, timeout_s=timeout_s, on_cloud_run=on_cloud_run)
        return
    from labeler.storage.doctor.bucket import examine_bucket

    yield from examine_bucket(place, timeout_s=timeout_s, kms_key=kms_key)
