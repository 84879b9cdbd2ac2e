"""YOLO: one text per image, one line per box, numbers as shares of the image's size.

The reader accepts Ultralytics' layout (a folder `labels` beside `images`, names in data.yaml), and
texts beside their images with classes.txt or obj.names. A line is a class and the box's center,
width and height, optionally followed by a confidence and a track number; or a class and the corners
of an outline, which becomes its box. `kpt_shape` in data.yaml announces key points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from labeler.datasets.formats.dataset_files import DatasetFiles, read_whole
from labeler.datasets.formats.file_names import split_name
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    around,
    number_in,
    shown,
)
from labeler.datasets.formats.safe_yaml import load_yaml, utf8_text
from labeler.datasets.formats.writing import Dataset, ExportedImage, SpooledWriter, zip_layout
from labeler.datasets.rules import ExportBox
from labeler.datasets.selection import Part
from labeler.errors import ClassNamesMissing, InvalidImport
from labeler.image_names import is_image_name

MAX_TEXT_BYTES: Final = 2**24
MAX_YAML_BYTES: Final = 2**18
_NAME_FILES: Final = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
_LISTS: Final = ("train.txt", "val.txt", "valid.txt", "test.txt", "trainval.txt")
_ROUNDING: Final = 0.01
_MAX_SHARE: Final = 2
"""Larger numbers are pixels, not shares of a box drawn beyond the border."""
_LINE_END: Final = re.compile("\r\n?|\n")
_BOX: Final = re.compile(r"\s*\d+(\s+[-+.\deE]+){4,}\s*$")
_CLASS: Final = re.compile("[0-9]{1,9}")
_MAX_CLASSES: Final = 100_000
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def to_yolo(boxes: Sequence[ExportBox], width: int, height: int) -> str:
    """Return the text of one image: one line per box, exact to a hundredth of a pixel.

    Numbers have eight decimals.
    """
    return "".join(
        f"{box.category - 1} {' '.join(f'{share:.8f}' for share in shares(box, width, height))}\n"
        for box in boxes
    )


def shares(box: ExportBox, width: int, height: int) -> tuple[float, float, float, float]:
    """Return the box's center, width and height as shares of the image's size."""
    return (
        (box.left + box.right) / 200 / width,
        (box.top + box.bottom) / 200 / height,
        (box.right - box.left) / 100 / width,
        (box.bottom - box.top) / 100 / height,
    )


def to_yaml(names: Iterable[str], parts: Mapping[str, str]) -> str:
    """Return data.yaml: the parts' folders, relative to it, and the classes' names by number.

    It has no `path`, because readers resolve that from their working directory, not from the file.
    """
    lines = [f"{part}: {folder}" for part, folder in parts.items()]
    lines.append("names:")
    lines += [f"  {number}: {_quoted(name)}" for number, name in enumerate(names)]
    return "\n".join(lines) + "\n"


def _members(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Yield the texts, the lists of images, and data.yaml; see docs/formats.md."""
    parts: dict[str, list[str]] = {}
    for image in dataset.images():
        part = part_of(image)
        parts.setdefault(part, []).append(image.name)
        text = to_yolo(image.boxes, image.width, image.height)
        yield f"labels/{part}/{split_name(image.name)[0]}.txt", text.encode("ascii")
    folders = {str(part): f"images/{part}" for part in Part if part in parts}
    # Readers require these two, even if there is only one part or none.
    only = next(iter(folders.values()), "images/train")
    folders = {"train": only, "val": only, **folders}
    for part, names in parts.items():
        # A text does not tell its image's extension. These lists do.
        yield f"{part}.txt", "".join(f"./images/{part}/{name}\n" for name in names).encode()
    labels = (label.name for label in dataset.labels.labels)
    yield "data.yaml", to_yaml(labels, folders).encode()


def part_of(image: ExportedImage) -> str:
    """Return the image's part. Without a split, all images are in `train`."""
    return image.part or Part.TRAIN.value


RESERVED: Final = frozenset({"images", "labels"})
"""Reserved folders. Ultralytics finds an image's text by replacing `images` by `labels`."""

WRITER: Final = partial(
    SpooledWriter,
    zip_layout(
        _members,
        lambda image: f"images/{part_of(image)}/{image.name}",
        by_stem=True,
        by_part=True,
        reserved=RESERVED,
    ),
)


def from_yolo(
    source: DatasetFiles, problems: Problems, class_names: Sequence[str] = ()
) -> Iterator[ImportedImage]:
    """Yield the images of the label texts in `source`. An unreadable text is a fault.

    `class_names` are used, by number from 0, if no file names the classes.
    """
    names, keypoints = _names(source, class_names)
    problems.labels += [names[number] for number in sorted(names)]
    texts = [file for file in source.files() if file.lower().endswith(".txt")]
    if len(source.files()) > 1:
        below = [file for file in texts if "labels" in file.split("/")[:-1]]
        texts = below or [
            file for file in texts if not _is_other(file) or _holds_boxes(source, file)
        ]
    images = _listed_images(source)
    stems = {PurePosixPath(file).stem for file in texts}
    pictured = {split_name(file)[0] for file in source.files() if is_image_name(file)}
    if not texts:
        raise InvalidImport(f"{source.name} holds no YOLO labels: no text in it is one.")
    for file in texts:
        try:
            lines = _LINE_END.split(utf8_text(read_whole(source, file, MAX_TEXT_BYTES), file))
        except InvalidImport as error:
            problems.refused(file, error)
            continue
        stem = _image_of(file)
        if len(texts) > 1 and _is_list(file, lines, names, stems, has_image=stem in pictured):
            continue
        boxes: list[ImportedBox] = []
        lost = 0
        for index, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                boxes.append(_box(line.split(), names, f"line {index}", keypoints=keypoints))
            except ValueError as error:
                problems.fault(file, f"line {index}", str(error))
                lost += 1
        yield ImportedImage(
            images.get(stem, stem), tuple(boxes), file,
            shares=True, any_extension=stem not in images, lost=lost,
        )  # fmt: skip


READER: Final = from_yolo


def _image_of(file: str) -> str:
    """Return the image's path without extension: Ultralytics' rule for label files, reversed."""
    parts = file.rpartition(".")[0].split("/")
    folders = parts[:-1]
    if "labels" in folders:
        at = len(folders) - 1 - folders[::-1].index("labels")
        parts[at] = "images"
    return "/".join(parts)


def _listed_images(source: DatasetFiles) -> Mapping[str, str]:
    """Return the images in lists such as train.txt, by their paths without extension."""
    images = {}
    for file in source.files():
        folder, slash, base = file.rpartition("/")
        if base.lower() not in _LISTS or "labels" in folder.split("/"):
            continue
        text = read_whole(source, file, MAX_TEXT_BYTES).decode("utf-8", "replace")
        for line in text.split("\n"):
            name = f"{folder}{slash}{line.strip().removeprefix('./')}"
            if is_image_name(name):
                images[name.rpartition(".")[0]] = name
    return images


def _is_other(file: str) -> bool:
    """Return whether a text beside the labels holds something else: names, image lists, notes."""
    base = file.rpartition("/")[2].lower()
    return (
        base in _NAME_FILES
        or base in _LISTS
        or base.startswith(("readme", "license", "licence", "autosplit_"))
    )


def _holds_boxes(source: DatasetFiles, file: str) -> bool:
    """Return whether a text with the name of a list holds boxes: it is about an image `test`."""
    if file.rpartition("/")[2].lower() not in _LISTS:
        return False
    lines = read_whole(source, file, MAX_TEXT_BYTES).decode("utf-8", "replace").split("\n")
    filled = [line for line in lines if line.strip()]
    return bool(filled) and all(map(_BOX.match, filled))


def _is_list(
    file: str,
    lines: list[str],
    names: Mapping[int, str],
    stems: AbstractSet[str],
    *,
    has_image: bool,
) -> bool:
    """Return whether a text among the labels lists class names or images instead.

    LabelImg writes classes.txt there. Other programs write train2017.txt, Validation.txt or a list
    of `stems`. An empty text is the label file of an image that has its name.
    """
    filled = [line.strip() for line in lines if line.strip()]
    if not filled or any(_begins_with_number(line) for line in filled):
        return not filled and not has_image and _is_other(file)
    return (
        _is_other(file)
        or set(filled) <= set(names.values())
        or all(map(is_image_name, filled))
        or set(filled) <= stems
    )


def _begins_with_number(line: str) -> bool:
    try:
        number_in(line.split()[0])
    except ValueError:
        return False
    return len(line.split()) > 1


def _box(parts: list[str], names: Mapping[int, str], place: str, *, keypoints: int) -> ImportedBox:
    if len(parts) < 5:
        raise ValueError(f"it has {len(parts)} numbers; a box has five")
    kind = number_in(parts[0])
    label = names.get(int(kind)) if kind == int(kind) else None
    if label is None:
        raise ValueError(f"there is no name for class {parts[0][:20]}")
    values = [number_in(part) for part in parts[1:]]
    if len(values) in (4, 5) or 0 <= len(values) - 4 - keypoints <= 2 * bool(keypoints):
        if max(map(abs, values[:4])) > _MAX_SHARE:
            raise ValueError("its numbers are not shares of the image, from 0 to 1, but pixels")
        if len(values) == 5 and not (_are_shares(values[4:]) or values[4].is_integer()):
            raise ValueError(f"{parts[5][:20]} is neither a confidence nor a track")
        return _centered(label, values, place)
    if keypoints:
        raise ValueError(
            f"its {len(parts)} numbers are not a box and the {keypoints} of its key points"
        )
    readings = list(_readings(label, values, parts[-1], place))
    if len(readings) != 1:
        why = "may be a box or an outline" if readings else "are neither a box nor an outline"
        raise ValueError(f"its {len(parts)} numbers {why}")
    return readings[0]


def _readings(label: str, values: list[float], last: str, place: str) -> Iterator[ImportedBox]:
    """Yield every reading of a longer line that its numbers do not contradict.

    Ultralytics writes a confidence after a box or an outline, and a track number after the
    confidence. Coordinates and confidences are from 0 to 1. Track numbers are whole.
    """
    behind = 2 if last.isascii() and last.isdigit() else 0
    if len(values) == 6 and behind and _are_shares(values[:5]):
        x, y, width, height = values[:4]
        if _are_shares([x - width / 2, y - height / 2, x + width / 2, y + height / 2]):
            yield _centered(label, values, place)
    if len(values) % 2 and _has_keypoints(values):
        yield _centered(label, values, place)
    outlines = [values] if len(values) % 2 == 0 else [values[:-1]]
    if behind and len(values) % 2 == 0 and len(values) >= 8 and values[-1] > 1:
        outlines.append(values[:-2])
    for outline in outlines:
        rest = values[len(outline) :][:1]
        if len(outline) >= 6 and _are_shares([*outline, *rest]):
            pairs = zip(outline[::2], outline[1::2], strict=True)
            yield ImportedBox(label, *around(pairs), place)


def _has_keypoints(values: list[float]) -> bool:
    """Return whether the numbers can be a box with points around it, three numbers per point."""
    x, y, width, height = values[:4]
    points = values[4:]
    # Points that are not visible are at 0, 0. Predicted points may lie slightly outside.
    return len(points) % 3 == 0 and all(
        (abs(across - x) <= width and abs(down - y) <= height) or across == down == 0
        for across, down in zip(points[::3], points[1::3], strict=True)
    )


def _are_shares(values: list[float]) -> bool:
    """Return whether all are from 0 to 1, with a tolerance for rounding and cuts at the border."""
    return all(-_ROUNDING <= value <= 1 + _ROUNDING for value in values)


def _centered(label: str, values: list[float], place: str) -> ImportedBox:
    x, y, width, height = values[:4]
    return ImportedBox(label, x - width / 2, y - height / 2, width, height, place)


def _quoted(name: str) -> str:
    """Return the name quoted for YAML: as in JSON, except for characters that YAML must escape."""
    text = json.dumps(name, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


# --- names of classes ---------------------------------------------------------------------


def _names(source: DatasetFiles, given: Sequence[str]) -> tuple[Mapping[int, str], int]:
    """Return the class names by number, and how many key point numbers follow a box."""
    yamls = [file for file in source.files() if file.lower().endswith((".yaml", ".yml"))]
    # data.yaml comes first, then files in higher folders.
    yamls.sort(key=lambda file: (not file.endswith("data.yaml"), file.count("/"), file))
    for file in yamls:
        found = load_yaml(read_whole(source, file, MAX_YAML_BYTES), file)
        if isinstance(found, dict) and "names" in found:
            return _listed(found["names"], file), _keypoints(found.get("kpt_shape"), file)
    for wanted in _NAME_FILES:
        for file in source.files():
            if file.rpartition("/")[2].lower() == wanted:
                lines = _LINE_END.split(utf8_text(read_whole(source, file, MAX_YAML_BYTES), file))
                while lines and not lines[-1].strip():
                    lines.pop()
                return _listed([line.strip() for line in lines], file), 0
    if given:
        return dict(enumerate(given)), 0
    raise ClassNamesMissing(
        f"{source.name} does not say what its classes are called. Give their names in the order of "
        "their numbers (on the page, with --class-name or with class_name=), or put a data.yaml "
        "with `names`, or a classes.txt with a name on each line, beside the labels."
    )


def _keypoints(shape: Any, file: str) -> int:
    if shape is None:
        return 0
    if isinstance(shape, list) and len(shape) == 2 and all(map(_CLASS.fullmatch, map(str, shape))):
        return int(shape[0]) * int(shape[1])
    raise InvalidImport(f"{file}: `kpt_shape` is {shown(shape)}, not two numbers.")


def _listed(names: Any, file: str) -> Mapping[int, str]:
    pairs: list[tuple[Any, Any]] | None = None
    if isinstance(names, list):
        pairs = list(enumerate(names))
    elif isinstance(names, dict):
        pairs = list(names.items())
    if pairs is None or len(pairs) > _MAX_CLASSES:
        raise InvalidImport(f"{file}: `names` is not a list of names.")
    found: dict[int, str] = {}
    for number, name in pairs:
        if not _CLASS.fullmatch(str(number)):
            raise InvalidImport(f"{file}: {shown(number)} is not the number of a class.")
        if not isinstance(name, str):
            raise InvalidImport(
                f"{file}: the name of class {shown(number)} is {shown(name)}, not a text."
            )
        if found.setdefault(int(number), name) != name:
            raise InvalidImport(f"{file}: class {int(number)} has two names.")
    return found
