"""Who did what, when, and to which state: a line in the log for each sign-in, refusal and change.

The person is set where a call, a page's run or a command begins, and goes along into threads that
are started with a copy of the context.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import StrEnum

from labeler.runtime.context_values import in_block
from labeler.runtime.events import Audit, log_event

_MAX_TARGET = 300

_person: ContextVar[str] = ContextVar("acting_person", default="")


class Action(StrEnum):
    """What somebody did."""

    SIGN_IN = "sign_in"
    REFUSAL = "refusal"
    UPLOAD = "upload"
    SAVE = "save"
    ASSIGN = "assign"
    DELETE = "delete"
    RESTORE = "restore"
    REPAIR = "repair"
    COPY = "copy"
    LABELS = "labels"
    GUIDE = "guide"
    IMPORT = "import"
    EXPORT = "export"


def acting_as(person: str) -> AbstractContextManager[None]:
    """Name that person in the lines of the block."""
    return in_block(_person, person)


def set_acting(person: str) -> None:
    """Name that person in this context from now on."""
    _person.set(person)


def audit(
    action: Action,
    target: str = "",
    *,
    old: object = "",
    new: str = "",
    code: str = "",
    by: str = "",
) -> None:
    """Log the action. `old` and `new` are versions of `target`, empty if it was or is not there.

    What is no text, such as the store's ABSENT, is no version.

    `by` is the person if none is set.
    """
    log_event(
        Audit(
            action=action.value,
            person=_person.get() or by,
            target=target[:_MAX_TARGET],
            old_version=old if isinstance(old, str) else "",
            new_version=new,
            code=code,
        )
    )
