"""Texts for people: the statuses and their icons, and texts of others made safe to show."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from labeler.model.document import Status
from labeler.model.labels import Label, LabelSet, label_key
from labeler.runtime.visible_text import shortened as shortened
from labeler.runtime.visible_text import visible

STATUS_ICONS = {
    Status.UNLABELED: ":gray[:material/radio_button_unchecked:]",
    Status.IN_PROGRESS: ":orange[:material/edit:]",
    Status.DONE: ":green[:material/check_circle:]",
    Status.SKIPPED: ":gray[:material/skip_next:]",
    Status.APPROVED: ":green[:material/verified:]",
    Status.RETURNED: ":red[:material/undo:]",
}
STATUS_NAMES = {
    Status.UNLABELED: "not started",
    Status.IN_PROGRESS: "in progress",
    Status.DONE: "done",
    Status.SKIPPED: "skipped",
    Status.APPROVED: "approved",
    Status.RETURNED: "returned",
}
_ADDRESS = re.compile(r"@|www", re.IGNORECASE)
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=\"'])")


def plain(text: str) -> str:
    """`text` for a widget that shows Markdown, with every special character escaped."""
    return _MARKS.sub(r"\\\1", visible(text.replace("\n", " ")))


def unlinked(text: str) -> str:
    """`text` as in `plain`, without links for addresses.

    Streamlit looks for addresses in the text of an element after parsing Markdown, so the
    character that makes an address is put into an element of its own.
    """
    return _ADDRESS.sub(r':color[\g<0>]{foreground="inherit"}', plain(text))


def colored(label: Label, length: int) -> str:
    """The label's color, and its name in at most `length` characters."""
    return f':color[■]{{foreground="{label.color}"}} {plain(shortened(label.name, length))}'


def counted(count: int, one: str, many: str) -> str:
    """`1 box`, `2,000 boxes`."""
    return f"{count:,} {one if count == 1 else many}"


def time_left(seconds: float | None) -> str:
    """The text after a progress: `, about 3 min left`; empty if the time is unknown."""
    if seconds is None:
        return ""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f", about {seconds / length:.0f} {unit} left"
    return f", about {max(seconds, 1):.0f} s left"


def why_there(labels: LabelSet, label: Label, name: str) -> str:
    """The reason why `name`, a name of `label`, can't be given to a new label."""
    if label_key(name) != label_key(label.name):
        return f"“{name.strip()}” is a former name of the label “{label.name}”."
    if label.merged_into is not None:
        return f"This label already exists, merged into “{labels.shown(label.name)}”."
    if label.retired:
        return "This label already exists but is archived. Unarchive it instead."
    return "This label already exists."


def clock_time(time: datetime, zone: str | None, now: datetime | None = None) -> str:
    """The time in the person's time zone, with the date if it is another day."""
    try:
        local = ZoneInfo(zone) if zone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        local = UTC
    shown = time.astimezone(local)
    today = (now or datetime.now(UTC)).astimezone(local).date()
    return f"{shown:%H:%M:%S}" if shown.date() == today else f"{shown:%Y-%m-%d %H:%M:%S}"
