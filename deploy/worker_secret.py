"""Prints the value of a secret in Secret Manager, for workers of Dataflow: they have no settings.

    python worker_secret.py projects/PROJECT/secrets/NAME/versions/latest

Only the standard library is needed. The machine's service account may read the secret.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.error
import urllib.request

METADATA = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
TOKEN = f"http://{METADATA}/computeMetadata/v1/instance/service-accounts/default/token"
SECRETS = os.environ.get("SECRET_MANAGER_URL", "https://secretmanager.googleapis.com")
TIMEOUT_S = 60


def read_secret(name: str) -> str:
    """The text in that version of a secret. Raises OSError."""
    token = _answer(TOKEN, {"Metadata-Flavor": "Google"})["access_token"]
    found = _answer(f"{SECRETS}/v1/{name}:access", {"Authorization": f"Bearer {token}"})
    return base64.b64decode(found["payload"]["data"]).decode()


def _answer(url: str, headers: dict[str, str]) -> dict[str, dict[str, str]]:
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        found: dict[str, dict[str, str]] = json.load(answer)
    return found


if __name__ == "__main__":
    try:
        print(read_secret(sys.argv[1]), end="")
    except OSError as error:
        sys.exit(f"{sys.argv[1]} can't be read: {error}")
