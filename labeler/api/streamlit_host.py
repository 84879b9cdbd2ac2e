"""The host configuration that Streamlit's page requests."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from labeler.api.responses import ASK_AGAIN, json_answer

HOST_CONFIG: Final = "/_stcore/host-config"


async def answer_host_config(request: Request) -> Response:
    """GET HOST_CONFIG, answered instead of Streamlit.

    The page accepts messages only from itself; they close and open its connection
    (ui/components/presence.js). The page itself shows that it is not connected, instead of
    Streamlit's dialog over the canvas.
    """
    host = request.headers.get("Host", "")
    return json_answer(
        {
            # Both schemes, because a proxy that ends TLS calls us by plain HTTP.
            "allowedOrigins": [f"https://{host}", f"http://{host}"],
            "useExternalAuthToken": False,
            "enableCustomParentMessages": False,
            "enforceDownloadInNewTab": False,
            "metricsUrl": "",
            "blockErrorDialogs": True,
            "resourceCrossOriginMode": None,
        },
        cache=ASK_AGAIN,
    )
