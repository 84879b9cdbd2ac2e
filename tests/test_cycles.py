"""The search for cycles is off while many objects are made, and on again after."""

from __future__ import annotations

import gc
import threading

import pytest

from labeler.cycles import unsearched


def test_it_is_off_until_the_last_one_ends() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with unsearched():
            begun.set()
            may_end.wait()

    thread = threading.Thread(target=other)
    with unsearched():
        assert not gc.isenabled()
        thread.start()
        begun.wait()
    assert not gc.isenabled()
    may_end.set()
    thread.join()
    assert gc.isenabled()


def test_it_is_on_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="no"), unsearched():
        raise ValueError("no")
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    gc.disable()
    try:
        with unsearched(), unsearched():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
