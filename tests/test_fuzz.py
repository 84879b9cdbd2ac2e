"""Parsers of strangers' bytes raise our own errors and no others.

`make test` tries the same few inputs each time; `make fuzz` tries FUZZ new ones (100,000).
"""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from labeler import images
from labeler.errors import LabelerError
from labeler.model.document import check_document, dump_document, parse_document
from labeler.model.labels import check_label_set
from tests.fuzzing import changed, fuzzed
from tests.pictures import encoded, jpeg, oriented, picture, png
from tests.projects import old_document

SEEDS = (
    png(), jpeg(), encoded(picture(), "JPEG", progressive=True), encoded(picture(), "GIF"),
    encoded(picture(), "BMP"), encoded(picture(), "WEBP"), encoded(picture(), "TIFF"),
    oriented("TIFF", 6), oriented("JPEG", 8), oriented("PNG", 3),
)  # fmt: skip
TEXT = old_document("a.png")


@fuzzed(200)
@given(changed(SEEDS) | st.binary(max_size=200))
def test_image_inspector(data: bytes) -> None:
    try:
        info = images.inspect(data, name="x", max_bytes=10**6, max_pixels=10**6)
    except LabelerError:
        pass
    else:
        assert info.width * info.height <= 10**6
    with contextlib.suppress(LabelerError):
        images.display(data, name="x", width=20, max_pixels=10**6)


@fuzzed(200)
@given(changed((TEXT,)) | st.binary(max_size=200))
def test_document_parser(data: bytes) -> None:
    try:
        document = parse_document(data, "annotations/a.json")
    except LabelerError:
        return
    again = parse_document(dump_document(document), "annotations/a.json")
    assert again == document


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("rects", "labels", "left", "label", "metadata", "version", "name")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@fuzzed(200)
@given(json_values)
def test_checks_of_what_is_to_be_saved(value: object) -> None:
    data = json.dumps(value).encode()
    for check in (check_document, check_label_set):
        with contextlib.suppress(LabelerError):
            check(data)
