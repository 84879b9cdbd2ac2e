"""What an export holds of one image: a function of the listing, the document and the rules.

Every engine uses this function for every format, so all of them write the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeler.datasets.exports.read import ReadDocument, file_name_of, without_document
from labeler.datasets.exports.scan import ScannedImage
from labeler.datasets.formats.writing import ImageFacts
from labeler.datasets.manifest import ManifestRecord
from labeler.datasets.rules import ExportBox, ExportRules, seconds_of
from labeler.model.document import AnnotationDocument, Status, saved_time
from labeler.project.image_search import moment_of


@dataclass(frozen=True, slots=True)
class ImageExport:
    """The record, the boxes and the other facts of one image, as a writer takes them."""

    record: ManifestRecord
    boxes: Sequence[ExportBox]
    facts: ImageFacts


def export_image(
    rules: ExportRules, number: int, listed: ScannedImage, read: ReadDocument | None
) -> ImageExport | None:
    """Return what the export holds of the image, or None if it was deleted after it was listed.

    `read` is its document, None if it has none; the original then stands for an empty one.
    """
    if read is None and listed.original is None:
        return None
    document = read.document if read else without_document(listed)
    file_name = file_name_of(listed, document)
    result, boxes = rules.apply(document, file_name)
    record = ManifestRecord(
        number=number,
        image_id=listed.image_id,
        version=read.version if read else "",
        md5=hashlib.md5(read.data).hexdigest() if read else "",
        original=listed.original_version,
        file_name=file_name,
        result=result,
    )
    return ImageExport(record, boxes, _facts(document, file_name))


def _facts(document: AnnotationDocument | None, file_name: str) -> ImageFacts:
    if document is None:
        return ImageFacts(file_name)
    extra = document.metadata.model_extra or {}
    review = extra.get("review")
    said = review if isinstance(review, Mapping) else {}
    saved_by = document.metadata.saved_by or ""
    labeled_at = moment_of(_text(extra.get("labeled_at"))) or saved_time(document)
    is_labeled = document.status is not Status.UNLABELED
    return ImageFacts(
        document.image_path,
        saved_by,
        (_text(extra.get("labeled_by")) or saved_by) if is_labeled else "",
        seconds_of(labeled_at) if is_labeled else 0,
        _text(said.get("by")),
        _text(said.get("verdict")),
    )


def _text(value: object) -> str:
    """Return the value if it is text. Another program may have written anything."""
    return value if isinstance(value, str) else ""
