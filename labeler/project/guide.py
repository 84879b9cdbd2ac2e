"""The labeling guide: guide.md beside the images, with its pictures in guide/."""

from __future__ import annotations

from collections.abc import Callable

from labeler.errors import DamagedDocument, ImageConflict, NotAnImage, NotFound, VersionConflict
from labeler.images import ImageInfo
from labeler.model.layout import GUIDE_KEY, GUIDE_PICTURES, guide_picture_key
from labeler.project.decoding import GivenOut
from labeler.runtime.audit import Action, audit
from labeler.storage import ABSENT, Replaces, Store, Version


class Guide:
    """The guide of one project, as Markdown. Nobody has to write one."""

    def __init__(
        self, store: Store, given_out: GivenOut, inspect: Callable[[str, bytes], ImageInfo]
    ) -> None:
        self._store = store
        self._given_out = given_out
        self._inspect = inspect

    def read(self) -> tuple[str, Replaces]:
        """The text, empty if there is none, and the state that a write has to name.

        Raises DamagedDocument if the object is not UTF-8.
        """
        try:
            data, info = self._store.read(GUIDE_KEY)
        except NotFound:
            return "", ABSENT
        try:
            return data.decode("utf-8-sig"), info.version
        except UnicodeDecodeError as error:
            raise DamagedDocument(
                f"{GUIDE_KEY} is not UTF-8 text. It was left as it is: store it again as UTF-8."
            ) from error

    def write(self, text: str, replaces: Replaces) -> Version:
        """Store the text in place of the named state; a VersionConflict changes nothing."""
        version = self._store.write(
            GUIDE_KEY, text.encode(), replaces=replaces, content_type="text/markdown; charset=utf-8"
        )
        audit(Action.GUIDE, GUIDE_KEY, old=replaces, new=version)
        return version

    def add_picture(self, name: str, data: bytes) -> bool:
        """Store a picture in guide/; False if it is there already.

        It has to be what its name says, and readable to its end. Raises the errors of
        `Decoder.inspect`, NotAnImage for another type of image, ImageConflict if another picture
        has this name, and NotFound for what can be no picture's name.
        """
        key = guide_picture_key(name)
        media_type = GUIDE_PICTURES[name.rpartition(".")[2].lower()]
        info = self._inspect(name, data)
        if info.media_type != media_type:
            raise NotAnImage(
                f"{name} is {info.media_type}, which its name does not say. Give it the right "
                "ending."
            )
        try:
            version = self._store.write(key, data, replaces=ABSENT, content_type=media_type)
        except VersionConflict:
            if self._store.read(key)[0] == data:
                return False
            raise ImageConflict(
                f"The guide has another picture named {name}. Give this one another name."
            ) from None
        audit(Action.GUIDE, key, new=version)
        return True

    def picture(self, name: str) -> bytes:
        """The bytes of that file in guide/; NotFound for what can be no picture's name."""
        return self._given_out(self._store.read(guide_picture_key(name))[0], name)
