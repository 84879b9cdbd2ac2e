"""The request for an import, its report, and the spool of images between its steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from labeler.datasets.formats.reading import ImportedBox, ImportedImage, Problems
from labeler.datasets.formats.registry import DatasetFormat
from labeler.datasets.formats.voc import Convention
from labeler.datasets.imports.place import ExistingBoxes, PlacedStatus
from labeler.model.document import Status
from labeler.runtime.spools import open_spool

IMPORT_STATUSES: Final = (Status.DONE, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the caller asks of an import.

    Without a `kind`, the files tell their format. `labels` maps labels in the file to labels of the
    project. `class_names` name the file's classes if the file does not. `status` is given to images
    whose boxes are all imported: `done`, or `in_progress` if a person has to look at them first.
    """

    kind: DatasetFormat | None = None
    existing: ExistingBoxes = ExistingBoxes.KEEP
    dry_run: bool = False
    voc: Convention = Convention.AUTO
    labels: Mapping[str, str] = field(default_factory=dict)
    class_names: Sequence[str] = ()
    status: Status = Status.DONE


@dataclass(slots=True)
class ImportReport:
    """What an import did, or would do.

    `images` counts the file's images by their result. Images that match no image of the project are
    counted in `left_out`. `boxes` counts the new boxes by label.
    """

    wanted: ImportRequest
    kind: DatasetFormat
    added_images: int = 0
    images: Counter[PlacedStatus] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    new_labels: tuple[str, ...] = ()
    problems: Problems = field(default_factory=Problems)

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "format": self.kind.name,
            "existing": self.wanted.existing.value,
            "status": self.wanted.status.value,
            "dry_run": self.wanted.dry_run,
            "added_images": self.added_images,
            "images": {outcome.value: self.images[outcome] for outcome in PlacedStatus},
            "boxes": dict(sorted(self.boxes.items())),
            "new_labels": list(self.new_labels),
            "left_out": self.problems.left_out,
            "problem_count": self.problems.count,
            "faults": self.problems.faults,
            "problems": [problem._asdict() for problem in self.problems.kept],
        }


class ImportedImageSpool:
    """Keeps found images in a temporary file, so that each is read from its source once."""

    def __init__(self) -> None:
        self._file = open_spool()
        self.count = 0

    def add(self, image: ImportedImage) -> None:
        self._file.write(json.dumps(image).encode() + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[ImportedImage]:
        self._file.seek(0)
        for line in self._file:
            name, boxes, *rest = json.loads(line)
            yield ImportedImage(name, tuple(ImportedBox(*box) for box in boxes), *rest)

    def close(self) -> None:
        self._file.close()
