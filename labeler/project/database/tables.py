"""The tables of the index. Whoever changes one gives SCHEMA the next number."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
)

SCHEMA: Final = 1
"""Another number in the database means that another version of Labeler has made it."""

metadata: Final = MetaData()
_text: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of Python's strings: by code points."""


def _needed(name: str) -> Column[str]:
    return Column(name, _text, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


about: Final = Table(
    "labeler_about",
    metadata,
    Column("name", _text, primary_key=True),
    _needed("value"),
)
"""The schema, the project that the index belongs to, and when a sync came to its end."""

images: Final = Table(
    "labeler_images",
    metadata,
    Column("image_id", _text, primary_key=True),
    # What the entry tells.
    _needed("image_path"),
    _needed("status"),
    _number("rects"),
    _needed("saved_at"),
    _needed("saved_by"),
    Column("original", _text),
    _needed("problem"),
    _needed("version"),
    Column("added_at", Float(53), nullable=False),
    _needed("labeled_by"),
    _needed("labeled_at"),
    _needed("assigned_to"),
    Column("labels", _text),
    Column("warnings", _text),
    # What questions need, made from the entry.
    _needed("folded_path"),
    _needed("labeler"),
    _needed("folded_labeler"),
    _needed("folded_assigned"),
    _needed("person"),
    _needed("day"),
    Column("moment", Float(53)),
    Column("hour", Integer),
    Column("came_day", Integer),
    Column("came_at", Float(53), nullable=False),
    _number("sample"),
    _number("tiny"),
    _number("edge"),
    _number("duplicate"),
    # The state of the row that this one replaced.
    _needed("over"),
    Index("labeler_images_name", "image_path", "image_id"),
    Index("labeler_images_status_name", "status", "image_path", "image_id"),
    Index("labeler_images_turn_name", "status", "assigned_to", "image_path", "image_id"),
    Index("labeler_images_turn_came", "status", "assigned_to", "came_at", "image_id"),
    Index("labeler_images_turn_id", "status", "assigned_to", "image_id"),
    Index("labeler_images_saved", "saved_at"),
    Index("labeler_images_rects", "rects"),
    Index("labeler_images_came_day", "came_day"),
    Index("labeler_images_hour", "status", "hour"),
)
"""One row per image."""

labels: Final = Table(
    "labeler_labels",
    metadata,
    Column("text", _text, primary_key=True),
    Column("image_id", _text, primary_key=True),
    _number("boxes"),
    Index("labeler_labels_image", "image_id"),
)
"""How many boxes of an image have which stored label."""

texts: Final = Table("labeler_texts", metadata, Column("text", _text, primary_key=True))
"""Every stored label that a row has ever had: few, where `labels` has millions of rows."""

originals: Final = Table(
    "labeler_originals",
    metadata,
    Column("key", _text, primary_key=True),
    _needed("version"),
    _needed("image_id"),
    Column("added_at", Float(53), nullable=False),
    Index("labeler_originals_image", "image_id"),
)
"""The objects under uploads/; those that are no images have an empty image ID."""


def missing_columns(connection: Connection) -> list[str]:
    """The tables that are not there, and the columns that a table lacks, as `table.column`."""
    found = inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    there = {name: {one["name"] for one in columns} for (_, name), columns in found.items()}
    lacking = []
    for name, table in metadata.tables.items():
        if name not in there:
            lacking.append(name)
        else:
            lacking += [f"{name}.{c.name}" for c in table.columns if c.name not in there[name]]
    return lacking
