"""The sidebar: uploader, label picker, export; the list of images is in image_list.py."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from labeler.errors import LabelerError
from labeler.image_names import EXTENSIONS
from labeler.model.labels import LabelSet
from labeler.model.people import Role
from labeler.ui import address, session_state, visitor
from labeler.ui.address_parameters import run_again
from labeler.ui.components import uploader as component
from labeler.ui.context import Context
from labeler.ui.text import colored, counted, plain, why_there

MOST_RADIO_LABELS = 20
_NEW_LABEL = "new_label"
# Many labels scroll in their own area, and the list of images gets the remaining height, so that
# the export stays visible in a window of usual height.
STYLE = """
<style>
  [data-testid="stSidebarHeader"] { height: 2.2rem; padding: 0.4rem 1rem; margin: 0; }
  [data-testid="stSidebarUserContent"] { padding: 0 0 0.75rem; }
  [data-testid="stSidebarUserContent"] > div > [data-testid="stVerticalBlock"] {
    min-height: calc(100dvh - 3.2rem);
    gap: 0.6rem;
  }
  [data-testid="stSidebar"] [data-testid="InputInstructions"] { display: none; }
  .st-key-label [data-testid="stRadioGroup"] {
    flex-wrap: nowrap;
    min-height: 0;
    max-height: 14rem;
    overflow-y: auto;
  }
  [data-testid="stLayoutWrapper"]:has(> .st-key-open_list) {
    flex: 1 0 9.5rem;
    flex-direction: column;
    min-height: 9.5rem;
  }
  .st-key-open_list { flex: 0 1 auto; height: auto; min-height: 0; padding: 0.35rem 0.6rem; }
  :is(.st-key-list_row, .st-key-page_row, .st-key-export_row) { flex-wrap: nowrap; }
  :is(.st-key-list_row, .st-key-page_row, .st-key-export_row) > * { min-width: 0; }
  :is(.st-key-list_row, .st-key-export_row) > :last-child { flex: none; }
  .st-key-open_list button { text-align: left; min-height: 2.1rem; }
  :is(.st-key-label_row, .st-key-project_row) button { min-height: 2rem; }
  .st-key-open_list button, .st-key-open_list button > div { justify-content: flex-start; }
</style>
"""


def uploader(context: Context) -> None:
    """Show the uploader, and open the first of the uploaded images."""
    if context.settings.uploads is None:
        _uploader_of_session(context)
        return
    session = session_state.session()
    batch = component.mount_uploader(
        session=session.id,
        max_bytes=context.settings.max_upload_bytes,
        token_headers=visitor.token_headers(),
    )
    if batch is not None and batch.number != session.uploads:
        session.uploads = batch.number
        context.project.image_index.expire()
        if batch.first:
            address.clicks().to_image(batch.first)
            run_again()


def _uploader_of_session(context: Context) -> None:
    """Streamlit's uploader, for originals that this session's instance has to hold in memory."""
    session = session_state.session()
    files = st.file_uploader(
        "Upload images",
        accept_multiple_files=True,
        type=list(EXTENSIONS),
        max_upload_size=context.settings.max_upload_mb,
        key=f"uploader_{session.uploads}",
    )
    if files:
        _add(context, files)
        run_again()
    if session.results:
        # Many errors must not push the labels out of sight.
        many = len(session.results) > 2
        with st.container(height=260 if many else "content", border=False, key="upload_results"):
            for kind, text in session.results:
                (st.error if kind == "error" else st.success)(plain(text))


def _add(context: Context, files: list[UploadedFile]) -> None:
    person = visitor.require(Role.LABELER)
    session = session_state.session()
    session.results.clear()
    first = ""
    new = known = 0
    with st.spinner("Adding the images …"):
        # Makes the next uploader empty. Before the spinner, a run cut short would lose the files;
        # after it, it would add them twice.
        session.uploads += 1
        for file in files:
            try:
                added = context.project.add_image(
                    _sent_name(file.name), file.getvalue(), person.name
                )
            except LabelerError as error:
                session.results.append(("error", error.message))
                continue
            first = first or added.image_id
            new += added.created
            known += not added.created
    if first:
        address.clicks().to_image(first)
    if known:
        there = f"{counted(known, 'image is', 'images are')} already in the project"
        its = "its" if known == 1 else "their"
        session.results.insert(0, ("success", f"{there}; {its} boxes were kept."))
    if new:
        session.results.insert(0, ("success", f"{counted(new, 'image', 'images')} added."))


def _sent_name(name: str) -> str:
    """The file's own name: in a form, browsers send quotes and line breaks as %22 and %0A."""
    for sent, meant in (("%22", '"'), ("%0D", " "), ("%0A", " ")):
        name = name.replace(sent, meant)
    return name


def label_panel(context: Context, labels: LabelSet, *, picks: bool) -> str:
    """An admin's actions on labels, and the picker if the canvas has none of its own.

    Returns the label for new boxes, or "" without the picker.
    """
    label = _label_picker(labels) if picks else ""
    if visitor.may(Role.ADMIN):
        with st.container(horizontal=True, gap="small", key="label_row"):
            _add_label(context, labels)
    return label


def _label_picker(labels: LabelSet) -> str:
    """Show the label picker; returns the label for new boxes."""
    session = session_state.session()
    options = {label.name: colored(label, 40) for label in labels.offered}
    few = len(options) <= MOST_RADIO_LABELS
    key = "label" if few else "label_menu"
    if session.offered != options or key not in st.session_state:
        # The widget identifies options by their text, and would forget the choice if that changes.
        _choose_again(key, labels)
        session.offered = options
    chosen: str | None = None
    if not options:
        st.warning(
            "All labels are archived. Unarchive one or add one to draw boxes."
            if labels.labels
            else "No labels yet. Add one to draw boxes."
        )
    elif few:
        chosen = st.radio("Label for new boxes", options, format_func=options.get, key=key)
    else:
        chosen = st.selectbox("Label for new boxes", options, key=key)
    session.label = chosen or ""
    return session.label


def _add_label(context: Context, labels: LabelSet) -> None:
    session = session_state.session()
    with (
        st.popover("Add a label", icon=":material/add:", type="tertiary"),
        st.form("add_label", border=False),
    ):
        st.text_input("Name of the new label", max_chars=200, key=_NEW_LABEL)
        st.form_submit_button("Add", type="primary", on_click=_add_named, args=(context, labels))
        kind, text = session.label_note
        if text:
            (st.error if kind == "error" else st.info)(plain(text))


def _add_named(context: Context, labels: LabelSet) -> None:
    session, name = session_state.session(), str(st.session_state[_NEW_LABEL])
    try:
        visitor.require(Role.ADMIN)
        context.project.labels.add([name])
    except LabelerError as error:
        session.label_note = ("error", error.message)
        return
    there = labels.named(name)
    session.label_note = ("info", why_there(labels, there, name) if there else "")
    if there is None:
        st.session_state[_NEW_LABEL] = ""  # ready for the next name; a refused name stays


def _choose_again(key: str, labels: LabelSet) -> None:
    """Keep the chosen label, under its current name."""
    before = st.session_state.get(key) or session_state.session().label
    label = labels.find(before) if before else None
    offered = labels.offered
    if label is not None and label.offered:
        st.session_state[key] = label.name
    elif offered and before:
        st.session_state[key] = offered[0].name
        session_state.tell(
            f"The label “{before}” is no longer available; new boxes get “{offered[0].name}”."
        )
