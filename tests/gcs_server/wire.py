"""HTTP/1.1 on asyncio: keep-alive, Content-Length bodies, and the faults of the connection.

One event loop handles one request after the other, so each is atomic. It is written for speed:
the benchmarks run against it on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from tests.gcs_server.faults import Fault

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_NO_BODY = (204, 304)


@dataclass
class Request:
    """One request; `path` is still percent-encoded, header names are in lower case."""

    method: str
    path: str
    query_text: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def line(self) -> str:
        """Path and query in the clear, for rules and logs."""
        return unquote(f"{self.path}?{self.query_text}" if self.query_text else self.path)


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=UTF-8"


Handler = Callable[[Request], Response]
Picker = Callable[[Request], Fault | None]


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(
        self,
        handle: Handler,
        pick: Picker,
        added_s: Callable[[], float],
        connections: set[Connection],
    ) -> None:
        self._handle, self._pick, self._added_s = handle, pick, added_s
        self._connections = connections
        self._buffer = bytearray()
        self._busy = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Close it now, whatever has not been sent."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        """Handle the next whole request in the buffer, if there is one."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if "transfer-encoding" in headers:
            self._send(Response(411))
            return
        start, length = end + 4, int(headers.get("content-length", 0))
        if len(self._buffer) < start + length:
            return
        body = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        path, _, query = target.partition("?")
        self._serve(Request(method, path, query, headers, body))

    def _serve(self, request: Request) -> None:
        fault = self._pick(request)
        kind = fault.kind if fault else ""
        if kind == "reset":
            self._reset()
        elif fault and kind == "late":
            self._later(fault, lambda: self._answer(request, self._handle(request)))
        elif fault and kind == "status":
            self._answer(request, fault_response(fault))
        else:
            if kind == "spoil":
                request = replace(request, body=spoil(request.body))
            response = self._handle(request)
            if kind == "reset_after":
                self._reset()
            elif fault and kind == "status_after":
                self._answer(request, fault_response(fault))
            else:
                self._answer(request, response, fault)

    def _answer(self, request: Request, response: Response, fault: Fault | None = None) -> None:
        head_only = request.method == "HEAD"
        kind = fault.kind if fault else ""
        delay = fault if fault and kind == "delay" else Fault("delay")
        delay = replace(delay, seconds=delay.seconds + self._added_s())
        if delay.seconds or delay.until:
            self._later(delay, lambda: self._send(response, kind, head_only))
        else:
            self._send(response, kind, head_only)
            if self._buffer and not self._busy:
                self._next()

    def _later(self, fault: Fault, work: Callable[[], None]) -> None:
        """Do the work, and then look for the next request, when the fault is over."""
        self._busy = True
        loop = asyncio.get_running_loop()

        def go_on() -> None:
            if fault.until is not None and not fault.until.is_set():
                loop.call_later(0.005, go_on)
                return
            self._busy = False
            work()
            if self._buffer and not self._busy:
                self._next()

        loop.call_later(fault.seconds, go_on)

    def _send(self, response: Response, kind: str = "", head_only: bool = False) -> None:
        if self._transport.is_closing():
            return
        body = response.body
        head = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, 'Unknown')}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.status not in _NO_BODY:
            head.append(f"Content-Type: {response.content_type}")
            if "Content-Length" not in response.headers:
                head.append(f"Content-Length: {len(body)}")
        raw = "\r\n".join([*head, "\r\n"]).encode("latin-1")
        if head_only or response.status in _NO_BODY:
            body = b""
        if kind == "cut" and body:
            self._transport.write(raw + body[: len(body) // 2])
            self._transport.close()
            return
        if kind == "garble" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        self._transport.write(raw + body)

    def _reset(self) -> None:
        """End the connection by a TCP reset, not by a polite close."""
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def spoil(body: bytes) -> bytes:
    """The body with another last byte of its content, which a boundary may follow."""
    end = body.rfind(b"\r\n--") if body.startswith(b"--") else len(body)
    return body[: end - 1] + bytes([body[end - 1] ^ 1]) + body[end:]


def fault_response(fault: Fault) -> Response:
    return error_response(fault.status, fault.reason, fault.message)


def error_response(status: int, reason: str, message: str) -> Response:
    """The JSON API's form of an error."""
    error = {"message": message, "domain": "global", "reason": reason}
    body = json.dumps({"error": {"code": status, "message": message, "errors": [error]}})
    return Response(status, body.encode())
