"""The import on the data page: the browser sends a dataset directly to the HTTP API.

Any instance can answer, and none has to keep the file: the browser sends it once for the dry run
and again for the import. The page learns of an import when it has ended.
"""

from __future__ import annotations

import json

import streamlit as st

from labeler.datasets.formats.registry import DETECT, IMPORTED
from labeler.model.document import Status
from labeler.ui import visitor
from labeler.ui.assets import script, style
from labeler.ui.context import Context

_KEY = "importer"
_FORMATS = {
    DETECT: "Detect from the file",
    **{kind.name: f"{kind.title} ({kind.import_files})" for kind in IMPORTED},
}
_STATUSES = {
    Status.DONE.value: "Done",
    Status.IN_PROGRESS.value: "In progress: somebody checks the boxes",
}
_EXISTING = {
    "keep": "Leave it alone",
    "merge": "Add those of the file's boxes that it lacks",
    "replace": "Replace them with the file's boxes",
}


def _options(choices: dict[str, str]) -> str:
    return "".join(f'<option value="{value}">{text}</option>' for value, text in choices.items())


_HTML = f"""
<div class="importer">
  <div class="fields">
    <label>Format <select class="format">{_options(_FORMATS)}</select></label>
    <label>If an image already has boxes:
      <select class="existing">{_options(_EXISTING)}</select></label>
    <label>Status of imported images
      <select class="status">{_options(_STATUSES)}</select></label>
    <label class="named" hidden>Names of the classes in the order of their numbers, one per line
      <textarea class="names" rows="4"></textarea></label>
  </div>
  <label class="drop">
    <input class="file" type="file" aria-label="Dataset">
    <span class="chosen">Choose a file, or drop it here: a zip can include the images</span>
  </label>
  <progress class="progress" hidden></progress>
  <p class="said" role="status"></p>
  <div class="report" hidden>
    <h4 class="title"></h4>
    <p class="detected"></p>
    <dl class="counts"></dl>
    <p class="nothing" hidden>There is nothing to import.</p>
    <p class="labels"></p>
    <p class="head"></p>
    <ul class="problems" tabindex="0" aria-label="What is left out or changed"></ul>
  </div>
  <button type="button" class="go" hidden>Import now</button>
</div>
"""

_mount = st.components.v2.component(
    "labeler_importer",
    html=_HTML,
    css=style("components/controls", "components/importer"),
    js=script("components/importer"),
)


def show_import_panel(context: Context) -> None:
    """Show what sends a dataset, and the report."""
    st.caption(
        "Import boxes made in another tool. They are matched to images by file name. "
        "You see a preview before anything changes. An image stays in progress if the file has "
        "something about it that is not understood."
    )
    setup = {
        "tokenHeaders": visitor.token_headers(),
        "renewal": (st.session_state.get(_KEY) or {}).get("renewal") or 0,
    }
    _mount(
        key=_KEY,
        data={"setup": json.dumps(setup)},
        default={"imported": None, "renewal": None},
        on_imported_change=context.project.image_index.expire,
        on_renewal_change=lambda: None,
    )
