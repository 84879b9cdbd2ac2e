"""Hostile JSON, XML and zips: refused with a word that helps, within bounded memory."""

from __future__ import annotations

import contextlib
import io
import json
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.formats import dataset_files, safe_json, safe_xml
from labeler.datasets.formats.dataset_files import is_inside, open_dataset_files, read_whole
from labeler.datasets.formats.safe_json import LIST_BEGINS, load_json, stream_json
from labeler.datasets.formats.safe_xml import stream_xml
from labeler.errors import InvalidImport
from tests.datasets.formats.support import written, zipped
from tests.strategies import JSON

ROOT = Path(__file__).parents[3]


class Dripping(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._left, self._size = data, size

    def read(self, size: int = -1) -> bytes:
        some, self._left = self._left[: self._size], self._left[self._size :]
        return some


def streamed(data: bytes, size: int = 7) -> list[tuple[str, int, Any]]:
    return list(stream_json(cast(BinaryIO, Dripping(data, size)), "f.json"))


# --- JSON ---------------------------------------------------------------------------------


@given(
    st.dictionaries(st.text(max_size=5), JSON, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.integers(1, 20),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_pieces_of_any_size_give_what_the_whole_gives(
    value: dict[str, Any], indent: int | None, ascii_only: bool, size: int, encoding: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    expected: list[tuple[str, Any]] = []
    for key, member in value.items():
        if isinstance(member, list):
            expected += [(key, LIST_BEGINS), *((key, element) for element in member)]
        else:
            expected.append((key, member))
    data = text.encode(encoding)
    # Fewer bytes than a BOM has can't tell the encoding.
    found = [(key, element) for key, _, element in streamed(data, max(size, 4))]
    assert found == expected
    assert load_json(data, "f.json") == value


def test_lines_are_counted_across_pieces() -> None:
    data = b'{"a": [\n1,\n\n{"x":\n2}],\n"b": true}\n'
    assert streamed(data, 3) == [
        ("a", 1, LIST_BEGINS),
        ("a", 2, 1),
        ("a", 4, {"x": 2}),
        ("b", 6, True),
    ]
    assert streamed(b"[1, 22, 333]", 1) == [("", 1, 1), ("", 1, 22), ("", 1, 333)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "ends too early"),
        (b"5", "not a JSON object or list"),
        (b'{"a": [1, 2', "ends too early"),
        (b'{"a": [1 2]}', "a comma was expected"),
        (b'{"a" 1}', "a colon was expected"),
        (b'{"a": tru}', "not valid JSON"),
        (b"{1: 2}", "a name in quotes"),
        (b'{"a": 1} {}', "behind its end"),
        (b'{"a": "x', "Unterminated"),
        (b'[{"a": NaN}]', "NaN is not valid JSON"),
        (b"[Infinity]", "Infinity is not valid JSON"),
        (b"[-Infinity]", "-Infinity is not valid JSON"),
        (b"[" + b"1" * 10_000 + b"]", "digits"),
        (b'{"a": ' + b"[" * 100_000, "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b'["\xff\xfe"]', "not UTF-8"),
        (b'["a\x00b"]', "not valid JSON"),
    ],
)
def test_bad_json_is_refused_with_its_place(data: bytes, words: str) -> None:
    for size in (5, 2**20):
        with pytest.raises(InvalidImport, match=r"f\.json") as raised:
            streamed(data, size)
        assert words in raised.value.message
    if len(data) < 100 and not data.startswith((b"5", b"")):
        with pytest.raises(InvalidImport, match=r"f\.json"):
            load_json(data, "f.json")


def test_one_endless_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_json, "MAX_ELEMENT", 2**20)
    with pytest.raises(InvalidImport, match="one value has more than 1 MB"):
        streamed(b'["' + b"x" * 2**22, 2**16)
    monkeypatch.setattr(safe_json, "MAX_BYTES", 2**20)
    with pytest.raises(InvalidImport, match="larger than 1 MB"):
        streamed(b"[" + b"1," * 2**20, 2**16)


# --- XML ----------------------------------------------------------------------------------


def parsed(data: bytes, root: str = "a") -> list[safe_xml.Element]:
    return list(stream_xml(io.BytesIO(data), "f.xml", root))


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>
<a><b>&y;</b></a>"""
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b></a>"""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "DTD"),
        (OUTSIDE, "DTD"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>', "DTD"),
        (b"<a><b>&undefined;</b></a>", "undefined entity"),
        (b"<a><b></a>", "mismatched tag"),
        (b"<a><b>", "no element found"),
        (b"", "no element found"),
        (b"words", "syntax error"),
        (b"<html></html>", "its root is <html>, not <a>"),
        (b"<a>" + b"<b>" * 1000, "nested too deep"),
        (b'<?xml version="1.0" encoding="nothing-at-all"?><a/>', "encoding"),
        (b"<a><b>\xff</b></a>", "not well-formed"),
    ],
)
def test_bad_xml_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(InvalidImport, match=r"f\.xml") as raised:
        parsed(data)
    assert words in raised.value.message


def test_large_xml_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_PART", 2**16)
    with pytest.raises(InvalidImport, match="too large"):
        parsed(b"<a><b>" + b"x" * 2**17 + b"</b></a>")
    with pytest.raises(InvalidImport, match="too large"):
        parsed(b"<a><b>" + b"<c/>" * 2000 + b"</b></a>")
    monkeypatch.setattr(safe_xml, "MAX_BYTES", 2**17)
    with pytest.raises(InvalidImport, match="larger than"):
        parsed(b"<a>" + b"<b/>" * 2**16 + b"</a>")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_in_any_encoding_is_read(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{name}"?>\n<a x="1">\n<b k="ü">é\n</b><c/>\n</a>'
    first, second = parsed(text.encode(encoding))
    assert (first.tag, first.text, first.attributes, first.line) == ("b", "é", {"k": "ü"}, 3)
    assert (second.tag, second.line) == ("c", 4)


# --- zips and folders ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../a.json", "a/../../b.json", "/etc/a.json", "C:/a.json", "..\\a.json", "a//b.json", "./a"],
)
def test_a_zip_whose_names_lead_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "x.zip", {"good.json": {}, name: {}})
    with pytest.raises(InvalidImport, match="escapes its folder"):
        open_dataset_files(path)


@given(st.text(st.sampled_from("ab./\\:C\0"), max_size=8))
def test_what_is_inside_stays_inside(name: str) -> None:
    if is_inside(name):
        joined = Path("/root", name)
        assert Path("/root") in joined.parents
        assert ".." not in joined.parts


def test_links_in_zips_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("images")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc")
    with pytest.raises(InvalidImport, match="a link"):
        open_dataset_files(path)


def test_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_files, "FREE_BYTES", 2**20)
    path = zipped(tmp_path / "x.zip", {f"{n}.json": b"0" * 2**22 for n in range(4)})
    assert path.stat().st_size < 2**16
    with pytest.raises(InvalidImport, match="unpacks to far more"):
        open_dataset_files(path)


def test_a_member_that_lies_about_its_size_gives_no_more(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.json": b"0" * 100_000})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 100_000), struct.pack("<L", 10)))
    source = open_dataset_files(path)
    with pytest.raises(InvalidImport, match="corrupted"):
        read_whole(source, "a.json", 2**20)
    source.close()


def test_other_strange_zips_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = tmp_path / "twice.zip"
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a.json", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.json", "2")
    with pytest.raises(InvalidImport, match="two files in it are named"):
        open_dataset_files(twice)
    packed = tmp_path / "lzma.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.json", "1")
    with pytest.raises(InvalidImport, match="unusual way"):
        open_dataset_files(packed)
    locked = zipped(tmp_path / "locked.zip", {"a.json": "1"})
    data = bytearray(locked.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(data)
    with pytest.raises(InvalidImport, match="password"):
        open_dataset_files(locked)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zipped(tmp_path / "whole.zip", {"a.json": "1" * 99}).read_bytes()[:60])
    with pytest.raises(InvalidImport, match="corrupted"):
        open_dataset_files(cut)
    monkeypatch.setattr(dataset_files, "MAX_LIST_BYTES", 100)
    with pytest.raises(InvalidImport, match="too many files"):
        open_dataset_files(zipped(tmp_path / "many.zip", {f"{n}.txt": "1" for n in range(9)}))


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    files = {".x.json": "1", "__MACOSX/._a.json": "1", "a.json": "1", ".git/b.json": "1"}
    with contextlib.closing(open_dataset_files(zipped(tmp_path / "x.zip", files))) as source:
        assert source.files() == ("a.json",)
    folder = written(tmp_path / "folder", {k: v for k, v in files.items() if "MACOSX" not in k})
    (folder / "away").symlink_to(tmp_path)
    assert open_dataset_files(folder).files() == ("a.json",)


def test_only_what_lies_beside_a_file_is_imported(tmp_path: Path) -> None:
    written(tmp_path, {"secret.jpg": b"", "set/a.json": "{}", "set/images/b/c.jpg": b""})
    (tmp_path / "set" / "link").symlink_to(tmp_path)
    source = open_dataset_files(tmp_path / "set" / "a.json")
    assert source.files() == ("a.json",)
    assert source.beside("b/c.jpg") == "images/b/c.jpg"
    for name in ("../secret.jpg", "/etc/passwd", "link/secret.jpg", "a\\b.jpg", "", "no.jpg"):
        assert source.beside(name) is None


def test_a_missing_path_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidImport, match="No such file"):
        open_dataset_files(tmp_path / "nothing")


def test_a_large_list_takes_little_memory(tmp_path: Path) -> None:
    """Sixty megabytes of JSON, read with less than twenty above the start."""
    path = tmp_path / "large.json"
    element = json.dumps({"id": 1, "bbox": [1.5] * 4, "note": "x" * 500}) + ","
    path.write_text('{"annotations": [' + element * 100_000 + "{}]}")
    code = f"""
import resource, sys
from labeler.datasets.formats.safe_json import stream_json
unit = 2**20 if sys.platform == "darwin" else 2**10
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
before = peak()
with open({str(path)!r}, "rb") as file:
    count = sum(1 for _ in stream_json(file, "large.json"))
print(count, peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    count, grown = done.stdout.split()
    assert int(count) == 100_002
    assert float(grown) < 20
