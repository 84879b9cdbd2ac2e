"""Whole projects for tests, on a folder or on the strict bucket server."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from labeler.access.policy import AccessPolicy, load_access_policy
from labeler.errors import NotFound
from labeler.model.document import AnnotationDocument, Rect
from labeler.model.edits import with_rects
from labeler.project.project import OpenedDocument, Project, open_project
from labeler.settings import Settings, load_settings
from labeler.storage import ABSENT, Replaces, Store, list_all, open_store

BOX = Rect(left=1.5, top=2.25, width=10.0, height=8.0, label="car", id="a")
OTHER = Rect(left=20.0, top=12.0, width=30.0, height=20.0, label="dog", id="b")


class Workspace:
    """A place with a dataset over it; `environ` holds settings without their prefix.

    A second one on the same place is another process's view: it has caches of its own.
    """

    def __init__(self, place: str, **environ: str) -> None:
        self.place = place
        self.environ = environ
        self._opened: list[Project] = []

    @property
    def settings(self) -> Settings:
        named = {f"LABELER_{name}": value for name, value in self.environ.items()}
        named["LABELER_STORAGE"] = self.place
        return load_settings({"LABELER_SECRET_KEY": "0123456789abcdef", **named})

    @property
    def access(self) -> AccessPolicy:
        return load_access_policy(self.settings)

    def open(self) -> Project:
        self._opened.append(open_project(self.settings))
        return self._opened[-1]

    def close(self) -> None:
        for project in self._opened:
            project.close()

    def store(self) -> Store:
        """The bytes behind the dataset."""
        return open_store(self.settings.storage, timeout_s=self.settings.save_timeout_s)

    def objects(self) -> dict[str, tuple[bytes, str]]:
        """Bytes and version of every object: what nobody may have touched is equal later."""
        store = self.store()
        found = {}
        for info in list_all(store):
            data, read = store.read(info.key)
            found[info.key] = (data, str(read.version))
        store.close()
        return found

    def put(self, key: str, data: bytes) -> None:
        """Put an object there as another program does: with no metadata, over what is there."""
        store = self.store()
        replaces: Replaces = ABSENT
        with contextlib.suppress(NotFound):
            replaces = store.info(key).version
        store.write(key, data, replaces=replaces)
        store.close()

    def remove(self, key: str) -> None:
        store = self.store()
        store.delete(key, version=store.info(key).version)
        store.close()


def with_boxes(opened: OpenedDocument, *rects: Rect) -> AnnotationDocument:
    return with_rects(opened.document, rects)


def old_document(image_path: str, **changes: Any) -> bytes:
    """A document of format 1.0 as existing buckets hold it: no ids, no offset, keys of others."""
    document = {
        "rects": [
            {"left": 1.5, "top": 2.25, "width": 10.0, "height": 8.0, "label": "car", "score": 0.9},
            {"left": 1.5, "top": 2.25, "width": 10.0, "height": 8.0, "label": "car"},
        ],
        "image_path": image_path,
        "image_width": 64,
        "image_height": 48,
        "camera": {"name": "north", "lens": [1, 2.5, None]},
        "metadata": {
            "image_path": image_path,
            "image_id": "",
            "saved_at": "2023-12-01T14:30:22.123456",
            "version": "1.0",
            "source": "import",
        },
        **changes,
    }
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()
