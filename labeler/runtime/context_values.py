"""Values that belong to a block of code and to everything that is begun inside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Value = TypeVar("Value")


@contextmanager
def in_block(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    """Give the variable that value inside the block, and its former one again after it."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
