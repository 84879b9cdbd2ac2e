"""What comes in: bodies within limits, parameters, the name of an upload."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from urllib.parse import unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from labeler.catalogue import document_key
from labeler.errors import BodyTooLarge, Busy, InvalidRequest, LabelerError, TooSlow

NAME_HEADER: Final = "X-File-Name"
HEAD_BYTES: Final = 2048
PAUSE_S: Final = 30
_IN_MEMORY: Final = 2**23
_ENCODED: Final = re.compile(r"(?:[\x21-\x24\x26-\x7e ]|%[0-9A-Fa-f]{2})+")


class Intake:
    """Reads bodies: each within a limit, and all that are held at once within another.

    Belongs to one event loop.
    """

    def __init__(self, max_held: int) -> None:
        self._max_held = max_held
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request, limit: int, what: str) -> AsyncIterator[bytes]:
        """The body, of at most `limit` bytes; it counts as held until the block ends.

        Raises BodyTooLarge as soon as it passes the limit, TooSlow where nothing arrives for a
        while, Busy where others hold too much. Nothing is read of one that says it is too large.
        """
        _check_said(request, limit, what)
        held = 0
        chunks = []
        try:
            async for chunk in self._arriving(request, what):
                held += len(chunk)
                self._held += len(chunk)
                if held > limit:
                    raise _too_large(what, limit)
                if self._held > self._max_held and self._held > held:
                    raise Busy("Too many files are arriving at once. Send this one again.")
                chunks.append(chunk)
            data = b"".join(chunks)
            chunks.clear()
            yield data
        finally:
            self._held -= held

    @asynccontextmanager
    async def file(self, request: Request, limit: int, what: str) -> AsyncIterator[BinaryIO]:
        """The body as a file, of at most `limit` bytes; on disk where it is large.

        Raises what `body` raises. It is gone once the block ends.
        """
        _check_said(request, limit, what)
        with SpooledTemporaryFile[bytes](_IN_MEMORY) as file:
            size = 0
            async for chunk in self._arriving(request, what):
                size += len(chunk)
                if size > limit:
                    raise _too_large(what, limit)
                await run_in_threadpool(file.write, chunk)
            yield cast(BinaryIO, file)

    async def _arriving(self, request: Request, what: str) -> AsyncIterator[bytes]:
        stream = request.stream()
        while True:
            try:
                async with asyncio.timeout(PAUSE_S):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise TooSlow(
                    f"{what} stopped arriving for {PAUSE_S:g} seconds. Send it again."
                ) from error
            if chunk is None:
                return
            yield chunk


def file_name(request: Request) -> str:
    """The name of the upload, from the header; InvalidRequest where it is missing or malformed."""
    text = request.headers.get(NAME_HEADER)
    if text is None:
        raise InvalidRequest(
            f"The header {NAME_HEADER} is missing: send the file's name in it, percent-encoded "
            "as UTF-8."
        )
    name = b""
    if _ENCODED.fullmatch(text):
        name = unquote_to_bytes(text)
    try:
        if name:
            return name.decode()
    except UnicodeDecodeError:
        pass
    raise InvalidRequest(
        f"{NAME_HEADER}: {text!r} is not a percent-encoded name in UTF-8, such as caf%C3%A9.jpg."
    )


def check_is_file(request: Request, head: bytes, what: str) -> None:
    """InvalidRequest where the body is a form with the file in it, as `curl -F` sends it.

    `head` are the body's first bytes: by its type alone, a form can't be told from a file.
    """
    if head.startswith(b"--") and b"content-disposition:" in head[:HEAD_BYTES].lower():
        path = request.url.path
        raise InvalidRequest(
            f"{what} came within a form (multipart/form-data). Send the file itself as the body: "
            f"curl --data-binary @FILE -H 'X-Labeler-Client: me' -H '{NAME_HEADER}: NAME' {path}"
        )


def image_id_of(request: Request) -> str:
    """The image ID in the path; NotFound for what can't be one, without asking the store."""
    image_id: str = request.path_params["image_id"]
    document_key(image_id)
    return image_id


def whole_number(request: Request, name: str, most: int) -> int | None:
    """The parameter as a number from 1 to `most`; None where it is missing. InvalidRequest."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidRequest(f"{name}={text!r} must be a whole number from 1 to {most}.")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """Whether the parameter is 1 or true; InvalidRequest for what is neither yes nor no."""
    given = request.query_params.getlist(name) or ["0"]
    if len(given) > 1 or given[0] not in ("0", "1", "false", "true"):
        raise InvalidRequest(f"{name}={', '.join(given)} must be 1 or 0.")
    return given[0] in ("1", "true")


def _check_said(request: Request, limit: int, what: str) -> None:
    said = request.headers.get("Content-Length", "")
    if said.isascii() and said.isdigit() and int(said) > limit:
        raise _too_large(what, limit)


def _too_large(what: str, limit: int) -> LabelerError:
    return BodyTooLarge(
        f"{what} is larger than {limit / 2**20:.0f} MB, which is the most that is taken."
    )
