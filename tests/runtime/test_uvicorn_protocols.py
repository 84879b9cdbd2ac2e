"""Servers of this process use our protocols, unless uvicorn is one that they may not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.config import HTTP_PROTOCOLS, WS_PROTOCOLS

from labeler.runtime.connections import bound_connections
from labeler.runtime.frames import bound_frames


@pytest.mark.parametrize(
    ("bound", "protocols", "name", "ours"),
    [
        (bound_connections, HTTP_PROTOCOLS, "auto", "connections:BoundedConnection"),
        (bound_frames, WS_PROTOCOLS, "websockets-sansio", "frames:BoundedWebSocket"),
    ],
)
def test_an_unknown_uvicorn_is_left_as_it_is(
    bound: Callable[[], None],
    protocols: dict[Any, Any],
    name: str,
    ours: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = dict(protocols)
    monkeypatch.setitem(protocols, name, before[name])
    with monkeypatch.context() as patch:
        patch.setattr(uvicorn, "__version__", "9.9")
        bound()
    assert before == protocols
    assert "uvicorn 9.9 is unknown" in caplog.text
    bound()
    assert protocols[name] == f"labeler.runtime.{ours}"
