"""The names by which the server may be called: its defense against DNS rebinding.

A page of another site can make its own name lead to this machine, and then count as a page of ours.
The browser still sends that name in the Host header. A person's cookies and tokens never go to such
a page, so only a server that asks nobody who they are has to look at the name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from labeler.errors import WrongHost
from labeler.model.people import SignIn
from labeler.settings import Settings

_HOST: Final = re.compile(r"(\[(?P<address>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(:[0-9]*)?")


@dataclass(frozen=True, slots=True)
class HostNames:
    """The accepted names, in lower case, beside those of this machine itself; None: any name."""

    names: frozenset[str] | None = None

    def check(self, headers: list[str]) -> None:
        """Raise WrongHost unless each of the request's Host headers has an accepted name."""
        if self.names is None:
            return
        for header in headers or [""]:
            name = _name_in(header)
            if not name or not (name in self.names or is_loopback(name)):
                raise WrongHost(
                    f"This server is not called {name[:100]!r} here. Open it as localhost, or add "
                    "the name to LABELER_HOSTS."
                )


def host_names(settings: Settings, listens_on: str) -> HostNames:
    """The names for the settings; `listens_on` is the address of the server."""
    is_open = settings.auth is not SignIn.NONE or not is_loopback(listens_on)
    if not settings.hosts and is_open:
        return HostNames()
    return HostNames(settings.hosts)


def is_loopback(host: str | None) -> bool:
    """Whether that host is reachable only from this machine, as a missing one is (a socket)."""
    try:
        return host in (None, "", "localhost") or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _name_in(header: str) -> str:
    """The name in a Host header, without the port (RFC 9110, 7.2); empty if it is malformed."""
    match = _HOST.fullmatch(header.strip().lower())
    return (match["address"] or match["name"]).removesuffix(".") if match else ""
