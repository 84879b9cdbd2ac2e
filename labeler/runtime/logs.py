"""The log of a process: one JSON object per line for log services, text for people.

All log records use one handler, whatever handlers their package asks for: our own lines,
Streamlit's, uvicorn's and Google's, warnings, uncaught exceptions, and with JSON also printed text.
No line holds a token, an address's query or a person's e-mail address.

The JSON has the keys that Cloud Logging parses (severity, message, time, trace, source, request)
and Error Reporting groups by: https://docs.cloud.google.com/logging/docs/structured-logging
"""

from __future__ import annotations

import http.client
import io
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from labeler import __version__
from labeler.runtime.context_values import in_block
from labeler.runtime.events import EVENT, Event, Request
from labeler.runtime.visible_text import visible, visible_lines

MAX_TEXT: Final = 32_768
"""Characters of a message or a traceback: a service drops lines of more than 256 KiB."""

_METADATA_S: Final = 1.0
_REPORT: Final = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)
_SECRETS: Final = (
    (re.compile(r"(?<=[?&]token=)[^&\s\"'<>]+"), "…"),
    (re.compile(r"(?i)(?<=bearer )[^\s\"',]+"), "…"),
    (re.compile(r"(?<![\w-])eyJ[\w-]++\.[\w-]++\.[\w-]*+"), "…"),
    # A message may name a service account without a permission, but no person's address.
    (re.compile(r"(?<![\w.+-])[\w.+-]++@(?![\w.-]*+(?<=gserviceaccount\.com))"), "…@"),
)


@dataclass(frozen=True, slots=True)
class LogSource:
    """The origin of log lines: version, service and revision on Cloud Run, Google Cloud project."""

    version: str = __version__
    service: str = "labeler"
    revision: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The current request, as Cloud Trace identifies it."""

    id: str
    span: str = ""
    sampled: bool = False

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Trace | None:
        """The trace in a request's headers (lower-case names)."""
        match = re.fullmatch(
            r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})",
            headers.get("traceparent", ""),
        )
        if match:
            return cls(match[1], match[2], bool(int(match[3], 16) & 1))
        match = re.fullmatch(
            r"([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([01]))?",
            headers.get("x-cloud-trace-context", ""),
        )
        if match is None:
            return None
        span = int(match[2] or 0)
        return cls(match[1].lower(), f"{span:016x}" if 0 < span < 2**64 else "", match[3] == "1")


def log_source(environ: Mapping[str, str]) -> LogSource:
    """The source of this process, from its environment and, on Cloud Run, the metadata server."""
    service = environ.get("K_SERVICE") or environ.get("CLOUD_RUN_JOB")
    project = environ.get("GOOGLE_CLOUD_PROJECT", "")
    if service and not project:
        project = _project(environ.get("GCE_METADATA_HOST", "metadata.google.internal"))
    revision = environ.get("K_REVISION") or environ.get("CLOUD_RUN_EXECUTION", "")
    return LogSource(service=service or "labeler", revision=revision, project=project)


def _project(host: str) -> str:
    """The Google Cloud project from the metadata server; empty if there is none."""
    connection = http.client.HTTPConnection(host, timeout=_METADATA_S)
    try:
        place = "/computeMetadata/v1/project/project-id"
        connection.request("GET", place, headers={"Metadata-Flavor": "Google"})
        answer = connection.getresponse()
        text = answer.read(200).decode("ascii", "replace").strip()
        return text if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


_trace: ContextVar[Trace | None] = ContextVar("labeler_trace", default=None)


def traced(trace: Trace | None) -> AbstractContextManager[None]:
    """Make log lines of the block belong to that request."""
    return in_block(_trace, trace)


def without_secrets(text: str) -> str:
    """The text without tokens and people's addresses, cut to the longest allowed line."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]} …"
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


class JsonLines(logging.Formatter):
    """One JSON object for each record."""

    def __init__(self, source: LogSource) -> None:
        super().__init__()
        self._source = source

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "severity": _severity(record.levelno),
            "message": without_secrets(record.getMessage()),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "logging.googleapis.com/labels": {
                "logger": record.name,
                "version": self._source.version,
            },
            "logging.googleapis.com/sourceLocation": {
                "file": record.pathname,
                "line": str(record.lineno),
                "function": record.funcName,
            },
        }
        if trace := _trace.get():
            entry |= self._of_trace(trace)
        event = getattr(record, EVENT, None)
        if isinstance(event, Event):
            entry["event"] = event.NAME
            entry |= _http(event) if isinstance(event, Request) else _plain(event.values())
        if record.exc_info and record.exc_info[1] is not None:
            entry |= self._report(entry["message"], record.exc_info[1])
        return json.dumps(entry, allow_nan=False, default=str)

    def _of_trace(self, trace: Trace) -> dict[str, Any]:
        project = self._source.project
        name = f"projects/{project}/traces/{trace.id}" if project else trace.id
        found: dict[str, Any] = {"logging.googleapis.com/trace": name}
        if trace.span:
            found["logging.googleapis.com/spanId"] = trace.span
        return found | {"logging.googleapis.com/trace_sampled": trace.sampled}

    def _report(self, message: str, error: BaseException) -> dict[str, Any]:
        """The keys by which Error Reporting groups errors with the same traceback."""
        lines = "".join(traceback.format_exception(error))
        return {
            "@type": _REPORT,
            "stack_trace": without_secrets(lines),
            "serviceContext": {
                "service": self._source.service,
                "version": self._source.revision or self._source.version,
            },
            "message": f"{message}\n{without_secrets(lines)}"[: 2 * MAX_TEXT],
        }


class TextLines(logging.Formatter):
    """Lines for people: time, level, message; the traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        # A message may quote what people typed, which must not look like another line.
        record.message = visible(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return visible_lines(super().formatException(ei))


def configure(source: LogSource, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Make this process log in this way from now on, to `stream`.

    Without a stream, JSON goes to stdout, where log services expect it, and text to stderr. With
    JSON our own events are logged too; as text, only messages that a person needs.
    """
    out = stream or (sys.stdout if as_json else sys.stderr)
    handler = _Handler(out)
    handler.setFormatter(JsonLines(source) if as_json else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if as_json else logging.WARNING)
    _one_way()
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    if as_json and stream is None:
        sys.stdout = Printed("stdout", logging.INFO)
        sys.stderr = Printed("stderr", logging.ERROR)


def _one_way() -> None:
    """Send every logger's records to the root's handler only."""
    logging.setLoggerClass(_Rooted)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            # Streamlit and uvicorn keep loggers that they made earlier.
            logger.__class__ = _Rooted


class _Rooted(logging.Logger):
    """A logger whose records go to the root's handlers, whatever other handlers it gets."""

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        logging.root.callHandlers(record)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes records, and ignores failures, which it could only report to the log itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


class Printed(io.TextIOBase):
    """Replaces stdout or stderr: each printed line becomes a record."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, level: int) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._local = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        # Bytes raise a TypeError here, so that callers recognize a text stream.
        *lines, rest = (getattr(self._local, "rest", "") + text).split("\n")
        # Of an endless line, keep only as much as would be logged, and the sign of the cut.
        self._local.rest = rest[: MAX_TEXT + 1]
        for line in lines:
            if line.strip():
                self._logger.log(self._level, "%s", line.strip())
        return len(text)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.critical("The program ended with an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
        name = given.thread.name if given.thread else "?"
        logging.error("The thread %s ended with an error", name, exc_info=given.exc_value)


def _unraisable(given: Any) -> None:
    logging.error("An error that can't be raised", exc_info=given.exc_value)


def _severity(level: int) -> str:
    """Cloud Logging's severity for a level of Python's logging."""
    for least, word in _SEVERITIES:
        if level >= least:
            return word
    return "DEFAULT"


_SEVERITIES: Final = (
    (logging.CRITICAL, "CRITICAL"),
    (logging.ERROR, "ERROR"),
    (logging.WARNING, "WARNING"),
    (logging.INFO, "INFO"),
    (logging.DEBUG, "DEBUG"),
)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_secrets(value) if name == "reason" else value
        for name, value in values.items()
    }


def _http(event: Request) -> dict[str, Any]:
    """The request as a log entry's httpRequest."""
    return {
        "httpRequest": {
            "requestMethod": event.method,
            "requestUrl": without_secrets(event.path),
            "status": event.status,
            "responseSize": str(event.bytes),
            "latency": f"{event.latency_ms / 1000:.6f}s",
        }
    }
