"""The registry of formats: one row per format. No other list of formats exists.

Routes, commands, pages and the OpenAPI document read these rows; tests hold that docs/formats.md
and docs/import.md name them all. A new format is one row here and one module beside this one. The
module holds a WRITER or a READER or both, and RECORD_SETS if an export is no zip (csv_table.py is
the shortest). It is loaded when it is used, so that a first page does not wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from labeler.errors import InvalidRequest, NotFound
from labeler.model.layout import CROISSANT_SUFFIX

if TYPE_CHECKING:
    from labeler.datasets.formats.dataset_files import DatasetFiles
    from labeler.datasets.formats.reading import ImportedImage, Problems
    from labeler.datasets.formats.voc import Convention
    from labeler.datasets.formats.writing import DatasetWriter, WriteRequest
    from labeler.datasets.rules import ExportSummary

_TIME: Final = r"\d{8}_\d{6}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFormat:
    """One format: its names, its files, its writer and its reader.

    `about` ends the sentence "The project as ...". `media_type` and `suffix` are those of an
    export. `carries_images` tells whether an export can hold the images themselves. `attributes`
    says in words which attributes of boxes are kept. `is_incremental` marks the format whose
    exports have a manifest and take over from the previous export. It writes one file per part of a
    split; all other formats write all parts into one file. `import_files` says which files a person
    chooses for an import. `one_image_per_file` marks formats whose files lie near their image.
    `has_class_names` marks the format whose files may leave classes without names. `place_in_zip`
    is where a Labeler zip has the image that a file names: `beside` is the file's folder, `subset`
    the folder that the file states.
    """

    name: str
    title: str
    about: str = ""
    media_type: str = ""
    suffix: str = ""
    writer: str = ""
    reader: str = ""
    carries_images: bool = False
    attributes: str = "none"
    is_incremental: bool = False
    import_files: str = ""
    one_image_per_file: bool = False
    has_conventions: bool = False
    has_class_names: bool = False
    place_in_zip: str = "{name}"

    @property
    def is_packed(self) -> bool:
        """Return whether an export is compressed already."""
        return self.suffix in (".zip", ".parquet")

    def open_writer(self, request: WriteRequest) -> DatasetWriter:
        """Return a writer for one dataset."""
        writer: Callable[[WriteRequest], DatasetWriter] = self._load(self.writer).WRITER
        return writer(request)

    @property
    def holds_description(self) -> bool:
        """Return whether an export contains its Croissant description. Else that lies beside it."""
        return self.suffix == ".zip"

    def describe(
        self, file_name: str, sha256: str, summary: ExportSummary, *, with_originals: bool
    ) -> bytes:
        """Return the Croissant description that lies beside an export."""
        from labeler.datasets.formats.croissant import DescribedFile, describe_file

        file = DescribedFile(file_name, self.media_type, sha256)
        records = self._load(self.writer).RECORD_SETS
        return describe_file(file, records, summary, with_originals=with_originals)

    def read(
        self,
        source: DatasetFiles,
        problems: Problems,
        convention: Convention,
        class_names: Sequence[str] = (),
    ) -> Iterator[ImportedImage]:
        """Yield the images of the dataset in `source`.

        Raises InvalidImport, at once or at any later step. `convention` matters only to a format
        with several conventions. `class_names` are used only if the files name no classes.
        """
        reader: Callable[..., Iterator[ImportedImage]] = self._load(self.reader).READER
        if self.has_conventions:
            return reader(source, problems, convention)
        if self.has_class_names:
            return reader(source, problems, class_names)
        return reader(source, problems)

    def image_in_zip(self, found: ImportedImage) -> str:
        """Return the path of that image in a Labeler zip."""
        beside = found.file.rpartition("/")[0]
        return self.place_in_zip.format(
            name=found.name,
            beside=f"{beside}/" if beside else "",
            subset=f"{found.folder}/" if found.folder else "",
        )

    def _load(self, module: str) -> Any:
        return import_module(f"{__package__}.{module}")


ZIP: Final = "application/zip"

FORMATS: Final = (
    DatasetFormat(
        name="coco",
        title="COCO",
        about="a COCO file",
        media_type="application/json",
        suffix=".json",
        writer="coco_writer",
        reader="coco",
        attributes="`iscrowd`; all others in `attributes`",
        is_incremental=True,
        import_files=".json or .zip",
        place_in_zip="images/{name}",
    ),
    DatasetFormat(
        name="cocozip",
        title="COCO with images",
        about="COCO with the images, as a zip",
        media_type=ZIP,
        suffix=".zip",
        writer="coco_zip",
        carries_images=True,
        attributes="`iscrowd`; all others in `attributes`",
    ),
    DatasetFormat(
        name="yolo",
        title="YOLO",
        about="YOLO in Ultralytics' layout",
        media_type=ZIP,
        suffix=".zip",
        writer="yolo",
        reader="yolo",
        carries_images=True,
        import_files=".zip",
        one_image_per_file=True,
        has_class_names=True,
    ),
    DatasetFormat(
        name="voc",
        title="Pascal VOC",
        about="Pascal VOC by LabelImg's convention",
        media_type=ZIP,
        suffix=".zip",
        writer="voc",
        reader="voc",
        carries_images=True,
        attributes="`difficult`, `truncated`, `occluded`, `pose`",
        import_files=".xml or .zip",
        one_image_per_file=True,
        has_conventions=True,
        place_in_zip="JPEGImages/{name}",
    ),
    DatasetFormat(
        name="csv",
        title="CSV",
        about="CSV, one row per box",
        media_type="text/csv",
        suffix=".csv",
        writer="csv_table",
        attributes="all, as JSON in one column",
    ),
    DatasetFormat(
        name="ndjson",
        title="Ultralytics NDJSON",
        about="Ultralytics' NDJSON, one line per image",
        media_type="application/x-ndjson",
        suffix=".ndjson",
        writer="ndjson",
    ),
    DatasetFormat(
        name="imagefolder",
        title="Hugging Face image folder",
        about="an image folder for Hugging Face datasets",
        media_type=ZIP,
        suffix=".zip",
        writer="image_folder",
        carries_images=True,
        attributes="all, as JSON in one column",
    ),
    DatasetFormat(
        name="parquet",
        title="Parquet",
        about="Parquet, one row per image",
        media_type="application/vnd.apache.parquet",
        suffix=".parquet",
        writer="parquet",
        carries_images=True,
        attributes="all, as JSON in one column",
    ),
    DatasetFormat(
        name="labelme",
        title="labelme",
        about="labelme's JSON files, one per image",
        media_type=ZIP,
        suffix=".zip",
        writer="labelme",
        reader="labelme",
        carries_images=True,
        attributes="those that are true, as flags",
        import_files=".json or .zip",
        one_image_per_file=True,
        place_in_zip="{beside}{name}",
    ),
    DatasetFormat(
        name="cvat",
        title="CVAT for images 1.1",
        about="CVAT for images 1.1",
        media_type=ZIP,
        suffix=".zip",
        writer="cvat",
        reader="cvat",
        carries_images=True,
        attributes="all; numbers as text",
        import_files=".xml or .zip",
        place_in_zip="images/{subset}{name}",
    ),
    DatasetFormat(
        name="labelstudio",
        title="Label Studio",
        about="tasks for Label Studio",
        media_type="application/json",
        suffix=".json",
        writer="label_studio",
        reader="label_studio",
        import_files=".json, JSON or JSON-MIN",
    ),
)  # fmt: skip
EXPORTED: Final = tuple(one for one in FORMATS if one.writer)
IMPORTED: Final = tuple(one for one in FORMATS if one.reader)
DETECT: Final = "auto"
"""Given instead of a format's name for an import: the files tell the format."""
DEFAULT: Final = FORMATS[0]
"""The format that the button on the page and POST /api/exports write."""


def find_format(name: str, among: tuple[DatasetFormat, ...] = FORMATS) -> DatasetFormat:
    """Return the format of that name. Raises InvalidRequest."""
    for one in among:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in among)
    raise InvalidRequest(f"There is no format {name!r}: choose one of {names}.")


def media_type_of_export(file_name: str) -> str:
    """Return the media type of an export or a description beside one; NotFound otherwise."""
    kind = format_of_export(file_name)
    if kind:
        return kind.media_type
    stem = file_name.removesuffix(CROISSANT_SUFFIX)
    if stem != file_name and any(format_of_export(stem + one.suffix) for one in EXPORTED):
        return "application/ld+json"
    raise NotFound(f"There is no export {file_name!r}.")


def format_of_export(file_name: str) -> DatasetFormat | None:
    """Return an export's format by its file name under exports/, or None if it is no export."""
    for one in EXPORTED:
        part = "(_(train|val|test))?" if one.is_incremental else ""
        if re.fullmatch(f"dataset_{one.name}_{_TIME}{part}{re.escape(one.suffix)}", file_name):
            return one
    return None
