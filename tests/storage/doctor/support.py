"""What the tests of the doctor share."""

from __future__ import annotations

from typing import Any

from labeler.settings import Location
from labeler.storage.doctor import ExaminedPlace, Finding, Level, examine
from tests.gcs_server import Bucket

KEPT = ("annotations/", "labels.json", "uploads/")
KEY = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
GOOD: dict[str, Any] = {
    "versioning": {"enabled": True},
    "lifecycle": {
        "rule": [
            {
                "action": {"type": "Delete"},
                "condition": {"age": 90, "matchesPrefix": ["exports/"]},
            },
            {
                "action": {"type": "Delete"},
                "condition": {"daysSinceNoncurrentTime": 90, "isLive": False},
            },
        ]
    },
    "iamConfiguration": {
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "enforced",
    },
}
"""The settings of a bucket at which nothing is wrong."""


def bad(findings: list[Finding]) -> list[tuple[Level, str]]:
    return [(one.level, one.what) for one in findings if one.level is not Level.OK]


def only(findings: list[Finding]) -> Finding:
    """The one finding that is not ok."""
    [found] = [one for one in findings if one.level is not Level.OK]
    return found


def examined(
    path: str = "", *, kms_key: str = "", replaces: bool = True, name: str = "labels"
) -> list[Finding]:
    kept = KEPT if replaces else ("",)
    place = ExaminedPlace(Location(name, path), kept, replaces)
    return list(examine(place, timeout_s=1, kms_key=kms_key))


def is_empty(bucket: Bucket) -> bool:
    return not bucket.live and not any(bucket.old.values())


def rule_of(condition: dict[str, Any], **action: str) -> dict[str, Any]:
    rule = {"action": {"type": "Delete", **action}, "condition": condition}
    return {"lifecycle": {"rule": [*GOOD["lifecycle"]["rule"], rule]}}
