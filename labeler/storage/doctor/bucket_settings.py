"""Check a bucket's settings for their effect on Labeler's objects. Pure.

`settings` is the bucket's resource in the JSON API (storage.buckets.get).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from labeler.storage.doctor.findings import ExaminedPlace, Finding, fault, ok, warning

_DAY: Final = 24 * 60 * 60
_DOCUMENT: Final = ".json"

_OLD_ONLY: Final = ("numNewerVersions", "daysSinceNoncurrentTime", "noncurrentTimeBefore")
_CUSTOM_TIME: Final = ("daysSinceCustomTime", "customTimeBefore")
"""Conditions that no object of ours meets: Labeler sets no custom time."""
_COLD: Final = frozenset({"NEARLINE", "COLDLINE", "ARCHIVE"})


def settings_of(settings: dict[str, Any], place: ExaminedPlace, kms_key: str) -> Iterator[Finding]:
    """Findings about each setting that matters."""
    update = f"gcloud storage buckets update gs://{place.location.bucket}"
    yield _where(settings)
    yield from _retention(settings, place, update)
    yield from _lost_objects(settings, place, update)
    yield from _lifecycle(settings, place, update)
    yield from _access(settings, update)
    yield _key(settings, kms_key, update)
    yield ok(f"CORS: {len(settings.get('cors', ()))} rules; none is needed, no browser comes here")


def held_back(settings: dict[str, Any]) -> str:
    """The reason why a new object could not be removed immediately; empty if it could."""
    if _retention_days(settings):
        return "the bucket's retention policy would keep it"
    if settings.get("defaultEventBasedHold"):
        return "the bucket puts a hold on each new object"
    return ""


def _where(settings: dict[str, Any]) -> Finding:
    kind = str(settings.get("locationType", "region"))
    name = str(settings.get("location", "")).lower()
    region = name if kind == "region" else f"one of the regions of {name}"
    return ok(f"Location {name} ({kind}); run the service in {region}: saves are quickest there")


# --- settings that forbid saving ----------------------------------------------------------


def _retention_days(settings: dict[str, Any]) -> float:
    return int(settings.get("retentionPolicy", {}).get("retentionPeriod", 0)) / _DAY


def _retention(settings: dict[str, Any], place: ExaminedPlace, update: str) -> Iterator[Finding]:
    days = _retention_days(settings)
    locked = settings.get("retentionPolicy", {}).get("isLocked", False)
    if days and not place.replaces:
        yield ok(f"A retention policy keeps originals for {days:g} days; they are never replaced")
    elif days:
        yield fault(
            f"A retention policy keeps each object for {days:g} days"
            + (", and is locked for good" if locked else ""),
            "A document can't be replaced while it is younger: only the first save of it works.",
            "deploy/bucket.sh ANOTHER_BUCKET LOCATION  # a locked policy can't be removed"
            if locked
            else f"{update} --clear-retention-period",
        )
    if settings.get("defaultEventBasedHold"):
        yield fault(
            "The bucket puts a hold on each new object",
            "A document can't be replaced until somebody releases it.",
            f"{update} --no-default-event-based-hold",
        )
    if settings.get("billing", {}).get("requesterPays"):
        yield fault(
            "The one who asks has to pay for each request (Requester Pays)",
            "Labeler names no project to bill: all its requests are refused.",
            f"{update} --no-requester-pays",
        )


# --- settings that lose objects -----------------------------------------------------------


def _lost_objects(settings: dict[str, Any], place: ExaminedPlace, update: str) -> Iterator[Finding]:
    """Findings on whether a deleted or wrongly replaced object can be restored."""
    versioned = settings.get("versioning", {}).get("enabled", False)
    seconds = int(settings.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0))
    if versioned:
        yield ok("Versioning keeps what a save replaces")
    elif settings.get("hierarchicalNamespace", {}).get("enabled"):
        yield warning(
            "Versioning is not possible: the bucket has a hierarchical namespace",
            "Earlier states of a document come back by soft delete alone.",
            "deploy/bucket.sh ANOTHER_BUCKET LOCATION",
        )
    elif place.replaces:
        yield warning(
            "Versioning is off",
            "What somebody replaces or deletes by mistake comes back by soft delete alone.",
            f"{update} --versioning",
        )
    if seconds:
        yield ok(f"Soft delete brings back what was deleted within {seconds / _DAY:g} days")
    else:
        yield warning(
            "Soft delete is off",
            "What somebody deletes for good, old versions too, is gone at once.",
            f"{update} --soft-delete-duration=7d",
        )
    rules = settings.get("lifecycle", {}).get("rule", ())
    if versioned and not any(_deletes(rule) and _only_old(rule["condition"]) for rule in rules):
        yield warning(
            "No lifecycle rule deletes old versions",
            "Every save leaves one: they are kept, and paid for, for ever.",
            f"deploy/bucket.sh {place.location.bucket} {settings.get('location', 'LOCATION')}",
        )


def _lifecycle(settings: dict[str, Any], place: ExaminedPlace, update: str) -> Iterator[Finding]:
    rules = settings.get("lifecycle", {}).get("rule", ())
    harmless = True
    for number, rule in enumerate(rules, 1):
        met = [name for begin in _names(place) for name in _met(rule["condition"], begin)]
        action = rule["action"]
        if met and _deletes(rule):
            harmless = False
            yield fault(
                f"Lifecycle rule {number} deletes {_listed(met)} automatically ({_shown(rule)})",
                "Boxes, labels or images disappear although nobody deleted them.",
                f"{update} --clear-lifecycle  # then deploy/bucket.sh sets the right rules",
            )
        elif met and place.replaces and action.get("storageClass") in _COLD:
            harmless = False
            yield warning(
                f"Lifecycle rule {number} moves {_listed(met)} to {action['storageClass']}",
                "Each save and export of what lies there costs a fee for reading it or replacing "
                "it early.",
                f"{update} --clear-lifecycle  # then deploy/bucket.sh sets the right rules",
            )
    if harmless:
        yield ok(f"Lifecycle: {len(rules)} rules, none touches what must stay")


def _names(place: ExaminedPlace) -> list[str]:
    prefix = f"{place.location.path}/" if place.location.path else ""
    return [prefix + begin for begin in place.kept]


def _met(condition: dict[str, Any], begin: str) -> list[str]:
    """The prefixes of live objects that a rule may affect, among names from `begin` on."""
    if _only_old(condition) or any(name in condition for name in _CUSTOM_TIME):
        return []
    documents = begin.endswith(("annotations/", _DOCUMENT))
    suffixes = condition.get("matchesSuffix") or [""]
    if documents and not any(
        one.endswith(_DOCUMENT) or _DOCUMENT.endswith(one) for one in suffixes
    ):
        return []
    prefixes = condition.get("matchesPrefix") or [""]
    return [
        max(begin, one, key=len)
        for one in prefixes
        if begin.startswith(one) or one.startswith(begin)
    ]


def _only_old(condition: dict[str, Any]) -> bool:
    """Whether the rule can affect only versions that are not the newest."""
    if condition.get("isLive") is False:
        return True
    return any(condition.get(name) for name in _OLD_ONLY)


def _deletes(rule: dict[str, Any]) -> bool:
    return bool(rule["action"]["type"] == "Delete")


def _listed(names: list[str]) -> str:
    return " and ".join(dict.fromkeys(name or "everything" for name in names))


def _shown(rule: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(rule["condition"].items()))


# --- access, and the key ------------------------------------------------------------------


def _access(settings: dict[str, Any], update: str) -> Iterator[Finding]:
    iam = settings.get("iamConfiguration", {})
    if iam.get("publicAccessPrevention") == "enforced":
        yield ok("Public access is prevented")
    else:
        yield warning(
            "Public access is not prevented by the bucket itself",
            "One wrong command can make all images public.",
            f"{update} --public-access-prevention",
        )
    if iam.get("uniformBucketLevelAccess", {}).get("enabled"):
        yield ok("Access is granted for the bucket as a whole")
    else:
        yield warning(
            "Single objects can have access lists of their own",
            "The bucket then does not show who may see an image.",
            f"{update} --uniform-bucket-level-access",
        )


def _key(settings: dict[str, Any], kms_key: str, update: str) -> Finding:
    default = str(settings.get("encryption", {}).get("defaultKmsKeyName", ""))
    if kms_key and default != kms_key:
        return warning(
            f"The bucket's own key is {default or 'one of Google'}, not LABELER_KMS_KEY",
            "What other programs put there is not under your key.",
            f"{update} --default-encryption-key={kms_key}",
        )
    return ok(f"Encrypted by {default or 'keys of Google'}")
