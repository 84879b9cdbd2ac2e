"""The project: the interface that pages, routes and commands share.

bytes -> inspect -> image ID -> original + document (both create-only) -> (document, version)
-> changes -> save, naming the version it replaces -> new version, or a merge -> export.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from labeler import image_names
from labeler.access.secret_key import load_secret
from labeler.errors import DamagedDocument, Deleted, NotFound, VersionConflict
from labeler.images import ImageInfo
from labeler.model.document import (
    AnnotationDocument,
    dump_document,
    new_document,
    parse_document,
    stamped,
)
from labeler.model.layout import ANNOTATIONS, document_key, is_image_id
from labeler.model.merge import RectConflict, merge, with_landed
from labeler.model.reviews import check_not_approved, with_labeler
from labeler.project.box_facts import LabelNames
from labeler.project.claims import Claims
from labeler.project.decoding import Decoder, DirectDecoder, given_out
from labeler.project.documents import AddedImage as AddedImage
from labeler.project.documents import OpenedDocument as OpenedDocument
from labeler.project.documents import SavedDocument as SavedDocument
from labeler.project.documents import differ
from labeler.project.guide import Guide
from labeler.project.history import open_history
from labeler.project.image_index import ImageEntry, document_metadata
from labeler.project.image_search import ImageFilters
from labeler.project.image_view import FoundImages, ImageView
from labeler.project.label_store import LabelStore
from labeler.project.locations import check_stores, close_stores, open_stores
from labeler.project.open_index import open_index
from labeler.project.originals import (
    HeldOriginals,
    KeptOriginals,
    Originals,
    Uploads,
    check_same_image,
)
from labeler.project.save_events import audit_save, log_upload, tell_of_end
from labeler.project.thumbnails import Thumbnails
from labeler.project.trash import Trash
from labeler.runtime.audit import Action
from labeler.runtime.bounded_cache import BoundedCache
from labeler.runtime.webhook import Webhook
from labeler.settings import Settings
from labeler.storage import ABSENT, Replaces, Store, Version

_MAX_MERGES: Final = 50
_MAX_INFOS: Final = 10_000

Clock = Callable[[], datetime]


class Project:
    """The project in one store. Threads may share it, and losing it loses no data.

    `store` holds the documents and `uploads` the originals, where they are kept; `image_index`
    knows the images, `labels` is the label set, `claims` say who has which image, `history` keeps
    earlier states of documents, `trash` holds deleted images, `thumbnails` small copies of the
    others, and `clock` tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        uploads: Uploads | None,
        secret: bytes,
        clock: Clock = lambda: datetime.now(UTC),
        decoder: Decoder | None = None,
    ) -> None:
        self._settings = settings
        self._decoder = decoder or DirectDecoder()
        self.store = store
        self.uploads = uploads
        self.clock = clock
        self.labels = LabelStore(store, settings.labels)
        self._given_out = given_out(self._decoder, settings.exif_location)
        self.guide = Guide(store, self._given_out, self._inspected)
        self.image_index = open_index(settings, store, uploads, secret)
        self.claims = Claims(store, self.image_index, clock, settings.lease_s)
        self.thumbnails = Thumbnails(store)
        self.webhook = Webhook(settings.webhook, secret, clock)
        self.trash = Trash(store, uploads, self.image_index, clock)
        self.history = open_history(settings.storage, store, settings.save_timeout_s)
        self._originals: Originals = (
            KeptOriginals(uploads, settings.image_id) if uploads else HeldOriginals()
        )
        self._infos = BoundedCache[str, ImageInfo](max_items=_MAX_INFOS)

    @property
    def max_upload_bytes(self) -> int:
        """The size of the largest image that is accepted."""
        return self._settings.max_upload_bytes

    def close(self) -> None:
        """Close the stores and the decoder; calling it twice is harmless."""
        self.webhook.close()
        self._decoder.close()
        self.image_index.close()
        self.history.close()
        close_stores(self.store, self.uploads)

    # --- images ---------------------------------------------------------------------------

    def add_image(self, name: str, data: bytes, by: str = "") -> AddedImage:
        """Add an image to the project; adding the same image again changes nothing.

        `name` is made safe, and its folders are kept. Raises NotAnImage, DamagedImage,
        ImageTooLarge, ImageConflict if another image has this image ID, and DamagedDocument if its
        document can't be opened.
        """
        began = time.monotonic()
        file_name, image_id, info, opened = self._looked_at(name, data)
        document = opened.document if opened else None
        original = self._originals.keep(image_id, file_name, data, info, document)
        created = opened is None
        if opened is None:
            opened, created = self._create(image_id, file_name, info, by)
        version = None if opened.version is ABSENT else opened.version
        self.image_index.note(image_id, opened.document, original, version)
        log_upload(image_id, original, info, began, created=created, by=by)
        return AddedImage(image_id, opened.document.image_path, info.width, info.height, created)

    def look_at_image(self, name: str, data: bytes) -> AddedImage:
        """The result or error of `add_image`, without adding anything."""
        file_name, image_id, info, opened = self._looked_at(name, data)
        path = opened.document.image_path if opened else file_name
        return AddedImage(image_id, path, info.width, info.height, created=opened is None)

    def list_images(self) -> list[ImageEntry]:
        """Every image with a document or an original, in the order of names."""
        return self.image_index.entries()

    def search(self, filters: ImageFilters, view: ImageView | None = None) -> FoundImages:
        """The images that match, among those of the view, or as the index has them now."""
        names = LabelNames(self.labels.read()) if filters.needs_facts else None
        return (view or self.image_index.view()).search(filters, names)

    def file_name(self, entry: ImageEntry) -> str:
        """The name of the image's original below uploads/, or the document's if none is kept."""
        if entry.original is None or self.uploads is None:
            return entry.image_path
        return entry.original.removeprefix(self.uploads.prefix)

    def find_image(self, image_id: str) -> ImageEntry:
        """The image's entry, without reading the image; NotFound."""
        entry = self.image_index.find(image_id) if is_image_id(image_id) else None
        if entry is None:
            raise self.trash.absent(image_id)
        return entry

    def list_documents(self) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
        """Every image with its stored document; see ImageIndex.list_documents."""
        return self.image_index.list_documents()

    def image_bytes(self, image_id: str) -> bytes:
        """The bytes of the original that the boxes were drawn on.

        Raises NotFound if no original is kept, and ImageConflict if another image has taken its
        place.
        """
        try:
            document = self._read(image_id).document
        except NotFound:
            document = None
        entry = self.find_image(image_id) if document is None else self.image_index.find(image_id)
        try:
            return self._originals.read(image_id, document, entry.original if entry else None)
        except NotFound as error:
            if document is None:
                raise self.trash.absent(image_id, error.message) from error
            raise

    def original_file(self, image_id: str) -> bytes:
        """The same as it is given out: without its location, if the settings say so."""
        return self._given_out(self.image_bytes(image_id), image_id)

    def display_image(self, image_id: str, width: int | None = None) -> tuple[bytes, str]:
        """The image for a browser, at most `width` px wide, as bytes and media type.

        A small copy is made once and kept. Raises the errors of `image_bytes`.
        """
        kept = self.thumbnails.read(image_id, width) if width else None
        if kept is not None:
            self.find_image(image_id)  # it may have been deleted
            return kept
        data = self.image_bytes(image_id)
        copy, media_type = self._decoder.display(
            data, name=image_id, width=width, max_pixels=self._settings.max_pixels
        )
        if copy is not None and width:
            self.thumbnails.keep(image_id, width, copy, media_type)
        return copy or self._given_out(data, image_id), media_type

    def image_info(self, image_id: str) -> ImageInfo:
        """The facts of the image; raises the errors of `image_bytes` and `Decoder.inspect`."""
        info = self._infos.get(image_id)
        if info is None:
            data = self.image_bytes(image_id)
            info = self._inspected(image_id, data)
            self._infos.put(image_id, info)
        return info

    # --- documents ------------------------------------------------------------------------

    def open_document(self, image_id: str) -> OpenedDocument:
        """The image's document; for an image with only an original, an empty unsaved document.

        Raises NotFound, DamagedDocument, NewerDocument.
        """
        try:
            return self._read(image_id)
        except NotFound as error:
            entry = self.image_index.find(image_id)
            if entry is None or entry.original is None or self.trash.took(image_id):
                raise self.trash.absent(image_id, error.message) from error
        info = self.image_info(image_id)
        return OpenedDocument(self._new_document(image_id, entry.image_path, info, ""), ABSENT)

    def stored_document(self, image_id: str) -> OpenedDocument:
        """The stored document; raises NotFound, DamagedDocument or NewerDocument."""
        try:
            return self._read(image_id)
        except NotFound as error:
            self.find_image(image_id)  # says best what is wrong with an ID
            raise self.trash.absent(image_id, error.message) from error

    def stored_version(self, image_id: str) -> Version:
        """The version of the stored document, which may be damaged; NotFound."""
        try:
            return self.store.info(document_key(image_id)).version
        except NotFound as error:
            message = f"There is no document of image {image_id}."
            raise self.trash.absent(image_id, message) from error

    def documents_of(self, image_ids: Iterable[str]) -> Iterator[tuple[str, OpenedDocument]]:
        """The stored documents of these images, in their order; damaged documents are left out."""
        ids = {document_key(image_id): image_id for image_id in image_ids}
        for key, data, version in self.store.read_many(ids):
            with suppress(DamagedDocument):
                yield ids[key], OpenedDocument(parse_document(data, key), version)

    def write_document(
        self, image_id: str, document: AnnotationDocument, over: OpenedDocument, by: str
    ) -> SavedDocument:
        """Store `document` in place of `over`, stamped with the time and the person.

        Raises VersionConflict, DocumentApproved where `over` is read-only, InvalidDocument for too
        many rects; nothing is changed then.
        """
        check_not_approved(over.document)
        signed = stamped(with_labeler(document, over.document, by), image_id, self.clock(), by)
        return self.put_document(image_id, signed, over.version)

    def put_document(
        self, image_id: str, document: AnnotationDocument, replaces: Replaces,
        data: bytes | None = None, action: Action = Action.SAVE,
    ) -> SavedDocument:  # fmt: skip
        """Store `document` as it is, or its very bytes `data`, over the named state.

        For reviews, assignments and what is restored: nothing is stamped, an approved document is
        replaced. `action` is what the audit log says.
        """
        data = dump_document(document) if data is None else data
        if replaces is not ABSENT:
            self.history.keep(image_id, replaces)
        version = self.store.write(
            document_key(image_id),
            data,
            replaces=replaces,
            metadata=document_metadata(document, data),
            content_type="application/json",
        )
        audit_save(image_id, document, replaces, version, action)
        tell_of_end(self.webhook, image_id, self.image_index.known(image_id), document)
        self.image_index.note(image_id, document, None, version, replaces)
        return SavedDocument(document, version, size=len(data))

    def save_document(
        self, image_id: str, wanted: AnnotationDocument, base: OpenedDocument, by: str,
        tried: Sequence[AnnotationDocument] = (),
    ) -> SavedDocument:  # fmt: skip
        """Store `wanted`, which was made from `base`, merged with saves of others since.

        `tried` lists documents of failed saves over this base, which may have been stored. Writes
        nothing if nothing changes. Raises StoreError; the stored document stays whole.
        """
        theirs = self._latest(image_id, base) if tried else base
        conflicts: tuple[RectConflict, ...] = ()
        changed = False
        for _ in range(_MAX_MERGES):
            document = wanted
            if theirs is not base:
                common = with_landed(base.document, tried, theirs.document)
                merged = merge(common, wanted, theirs.document)
                document, conflicts = merged.document, merged.conflicts
                changed = differ(common, theirs.document)
            if document == theirs.document and theirs.version is not ABSENT:
                return SavedDocument(document, theirs.version, conflicts, merged=changed)
            try:
                saved = self.write_document(image_id, document, theirs, by)
            except VersionConflict:
                theirs = self._latest(image_id, base)
                continue
            return replace(saved, conflicts=conflicts, merged=changed)
        raise VersionConflict(
            f"{wanted.image_path} keeps being changed by others; your changes are still "
            "here and are tried again."
        )

    # --- internals ------------------------------------------------------------------------

    def check_store(self) -> None:
        """Raise StoreError if the store can't be listed or a bucket not written; writes nothing."""
        check_stores(self.store, ANNOTATIONS, self.uploads, self._settings)

    def _inspected(self, name: str, data: bytes) -> ImageInfo:
        """The facts of a stored image, which may have any size; see Decoder.inspect."""
        max_pixels = self._settings.max_pixels
        return self._decoder.inspect(data, name=name, max_bytes=len(data), max_pixels=max_pixels)

    def _read(self, image_id: str) -> OpenedDocument:
        key = document_key(image_id)
        try:
            data, info = self.store.read(key)
        except NotFound as error:
            raise NotFound(f"There is no document of image {image_id}.") from error
        return OpenedDocument(parse_document(data, key), info.version)

    def _looked_at(
        self, name: str, data: bytes
    ) -> tuple[str, str, ImageInfo, OpenedDocument | None]:
        """The file's safe path, its image ID, its facts, and its document if one is stored."""
        file_name = image_names.safe_path(name)
        info = self._decoder.inspect(
            data,
            name=file_name,
            max_bytes=self._settings.max_upload_bytes,
            max_pixels=self._settings.max_pixels,
        )
        image_id = image_names.image_id(self._settings.image_id, file_name, data)
        try:
            opened = self._read(image_id)
        except NotFound:
            return file_name, image_id, info, None
        check_same_image(opened.document, info, file_name)
        return file_name, image_id, info, opened

    def _latest(self, image_id: str, base: OpenedDocument) -> OpenedDocument:
        """The stored document; if it is gone, the base, to be stored again. Raises Deleted."""
        try:
            return self.stored_document(image_id)
        except Deleted:
            raise
        except NotFound:
            return OpenedDocument(base.document, ABSENT)

    def _new_document(
        self, image_id: str, image_path: str, info: ImageInfo, by: str
    ) -> AnnotationDocument:
        size = info.width, info.height
        return new_document(image_id, image_path, size, info.md5, self.clock(), by)

    def _create(
        self, image_id: str, file_name: str, info: ImageInfo, by: str
    ) -> tuple[OpenedDocument, bool]:
        document = self._new_document(image_id, file_name, info, by)
        try:
            saved = self.write_document(image_id, document, OpenedDocument(document, ABSENT), by)
            return OpenedDocument(saved.document, saved.version), True
        except VersionConflict:  # somebody else added it at the same time
            opened = self._read(image_id)
            check_same_image(opened.document, info, file_name)
            return opened, False


def open_project(settings: Settings, decoder: Decoder | None = None) -> Project:
    """The project that the settings name; nothing is connected or written before its first use.

    Without a `decoder`, images are decoded in this process. With a folder, a missing secret key is
    created. Raises SettingsError, NotAllowed.
    """
    secret = load_secret(settings)
    store, uploads = open_stores(settings)
    return Project(settings, store, uploads, secret, decoder=decoder)
