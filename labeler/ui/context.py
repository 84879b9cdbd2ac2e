"""The context of the pages, which app.py sets once, because a page script takes no arguments."""

from __future__ import annotations

from dataclasses import dataclass

from labeler.access.policy import AccessPolicy
from labeler.project.project import Project
from labeler.runtime.jobs import Jobs
from labeler.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the program that pages use; the same for all sessions of a process."""

    settings: Settings
    project: Project
    access: AccessPolicy
    jobs: Jobs
    exposed: bool = False
    """Whether other machines may reach the server."""


_bound: list[Context] = []


def bind_context(context: Context) -> None:
    """Set the context; a later call replaces it."""
    _bound[:] = [context]


def page_context() -> Context:
    """The context that app.py has set."""
    return _bound[0]
