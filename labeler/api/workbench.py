"""The scripts of the workbench: GET /api/workbench/{version}/{name}."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from labeler.errors import NotFound
from labeler.runtime.browser_modules import MEDIA_TYPES, workbench_modules

_FOR_GOOD: Final = "public, max-age=31536000, immutable"


async def send_module(request: Request) -> Response:
    """The file as this instance has it.

    While two revisions run, a page of one may send its request to the other. It then gets the file
    of that name, but must not cache it, because the address names another content.
    """
    modules = workbench_modules()
    name = request.path_params["name"]
    data = modules.files.get(name)
    if data is None:
        raise NotFound("The workbench has no such file. Reload the page.")
    is_own = request.path_params["version"] == modules.version
    return Response(
        data,
        headers={
            "Content-Type": MEDIA_TYPES[PurePosixPath(name).suffix],
            "Cache-Control": _FOR_GOOD if is_own else "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
