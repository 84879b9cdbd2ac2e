"""Puts protocols with limits in the place of uvicorn's own.

They override what uvicorn calls within itself, so they fit the versions that are named here.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import uvicorn

logger = logging.getLogger(__name__)

_FOR_VERSIONS: Final = ("0.54.",)


def replace_protocol(protocols: dict[Any, Any], name: str, ours: type, unlimited: str) -> None:
    """Make servers of this process use `ours` for the protocol that Streamlit asks for by `name`.

    With an unknown uvicorn it only logs that the `unlimited` are not limited.
    """
    if not uvicorn.__version__.startswith(_FOR_VERSIONS) or name not in protocols:
        logger.warning("uvicorn %s is unknown: %s are not limited", uvicorn.__version__, unlimited)
        return
    protocols[name] = f"{ours.__module__}:{ours.__qualname__}"
