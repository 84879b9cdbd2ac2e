"""The secret key. One instance signs tokens with it, and every other instance can check them."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from labeler.errors import NotAllowed, SettingsError
from labeler.settings import ImageIdStrategy, Settings, StoreKind
from labeler.storage import RESERVED

_LENGTH: Final = 32


def load_secret(settings: Settings) -> bytes:
    """The secret key: LABELER_SECRET_KEY, or one made once and kept in the storage folder.

    With a folder, all processes get the same key, however many start at once. With a bucket, it
    must be set if instances have to share it: on Cloud Run, and for image IDs of strategy `uuid`.
    Otherwise each process makes its own. Raises SettingsError, NotAllowed.
    """
    if settings.secret_key:
        return settings.secret_key.encode()
    match settings.storage.kind:
        case StoreKind.FOLDER:
            return _kept_in(Path(settings.storage.path) / RESERVED / "secret.key")
        case StoreKind.BUCKET:
            if settings.on_cloud_run or settings.image_id is ImageIdStrategy.UUID:
                raise SettingsError(
                    "LABELER_SECRET_KEY='' is not allowed: on Cloud Run, and with "
                    "LABELER_IMAGE_ID=uuid on a bucket, it must be a random text that all "
                    "instances share (openssl rand -hex 32)."
                )
            return secrets.token_bytes(_LENGTH)


def _kept_in(path: Path) -> bytes:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix="secret-") as file:
                file.write(secrets.token_hex(_LENGTH).encode())
                file.flush()
                os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):  # another process was first
                    os.link(file.name, path)
        key = path.read_bytes()
    except OSError as error:
        raise NotAllowed(
            f"{path.parent} can't be used: {error.strerror}. Make the folder writable, or choose "
            "another one in LABELER_STORAGE."
        ) from error
    if len(key) < _LENGTH:
        raise NotAllowed(
            f"{path} is damaged: remove it, and the next start makes another. Links and tokens "
            "that were given out before end."
        )
    return key
