"""What a bucket's settings mean: what loses boxes, and the command that repairs it."""

from __future__ import annotations

from typing import Any

import pytest

from labeler.storage.doctor import Level
from tests.gcs_server import Bucket
from tests.storage.doctor.support import bad, examined, is_empty, only, rule_of

WRONG: list[tuple[dict[str, Any], Level, str, str]] = [
    ({"versioning": {}}, Level.WARNING, "Versioning is off", "--versioning"),
    (
        {"softDeletePolicy": {"retentionDurationSeconds": "0"}},
        Level.WARNING, "Soft delete is off", "--soft-delete-duration",
    ),
    ({"lifecycle": {}}, Level.WARNING, "No lifecycle rule deletes old", "bucket.sh labels"),
    (rule_of({"age": 30}), Level.FAULT, "deletes annotations/", "--clear-lifecycle"),
    (
        rule_of({"age": 1, "matchesPrefix": ["uploads/old"]}),
        Level.FAULT, "deletes uploads/old automatically", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 1, "matchesPrefix": ["lab"]}),
        Level.FAULT, "deletes labels.json automatically", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 1, "matchesSuffix": [".json"]}),
        Level.FAULT, "deletes annotations/", "--clear-lifecycle",
    ),
    (
        rule_of({"createdBefore": "2024-01-01", "isLive": True}),
        Level.FAULT, "deletes annotations/", "--clear-lifecycle",
    ),
    (
        rule_of({"age": 9}, type="SetStorageClass", storageClass="ARCHIVE"),
        Level.WARNING, "to ARCHIVE", "--clear-lifecycle",
    ),
    (
        {"retentionPolicy": {"retentionPeriod": "172800"}},
        Level.FAULT, "keeps each object for 2 days", "--clear-retention-period",
    ),
    (
        {"retentionPolicy": {"retentionPeriod": "172800", "isLocked": True}},
        Level.FAULT, "locked for good", "ANOTHER_BUCKET",
    ),
    ({"defaultEventBasedHold": True}, Level.FAULT, "hold", "--no-default-event-based-hold"),
    ({"billing": {"requesterPays": True}}, Level.FAULT, "to pay", "--no-requester-pays"),
    (
        {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}},
        Level.WARNING, "Public access is not prevented", "--public-access-prevention",
    ),
    (
        {"iamConfiguration": {"publicAccessPrevention": "enforced"}},
        Level.WARNING, "access lists", "--uniform-bucket-level-access",
    ),
    (
        {"versioning": {}, "hierarchicalNamespace": {"enabled": True}},
        Level.WARNING, "hierarchical namespace", "ANOTHER_BUCKET",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "level", "told", "repair"), WRONG)
def test_a_wrong_setting_is_found_with_what_mends_it(
    bucket: Bucket, settings: dict[str, Any], level: Level, told: str, repair: str
) -> None:
    bucket.settings |= settings
    found = only(examined())
    assert found.level is level
    assert told in found.what
    assert found.why
    assert repair in found.repair
    assert "labels" in found.repair or "ANOTHER_BUCKET" in found.repair
    assert is_empty(bucket)


@pytest.mark.parametrize(
    "condition",
    [
        {"age": 1, "matchesPrefix": ["exports/", "tmp/"]},
        {"age": 1, "isLive": False},
        {"numNewerVersions": 3},
        {"noncurrentTimeBefore": "2024-01-01"},
        {"daysSinceCustomTime": 1},
        {"age": 1, "matchesPrefix": ["annotations2/"]},
    ],
)
def test_a_rule_that_meets_no_document_is_no_fault(
    bucket: Bucket, condition: dict[str, Any]
) -> None:
    bucket.settings |= rule_of(condition)
    assert bad(examined()) == []


def test_a_rule_that_meets_originals_only_names_them(bucket: Bucket) -> None:
    bucket.settings |= rule_of({"age": 1, "matchesSuffix": [".png"]})
    assert "deletes uploads/ automatically" in only(examined()).what


def test_a_bucket_of_originals_has_other_needs(bucket: Bucket) -> None:
    bucket.settings |= {"versioning": {}, "lifecycle": {}}
    bucket.settings["retentionPolicy"] = {"retentionPeriod": "86400"}
    findings = examined(replaces=False)
    assert bad(findings) == []
    told = "\n".join(one.what for one in findings)
    assert "keeps originals for 1 days" in told
    assert "Saving was not tried" in told
    for condition, told in (({"age": 365}, "everything"), ({"matchesPrefix": ["old/"]}, "old/")):
        bucket.settings["lifecycle"] = {"rule": [rule_of(condition)["lifecycle"]["rule"][-1]]}
        assert f"deletes {told} automatically" in only(examined(replaces=False)).what
    assert is_empty(bucket)
