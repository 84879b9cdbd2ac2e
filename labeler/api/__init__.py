"""The HTTP API beside Streamlit's pages. Each call is stateless: any instance can answer.

`application` is the API alone; `Front` puts it in front of Streamlit. The document at
/api/openapi.json describes the calls (openapi.py).
"""

from labeler.api.front import Front
from labeler.api.routes import application
from labeler.api.security_headers import content_security_policy
from labeler.api.sign_in import SignInPage
from labeler.api.signed import Signed
from labeler.api.tracing import Tracing
from labeler.api.visitors import Visitors

__all__ = [
    "Front", "SignInPage", "Signed", "Tracing", "Visitors", "application",
    "content_security_policy",
]  # fmt: skip
