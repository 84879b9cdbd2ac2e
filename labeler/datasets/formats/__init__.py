"""Formats of other programs: readers and writers of data sets, side by side.

A reader takes a source (a file, a folder or a zip) and finds images with boxes in it, one after
the other; what it has to leave out it names, with file and place. What can't be trusted at all is
refused by InvalidImport. Readers know nothing of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from labeler.datasets.formats.dataset_files import DatasetFiles
from labeler.datasets.formats.found import FoundImage, Problems
from labeler.datasets.formats.voc import Convention as Convention


class Format(StrEnum):
    """What can be imported."""

    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    LABELME = "labelme"
    CVAT = "cvat"
    LABEL_STUDIO = "labelstudio"


OF_ONE_IMAGE: Final = frozenset({Format.YOLO, Format.VOC, Format.LABELME})
"""Formats whose files are of one image each, which lies near its file and has the same stem."""


def read_data_set(
    source: DatasetFiles, kind: Format, problems: Problems, voc: Convention = Convention.AUTO
) -> Iterator[FoundImage]:
    """The images of the data set in `source`; InvalidImport, at once or at any later step."""
    match kind:
        case Format.COCO:
            from labeler.datasets.formats.coco import from_coco

            return from_coco(source, problems)
        case Format.YOLO:
            from labeler.datasets.formats.yolo import from_yolo

            return from_yolo(source, problems)
        case Format.VOC:
            from labeler.datasets.formats.voc import from_voc

            return from_voc(source, problems, voc)
        case Format.LABELME:
            from labeler.datasets.formats.labelme import from_labelme

            return from_labelme(source, problems)
        case Format.CVAT:
            from labeler.datasets.formats.cvat import from_cvat

            return from_cvat(source, problems)
        case Format.LABEL_STUDIO:
            from labeler.datasets.formats.label_studio import from_label_studio

            return from_label_studio(source, problems)
