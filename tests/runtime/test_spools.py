"""Spools, and several files read as one."""

from __future__ import annotations

import io
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from labeler.runtime.spools import JoinedFile


@given(st.lists(st.binary(max_size=20), max_size=4), st.data())
def test_it_reads_as_one_file_does(parts: list[bytes], data: st.DataObject) -> None:
    joined = io.BufferedReader(JoinedFile([io.BytesIO(part) for part in parts]), 8)
    plain = io.BytesIO(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            place, whence = data.draw(st.tuples(st.integers(0, 50), st.sampled_from([0, 2])))
            place = place if whence == 0 else -min(place, len(plain.getvalue()))
            assert joined.seek(place, whence) == plain.seek(place, whence)
        size = data.draw(st.integers(0, 30) | st.just(-1))
        assert joined.read(size) == plain.read(size)
        assert joined.tell() == plain.tell()


def test_its_parts_stay_open() -> None:
    with tempfile.SpooledTemporaryFile[bytes](2) as part:
        part.write(b"abc")
        with io.BufferedReader(JoinedFile([io.BytesIO(b"x"), part])) as joined:
            assert joined.read() == b"xabc"
        assert part.tell() == 3
