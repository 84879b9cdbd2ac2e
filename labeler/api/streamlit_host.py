"""What Streamlit's page asks of whoever hosts it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from labeler.api.responses import ASK_AGAIN, json_answer


async def answer_host_config(request: Request) -> Response:
    """GET /_stcore/host-config, in Streamlit's place.

    The page takes messages from itself, which let its connection go and open it again
    (ui/components/presence.js), and from nobody else. It says itself that it is not connected,
    rather than by a dialog over the canvas.
    """
    host = request.headers.get("Host", "")
    return json_answer(
        {
            # Both schemes: whoever ends TLS before us asks by plain HTTP.
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
