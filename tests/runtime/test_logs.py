"""The log: what a line of JSON holds, what it never holds, and that nothing goes another way."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from labeler import __version__
from labeler.runtime.events import EVENTS, Request, SaveFailed, log_event
from labeler.runtime.logs import (
    MAX_TEXT,
    JsonLines,
    LogSource,
    TextLines,
    Trace,
    log_source,
    traced,
    without_secrets,
)
from tests.pictures import png

ROOT = Path(__file__).parents[2]
TRACE = "0af7651916cd43dd8448eb211c80319c"
SOURCE = LogSource(service="labels", revision="labels-00007", project="my-project")


class Kept(logging.Handler):
    """Keeps the lines as they would be written."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def entry(self) -> dict[str, Any]:
        """The only line."""
        [line] = self.lines
        found: dict[str, Any] = json.loads(line)
        return found


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield from _keeping(JsonLines(SOURCE))


@pytest.fixture
def text() -> Iterator[Kept]:
    yield from _keeping(TextLines())


def _keeping(formatter: logging.Formatter) -> Iterator[Kept]:
    handler = Kept(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_line_says_what_when_how_bad_and_where(kept: Kept) -> None:
    logging.getLogger("some.module").warning("half of %s", "it\nand more")
    entry = kept.entry()
    assert entry["severity"] == "WARNING"
    assert entry["message"] == "half of it\nand more"
    assert entry["time"].endswith("+00:00")
    assert entry["logging.googleapis.com/labels"] == {
        "logger": "some.module",
        "version": __version__,
    }
    place = entry["logging.googleapis.com/sourceLocation"]
    assert place["file"] == __file__
    assert int(place["line"]) > 0
    assert place["function"] == "test_a_line_says_what_when_how_bad_and_where"
    assert "@type" not in entry
    assert "logging.googleapis.com/trace" not in entry


@pytest.mark.parametrize(
    ("level", "severity"),
    [(10, "DEBUG"), (20, "INFO"), (25, "INFO"), (40, "ERROR"), (50, "CRITICAL"), (5, "DEFAULT")],
)
def test_severities_are_those_of_cloud_logging(level: int, severity: str) -> None:
    record = logging.LogRecord("x", level, __file__, 1, "text", None, None)
    assert json.loads(JsonLines(SOURCE).format(record))["severity"] == severity


def test_an_event_stands_in_fields_of_its_own(kept: Kept) -> None:
    log_event(SaveFailed(image_id="abc", tries=2, code="unavailable", reason="not now"))
    entry = kept.entry()
    assert (entry["event"], entry["severity"]) == ("save_failed", "ERROR")
    assert {name: entry[name] for name in ("image_id", "tries", "code", "reason")} == {
        "image_id": "abc",
        "tries": 2,
        "code": "unavailable",
        "reason": "not now",
    }
    place = entry["logging.googleapis.com/sourceLocation"]
    assert place["function"] == "test_an_event_stands_in_fields_of_its_own"


def test_a_request_is_told_as_cloud_logging_knows_requests(kept: Kept) -> None:
    log_event(Request(method="PUT", path="/api/x", status=200, bytes=17, latency_ms=12.5))
    entry = kept.entry()
    assert entry["httpRequest"] == {
        "requestMethod": "PUT",
        "requestUrl": "/api/x",
        "status": 200,
        "responseSize": "17",
        "latency": "0.012500s",
    }


def test_a_fault_is_told_so_that_faults_of_one_place_are_grouped(kept: Kept) -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        logging.getLogger("x").exception("It failed")
    entry = kept.entry()
    assert entry["@type"].endswith("clouderrorreporting.v1beta1.ReportedErrorEvent")
    assert entry["serviceContext"] == {"service": "labels", "version": "labels-00007"}
    assert entry["stack_trace"].startswith("Traceback (most recent call last):")
    assert entry["stack_trace"].endswith("ZeroDivisionError: by nothing\n")
    assert entry["message"].startswith("It failed\nTraceback")
    assert __file__ in entry["stack_trace"]


@pytest.mark.parametrize(
    ("headers", "trace", "span", "sampled"),
    [
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}, TRACE, "b7ad6b7169203331", True),
        ({"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"}, TRACE, "b7ad6b7169203331", False),
        ({"x-cloud-trace-context": f"{TRACE}/74;o=1"}, TRACE, "000000000000004a", True),
        ({"x-cloud-trace-context": f"{TRACE}/0"}, TRACE, "", False),
        ({"x-cloud-trace-context": TRACE.upper()}, TRACE, "", False),
        (
            {"traceparent": "nonsense", "x-cloud-trace-context": f"{TRACE}/1;o=0"},
            TRACE, "0000000000000001", False,
        ),
    ],
)  # fmt: skip
def test_lines_belong_to_the_request_that_is_answered(
    kept: Kept, headers: dict[str, str], trace: str, span: str, sampled: bool
) -> None:
    with traced(Trace.of(headers)):
        logging.warning("within")
    entry = kept.entry()
    assert entry["logging.googleapis.com/trace"] == f"projects/my-project/traces/{trace}"
    assert entry.get("logging.googleapis.com/spanId", "") == span
    assert entry["logging.googleapis.com/trace_sampled"] is sampled


@pytest.mark.parametrize("text", ["", "x", f"{TRACE}/{'9' * 30}", f"{TRACE[:-1]}/1;o=1"])
def test_what_is_no_trace_is_none(text: str) -> None:
    assert Trace.of({"traceparent": text, "x-cloud-trace-context": text}) is None


SECRETS = (
    "GET /api/images/x?width=9&token=abc.def-123&x=1",
    "Authorization: Bearer abc.def-123",
    "eyJhbGciOi.eyJzdWIi.abc.def-123",
    "saved by abc.def-123@example.com",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_token_and_no_address_is_written(kept: Kept, text: Kept, secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("x").exception("failed: %s", secret)
    log_event(Request(method="GET", path=secret, status=200, bytes=1, latency_ms=1))
    log_event(SaveFailed(image_id="x", tries=1, code="x", reason=secret))
    assert len(kept.lines) == len(text.lines) == 3
    for line in (*kept.lines, *text.lines):
        assert "abc.def-123" not in line, line


def test_a_service_account_that_lacks_a_right_is_named() -> None:
    told = "labeler@my-project.iam.gserviceaccount.com does not have storage.objects.create"
    assert without_secrets(told) == told


def test_a_line_is_never_longer_than_a_service_takes(kept: Kept) -> None:
    try:
        raise ValueError("y" * 10 * MAX_TEXT)
    except ValueError:
        logging.getLogger("x").exception("x" * 10 * MAX_TEXT)
    assert len(kept.lines[0]) < 200_000


def test_people_read_text(text: Kept) -> None:
    logging.getLogger("x").warning("The disk is full")
    assert text.lines[0].endswith(" WARNING The disk is full")


def test_events_have_names_of_their_own_and_plain_fields() -> None:
    names = [event.NAME for event in EVENTS]
    assert len(set(names)) == len(names)
    for event in EVENTS:
        assert is_dataclass(event)
        assert {str(field.type) for field in fields(event)} <= {"int", "float", "str", "bool"}
        assert event.__doc__
        assert not event.__doc__.startswith(event.__name__)  # written, not made by dataclass


def test_every_event_is_in_the_documentation_with_its_fields() -> None:
    page = (ROOT / "docs" / "logs.md").read_text()
    rows = {
        line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")
    }
    for event in EVENTS:
        row = rows[event.NAME]
        if event is Request:
            assert "`httpRequest`" in row
            continue
        for field in fields(event):
            assert f"`{field.name}`" in row, f"{event.NAME} lacks {field.name}"


# --- where the process is -----------------------------------------------------------------


def test_a_laptop_is_no_project() -> None:
    assert log_source({}) == LogSource(__version__, "labeler", "", "")


def test_the_environment_names_service_and_project() -> None:
    environ = {"K_SERVICE": "labels", "K_REVISION": "labels-1", "GOOGLE_CLOUD_PROJECT": "p"}
    assert log_source(environ) == LogSource(__version__, "labels", "labels-1", "p")


class Metadata(BaseHTTPRequestHandler):
    """What a machine of Google's answers about itself."""

    def do_GET(self) -> None:
        known = self.path == "/computeMetadata/v1/project/project-id"
        known = known and self.headers["Metadata-Flavor"] == "Google"
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(b"my-project\n" if known else b"no")

    def log_message(self, *_: Any) -> None:
        pass


def test_on_cloud_run_the_project_is_asked_for() -> None:
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"127.0.0.1:{server.server_port}"
        found = log_source({"K_SERVICE": "labels", "GCE_METADATA_HOST": host})
        server.shutdown()
        thread.join()
    assert found.project == "my-project"
    assert log_source({"K_SERVICE": "labels", "GCE_METADATA_HOST": host}).project == ""


# --- a whole process ----------------------------------------------------------------------


def run(code: str) -> list[dict[str, Any]]:
    """The entries that a process writes to stdout; nothing else may be written anywhere."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


START = """
import logging, sys, threading, warnings
early = logging.getLogger("early")
early.addHandler(logging.StreamHandler())
early.propagate = False
from labeler.runtime import logs
logs.configure(logs.LogSource(), as_json=True)
"""


def messages(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["severity"], entry["message"].splitlines()[0]) for entry in entries]


def test_loggers_with_handlers_of_their_own_go_the_same_way() -> None:
    """As Streamlit makes them, and uvicorn's configuration, before and after ours."""
    entries = run(
        START
        + """
from streamlit.logger import get_logger
get_logger("streamlit.something").info("a page")
import logging.config
from uvicorn.config import LOGGING_CONFIG
logging.config.dictConfig(LOGGING_CONFIG)
logging.getLogger("uvicorn.error").info("a server")
early.warning("early")
"""
    )
    assert messages(entries) == [("INFO", "a page"), ("INFO", "a server"), ("WARNING", "early")]


def test_what_is_printed_warned_or_not_caught_is_a_line_too() -> None:
    entries = run(
        START
        + """
import click
print("one", 2, end="")
print(" three\\n\\nfour")
click.secho("  a page for you", fg="blue")
sys.stderr.write("oh\\n")
warnings.warn("old", DeprecationWarning)
thread = threading.Thread(target=lambda: 1 / 0, name="worker")
thread.start()
thread.join()
class Broken:
    def __del__(self):
        raise KeyError("gone")
del Broken
raise LookupError("the end")
""".replace("del Broken", "Broken()")
    )
    assert messages(entries)[:4] == [
        ("INFO", "one 2 three"),
        ("INFO", "four"),
        ("INFO", "a page for you"),
        ("ERROR", "oh"),
    ]
    warned, thread, broken, end = entries[4:]
    assert warned["severity"] == "WARNING"
    assert "DeprecationWarning: old" in warned["message"]
    assert thread["message"].startswith("The thread worker ended with an error")
    assert "ZeroDivisionError" in thread["stack_trace"]
    assert "KeyError: 'gone'" in broken["stack_trace"]
    assert (end["severity"], "LookupError: the end" in end["stack_trace"]) == ("CRITICAL", True)


def test_a_reader_who_has_gone_is_no_fault() -> None:
    code = START + "import os\nos.close(1)\nlogging.error('nobody')\nlogging.error('reads')"
    assert run(code) == []


def test_a_job_tells_its_events_too(tmp_path: Path) -> None:
    """Results stay on stdout; the log goes to stderr, which Cloud Run reads just as well."""
    (tmp_path / "a.png").write_bytes(png())
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 8]}],
        "categories": [{"id": 1, "name": "grumpycat"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    found: dict[str, dict[str, Any]] = {}
    exports = []
    for arguments in (
        ["add", "a.png"], ["import", "coco", "coco.json"], ["export", "coco"],
        ["export", "yolo"], ["export", "voc", "--images", "--output", "voc.zip"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "labeler", *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=240, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LABELER_LOGS": "json"},
        )  # fmt: skip
        for line in done.stderr.splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                found[entry["event"]] = entry
                assert "grumpycat" not in line
                if entry["event"] == "export":
                    exports.append((entry["format"], entry["images"], entry["boxes"]))
        assert "{" not in done.stdout
    assert found["upload"]["created"]
    assert (found["import"]["images"], found["import"]["boxes"]) == (1, 1)
    assert exports == [("coco", 1, 1), ("yolo", 1, 1), ("voc", 1, 1)]
