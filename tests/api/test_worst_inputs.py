"""Each call gets its worst input: it answers after little work, and others save meanwhile.

The table of routes decides which calls there are. A new call has no body in BODIES, or a new format
no file in FILES, until somebody adds the worst one for it, and then the first test fails.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from starlette.routing import Route

from labeler.datasets.formats.registry import IMPORTED
from labeler.model.document_change import CHANGE_TYPE
from labeler.model.layout import document_key
from labeler.storage import ABSENT
from tests.test_fuzz_calls import HEADERS, PARAMETERS, Caller
from tests.test_image_work import WORST as WORST_IMAGES

MARKS: Final = "a" + "\u0301\u0323" * 10_000
"""Quadratic to normalize by Python's own function."""
WIDE: Final = 60_000
"""Bytes of a header or an address that uvicorn still passes on."""
MOST_CALLS: Final = 300_000
"""Of functions, for one call: a tenth of a second."""
MORE_A_BYTE: Final = 25
"""In addition, for each byte of the body: readers of datasets look at each value by itself."""

DEEP: Final = b'{"a":' * 100_000
LONG_NUMBER: Final = b'{"rects": [' + b"9" * 300_000 + b"]}"
MANY_KEYS: Final = json.dumps({f"k{number}": number for number in range(9000)}).encode()
MANY_VALUES: Final = b"[" + b"0," * 20_000 + b"0]"


def _document(**rect: Any) -> bytes:
    box = {"left": 0, "top": 0, "width": 1, "height": 1, "label": "x", **rect}
    return json.dumps({"rects": [box] * 3, "image_path": "a.png"}).encode()


def _label(**more: Any) -> bytes:
    label = {"id": 1, "number": 1, "name": "x", "color": "#000000", **more}
    return json.dumps({"labels": [label] * 500}).encode()


def _text(*path: str) -> bytes:
    """The marks as the value at that place, within objects."""
    value: Any = MARKS
    for key in reversed(path):
        value = {key: value}
    return json.dumps(value, ensure_ascii=False).encode()


ALL_WRONG: Final = (
    b'{"rects": [' + b"{}," * 20_000 + b'{}], "labels": [' + b"{}," * 20_000 + b"{}]}"
)
ANYTHING: Final = (
    DEEP,
    LONG_NUMBER,
    MANY_KEYS,
    MANY_VALUES,
    ALL_WRONG,
    b"\xff" * 1000,
    b" " * 200_000,
)
"""Bodies for calls that read JSON."""
BODIES: Final[dict[tuple[str, str], tuple[bytes, ...]]] = {
    ("POST", "/api/images"): tuple(WORST_IMAGES.values()),
    ("DELETE", "/api/images/{image_id}"): ANYTHING,
    ("POST", "/api/images/{image_id}/restore"): ANYTHING,
    ("PUT", "/api/annotations/{image_id}"): (
        _document(label=MARKS), _document(theirs=MARKS), _document(id=MARKS),
        b'{"rects": [' + b",".join([b'{"left": 0, "label": "x"}'] * 5000) + b"]}",
        json.dumps({"rects": [], "comments": [{"id": "c", "text": MARKS}] * 20}).encode(),
        _text("rects", "a", "label"), _text("metadata", "status"),
        json.dumps({"rects": {f"r{n}": {"left": n} for n in range(9000)}}).encode(),
        b'{"metadata": ' + DEEP, b'{"rects": {' + b'"a": {"left": 1},' * 9000 + b'"b": null}}',
    ),
    ("POST", "/api/annotations/{image_id}/restore"): (_text("version"),),
    ("POST", "/api/annotations/{image_id}/review"): (
        _text("verdict"), _text("comment", "text"), _text("comment", "rect"),
    ),
    ("POST", "/api/annotations/{image_id}/assign"): (_text("person"), _text("to")),
    ("POST", "/api/claims"): (_text("after"), _text("order"), b'{"status": ["x"' + b',"x"' * 9000),
    ("PUT", "/api/claims/{image_id}"): ANYTHING,
    ("DELETE", "/api/claims/{image_id}"): ANYTHING,
    ("PUT", "/api/guide/{picture}"): ANYTHING,
    ("PUT", "/api/guide"): (_text("text"), json.dumps({"text": "[![" * 60_000}).encode()),
    ("PUT", "/api/labels"): (_label(name=MARKS), _label(former=[MARKS]), _label(color=MARKS)),
    ("POST", "/api/exports"): (
        _text("label"), _text("split"), json.dumps({"label": ["x"] * 9000}).encode(),
    ),
    ("POST", "/api/imports"): (),  # FILES
}  # fmt: skip


def _zip(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return made.getvalue()


def _entries() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(600):
            archive.writestr(f"{number}/" * 20 + "a.txt", b"")
    return made.getvalue()


LAUGHS: Final = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 10) for n in range(1, 20))
    + b"]><annotation><folder>&t;</folder></annotation>"
)
YAML: Final = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 15)
)
JSON_FILES: Final = (DEEP, LONG_NUMBER, MANY_VALUES, b'{"images": [' + b"{}," * 2000 + b"{}]}")
XML_FILES: Final = (LAUGHS, b"<annotation>" * 10_000, b"<a " + b'b="c" ' * 3000 + b"/>")
ARCHIVES: Final = (_zip(a_dot_json=bytes(2**20)), _entries(), _zip(data_dot_yaml=YAML))
FILES: Final[dict[str, tuple[bytes, ...]]] = {
    "coco": JSON_FILES,
    "yolo": (_zip(data_dot_yaml=YAML), _zip(data_dot_yaml=b"{" * 5000, a_dot_txt=b"0 " * 9000)),
    "voc": XML_FILES,
    "labelme": JSON_FILES,
    "cvat": XML_FILES,
    "labelstudio": JSON_FILES,
}


def most_calls(body: bytes) -> int:
    return MOST_CALLS + MORE_A_BYTE * len(body)


class Work:
    """The functions that are called while the block runs, in any thread that began in it."""

    def __init__(self) -> None:
        self.calls = 0

    def _count(self, _frame: Any, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1

    def __enter__(self) -> Work:
        threading.setprofile(self._count)
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.fixture
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    made = Caller(tmp_path_factory.mktemp("worst"))
    yield made
    made.loop.close()
    made.project.close()


def routes(caller: Caller) -> list[tuple[str, str]]:
    """Each method and path of the API."""
    return sorted(
        (method, route.path)
        for route in caller.api.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    )


def test_each_call_and_each_format_has_a_worst_input(caller: Caller) -> None:
    assert set(BODIES) == {call for call in routes(caller) if call[0] != "GET"}
    assert set(FILES) == {kind.name for kind in IMPORTED}


Request = tuple[str, str, list[tuple[str, str]], bytes]
"""Path, query, headers and body."""


TEXTS: Final[tuple[Callable[[str], str], ...]] = (
    lambda name: f"{name}={quote(MARKS[:3000])}",
    lambda name: f"{name}={'*' * 9000}",
    lambda name: f"{name}={'9' * 9000}",
    lambda name: f"{name}={'a,' * 9000}",
    lambda name: f"{name}={'(a+)+$' * 2000}",
    lambda name: "&".join(f"{name}=x{number}" for number in range(5000)),
)
"""Queries for one parameter."""
LINES: Final = (
    MARKS[:WIDE].encode().decode("latin-1"), '"a", ' * 10_000, "a=b; " * 10_000,
    quote(MARKS[:9000]), "x" * WIDE,
)  # fmt: skip
"""Values of a header."""


def worst(method: str, path: str, image_id: str) -> Iterator[Request]:
    """The worst requests for that call: in its path, parameters, headers and body."""
    image = path.replace("{image_id}", image_id)
    own = [("X-File-Name", "a.png"), ("If-Match", "*")]
    for part in (MARKS[:5000], "..%2f" * 3000, "%00" * 3000, "a" * WIDE):
        yield path, part, own, b""  # the path's own parts
    # One text for each pair of a call and a name: all of them together take minutes.
    turn = len(path) + len(method)
    for number, name in enumerate(PARAMETERS):
        yield image, TEXTS[(turn + number) % len(TEXTS)](name), own, b""
    if method == "GET":
        yield image, "limit=1000&find=" + "*a" * 99, own, b""
        yield image, "images=" + ",".join([image_id] * 1500), own, b""
    for number, name in enumerate(HEADERS):
        yield image, "", [*own, (name, LINES[(turn + number) % len(LINES)])], b""
    for body in (*BODIES.get((method, path), ()), *(ANYTHING if method != "GET" else ())):
        for media_type in ("application/json", CHANGE_TYPE):
            yield image, "", [*own, ("Content-Type", media_type)], body


def send(caller: Caller, method: str, request: Request) -> tuple[int, bytes]:
    """The answer, and a save of somebody else's, who begins at the same time."""
    path, query, headers, body = request
    if "{" in path:
        path, query = path.partition("{")[0] + query, ""
    address = quote(path, safe="/%").encode()

    async def both() -> tuple[int, bytes]:
        calls = [
            caller.run(method, address, query.encode(), [*OWN, *headers], body),
            caller.run("PUT", SAVED.encode(), b"", [*OWN, ("If-Match", "*")], SAVE),
        ]
        answer, (saved, said) = await asyncio.gather(*calls)
        assert saved == 200, said
        return answer

    return caller.loop.run(both())


OWN: Final = [("Host", "h"), ("X-Labeler-Client", "worst")]
OTHER: Final = "f" * 32
PARTS: Final = 8
"""The calls are tried in so many tests, which may run beside each other."""
SAVED: Final = f"/api/annotations/{OTHER}"
SAVE: Final = json.dumps(
    {
        "image_path": "b.png",
        "rects": [{"left": 1, "top": 1, "width": 9, "height": 9, "label": "object"}],
    }
).encode()


@pytest.fixture
def labeled(caller: Caller) -> Caller:
    """With an image of somebody else's, and an export."""
    document = {"rects": [], "image_path": "b.png", "image_width": 64, "image_height": 48,
                "metadata": {"image_path": "b.png", "image_id": OTHER, "version": "1.0",
                             "saved_at": "2026-01-01T00:00:00+00:00"}}  # fmt: skip
    caller.project.store.write(
        document_key(OTHER), json.dumps(document).encode(), replaces=ABSENT,
        content_type="application/json",
    )  # fmt: skip
    return caller


@pytest.mark.parametrize("part", range(PARTS))
def test_no_call_works_long_or_keeps_others_from_saving(labeled: Caller, part: int) -> None:
    image_id = next(one.image_id for one in labeled.project.list_images() if one.image_id != OTHER)
    for method, path in routes(labeled)[part::PARTS]:
        plain: Request = (path.replace("{image_id}", image_id), "", [], b"")
        send(labeled, method, plain)  # a first call loads modules
        for request in worst(method, path, image_id):
            with Work() as work:
                status, answer = send(labeled, method, request)
            assert 200 <= status < 500, (method, path, request[1][:80], answer[:200])
            assert work.calls < most_calls(request[3]), [str(part)[:99] for part in request]


@pytest.mark.parametrize("name", FILES)
def test_no_import_works_long_or_keeps_others_from_saving(labeled: Caller, name: str) -> None:
    for file in (*FILES[name], *ARCHIVES):
        for existing in ("keep", "replace"):
            query = f"format={name}&existing={existing}"
            with Work() as work:
                request = ("/api/imports", query, [("X-File-Name", "a.zip")], file)
                status, answer = send(labeled, "POST", request)
            assert 200 <= status < 500, answer[:300]
            assert work.calls < most_calls(file), (name, file[:60])
