"""The uploader: files go straight to the HTTP interface, whichever instance answers."""

from __future__ import annotations

import json
from dataclasses import dataclass

import streamlit as st

from labeler.image_names import EXTENSIONS
from labeler.ui.assets import script, style

_KEY = "uploader"
_HTML = """
<div class="uploader">
  <p class="title">Upload images</p>
  <div class="buttons">
    <button type="button" class="choose">Files …</button>
    <button type="button" class="folder">Folder …</button>
  </div>
  <input class="files" type="file" multiple tabindex="-1" aria-label="Image files">
  <p class="hint">or drop or paste images anywhere on the page</p>
  <progress class="progress" hidden></progress>
  <div class="result">
    <p class="said" role="status"></p>
    <button type="button" class="close" aria-label="Close this message" hidden>✕</button>
  </div>
  <ul class="failures"></ul>
</div>
"""

_mount = st.components.v2.component(
    "labeler_uploader",
    html=_HTML,
    css=style("components/controls", "components/uploader"),
    js=script("components/uploader"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that were uploaded together; `first` is the image ID of the first added one."""

    number: int
    first: str


def mount_uploader(*, session: str, max_bytes: int, token_headers: dict[str, str]) -> Batch | None:
    """The uploader, and the last batch that this session has uploaded.

    Files are sent in the name of the person in the token of `token_headers`. If the token has
    expired, the uploader asks for a run of the page, which brings another one.
    """
    setup = {
        "session": session,
        "maxBytes": max_bytes,
        "extensions": EXTENSIONS,
        "tokenHeaders": token_headers,
        "renewal": (st.session_state.get(_KEY) or {}).get("renewal") or 0,
    }
    result = _mount(
        key=_KEY,
        data={"setup": json.dumps(setup)},
        default={"batch": None, "renewal": None},
        on_batch_change=lambda: None,
        on_renewal_change=lambda: None,
    )
    batch = result.get("batch") or {}
    if batch.get("session") != session:
        return None
    return Batch(int(batch["id"]), str(batch.get("first", "")))
