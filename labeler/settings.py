"""The settings: environment variables with the prefix LABELER_, checked once at start."""

from __future__ import annotations

import difflib
import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from labeler.errors import InvalidDocument, SettingsError
from labeler.image_names import ImageIdStrategy as ImageIdStrategy
from labeler.model.labels import label_key, new_label
from labeler.model.limits import MAX_CALLS_PER_S
from labeler.model.people import People, Roles, SavedBy, SignIn, parse_people

PREFIX: Final = "LABELER_"
DEFAULT_LABELS: Final = ("object",)
CLOUD_RUN_LIMIT_MB: Final = 32
OFF: Final = "off"

Choice = TypeVar("Choice", bound=StrEnum)


class StoreKind(StrEnum):
    """What holds the objects of a location. Each `match` over it names every kind."""

    FOLDER = "folder"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Location:
    """A folder (`bucket` empty, `path` absolute) or a bucket with a prefix (no slash around it)."""

    bucket: str
    path: str

    @property
    def kind(self) -> StoreKind:
        """What holds the objects."""
        return StoreKind.BUCKET if self.bucket else StoreKind.FOLDER

    def __str__(self) -> str:
        match self.kind:
            case StoreKind.FOLDER:
                return self.path
            case StoreKind.BUCKET:
                return f"gs://{self.bucket}/{self.path}".rstrip("/")

    def prefix_in(self, other: Location) -> str | None:
        """The prefix of this location's keys in `other`; None if it is not inside `other`."""
        inside = f"{other.path.rstrip('/')}/" if other.path else ""
        path = f"{self.path.rstrip('/')}/" if self.path else ""
        if self.bucket != other.bucket or not path.startswith(inside):
            return None
        return path.removeprefix(inside)


class ExifLocation(StrEnum):
    """What happens to the place at which an image was taken, when the image is given out."""

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings; `uploads` is None where originals are not kept."""

    storage: Location
    uploads: Location | None
    image_id: ImageIdStrategy
    labels: tuple[str, ...]
    max_upload_mb: int
    max_pixels: int
    max_calls_per_s: int
    save_timeout_s: int
    pause_after_s: int
    lease_s: int
    index: str
    webhook: str
    kms_key: str
    secret_key: str
    auth: SignIn
    saved_by: SavedBy
    exif_location: ExifLocation
    iap_audience: str
    iap_keys_url: str
    oidc_metadata_url: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_redirect_uri: str
    admins: People
    reviewers: People
    labelers: People
    hosts: frozenset[str]
    canvas: str
    on_cloud_run: bool
    port: int

    @property
    def roles(self) -> Roles:
        """The roles of people; with LABELER_AUTH=none everybody may do everything."""
        asked = self.auth is not SignIn.NONE
        return Roles(asked, self.admins, self.reviewers, self.labelers)

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`.

    Raises SettingsError for the first wrong value: one line with the variable's name, its value and
    the allowed values. An unset or empty variable has its default.
    """
    take = _VariableReader(environ)
    storage = take("STORAGE", "data", parse_location)
    settings = Settings(
        storage=storage,
        uploads=take("UPLOADS", "", lambda text: _uploads(text, storage)),
        image_id=take("IMAGE_ID", "name-size", _one_of(ImageIdStrategy)),
        labels=take("LABELS", ",".join(DEFAULT_LABELS), _labels),
        max_upload_mb=take("MAX_UPLOAD_MB", "30", _whole(1, 10_000)),
        max_pixels=take("MAX_PIXELS", "100000000", _whole(1, 10_000_000_000)),
        max_calls_per_s=take("MAX_CALLS_PER_S", str(MAX_CALLS_PER_S), _whole(0, 1_000_000)),
        save_timeout_s=take("SAVE_TIMEOUT_S", "20", _whole(1, 600)),
        pause_after_s=take("PAUSE_AFTER_S", "900", _whole(0, 86_400)),
        lease_s=take("LEASE_S", "300", _whole(1, 86_400)),
        index=take("INDEX", "", _index),
        webhook=take("WEBHOOK", "", _url),
        kms_key=take("KMS_KEY", "", lambda text: _kms_key(text, storage)),
        secret_key=take("SECRET_KEY", "", _secret),
        auth=take("AUTH", "none", _one_of(SignIn)),
        saved_by=take("SAVED_BY", "email", _one_of(SavedBy)),
        exif_location=take("EXIF_LOCATION", "keep", _one_of(ExifLocation)),
        iap_audience=take("IAP_AUDIENCE", "", _iap_audience),
        iap_keys_url=take("IAP_KEYS_URL", "", _loopback_url),
        oidc_metadata_url=take("OIDC_METADATA_URL", "", _url),
        oidc_client_id=take("OIDC_CLIENT_ID", "", str),
        oidc_client_secret=take("OIDC_CLIENT_SECRET", "", str),
        oidc_redirect_uri=take("OIDC_REDIRECT_URI", "", _redirect_uri),
        admins=take("ADMINS", "", parse_people),
        reviewers=take("REVIEWERS", "", parse_people),
        labelers=take("LABELERS", "", parse_people),
        hosts=take("HOSTS", "", _hosts),
        canvas=take("CANVAS", "workbench", _canvas),
        on_cloud_run=on_cloud_run(environ),
        port=take("PORT", "8501", _whole(1, 65535), prefix=""),
    )
    take("LOGS", "text", _log_form)
    _check_sign_in(settings)
    if (
        settings.saved_by is SavedBy.HASH
        and settings.storage.kind is StoreKind.BUCKET
        and not settings.secret_key
    ):
        raise SettingsError(
            "LABELER_SAVED_BY='hash' is not allowed: with a bucket it needs LABELER_SECRET_KEY, "
            "which gives a person the same name on all instances."
        )
    return settings


def on_cloud_run(environ: Mapping[str, str]) -> bool:
    """Whether the process runs as a service or a job of Cloud Run."""
    return bool(environ.get("K_SERVICE") or environ.get("CLOUD_RUN_JOB"))


def logs_as_json(environ: Mapping[str, str]) -> bool:
    """Whether the log is JSON; called before the other settings are checked."""
    named = environ.get(f"{PREFIX}LOGS", "").strip()
    return named == "json" if named else on_cloud_run(environ)


def unknown_settings(environ: Mapping[str, str]) -> list[str]:
    """A line for each LABELER_ variable that has no effect, with the likely right name."""
    known = {field.name.upper() for field in fields(Settings)} - _OF_THE_PLATFORM | _ELSEWHERE
    asked = environ.get(f"{PREFIX}AUTH", "").strip() not in ("", SignIn.NONE)
    lines = []
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name != variable and name in _OF_SIGN_IN and environ[variable]:
            if not asked:
                lines.append(
                    f"{variable} has no effect: {PREFIX}AUTH=none asks nobody who they are. Keep "
                    "out of its reach whoever is not meant to use it."
                )
        elif name != variable and name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f" Did you mean {PREFIX}{close[0]}?" if close else ""
            lines.append(f"{variable} is not a setting of Labeler and was ignored.{hint}")
    return lines


_OF_THE_PLATFORM: Final = {"PORT", "ON_CLOUD_RUN"}
_ELSEWHERE: Final = {"LOGS"}
_OF_OIDC: Final = (
    "OIDC_METADATA_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_REDIRECT_URI",
)  # fmt: skip
_OF_SIGN_IN: Final = {"ADMINS", "REVIEWERS", "LABELERS", "IAP_AUDIENCE", "IAP_KEYS_URL", *_OF_OIDC}
_SECRET: Final = {"SECRET_KEY", "OIDC_CLIENT_SECRET", "INDEX"}
_AUDIENCE: Final = re.compile(
    r"/projects/[0-9]+/(locations/[a-z0-9-]+/services/[a-z0-9-]+|global/backendServices/[0-9]+)"
)
_ADDRESS: Final = re.compile(r"(https://[^/\s]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)/\S*")
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?|[0-9a-f:]+")
_DATABASE: Final = re.compile(r"sqlite:///(?!:memory:)[^?#]+|postgresql\+psycopg://\S+")
_PLACES: Final = "it must be a folder, file:///folder or gs://bucket[/prefix]"
_BUCKET: Final = re.compile(
    r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])((?:/[^/?#\x00-\x1f\x7f]+)*)/?"
)


class _VariableReader:
    """Reads one variable after the other, and names a variable with a wrong value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(
        self, name: str, default: str, parse: Callable[[str], Any], prefix: str = PREFIX
    ) -> Any:
        text = self._environ.get(prefix + name, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            shown = "(secret)" if name in _SECRET else repr(text)
            raise SettingsError(f"{prefix}{name}={shown} is not allowed: {error}.") from error


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (re.fullmatch("[0-9]{1,18}", text) and least <= int(text) <= most):
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _one_of(kind: type[Choice]) -> Callable[[str], Choice]:
    def parse(text: str) -> Choice:
        if text not in set(kind):
            raise ValueError(f"it must be one of {', '.join(kind)}")
        return kind(text)

    return parse


def _canvas(text: str) -> str:
    if text not in ("workbench", "drawable"):
        raise ValueError("it must be workbench or drawable")
    return text


def _log_form(text: str) -> str:
    if text not in ("json", "text"):
        raise ValueError("it must be json or text, or be unset: json on Cloud Run, else text")
    return text


def _iap_audience(text: str) -> str:
    if text and not _AUDIENCE.fullmatch(text):
        raise ValueError(
            "it must be /projects/NUMBER/locations/REGION/services/NAME (Cloud Run), or "
            "/projects/NUMBER/global/backendServices/ID (a load balancer)"
        )
    return text


def _url(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise ValueError("it must begin with https:// (http:// on this machine only)")
    return text


def _index(text: str) -> str:
    if text and not _DATABASE.fullmatch(text):
        raise ValueError(
            "it must be sqlite:////folder/file or "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE (a socket: @/DATABASE?host=/folder)"
        )
    return text


def _loopback_url(text: str) -> str:
    if text and not re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/\S*", text):
        raise ValueError("it is for tests and must begin with http://127.0.0.1:; leave it unset")
    return text


def _redirect_uri(text: str) -> str:
    if text and not _url(text).endswith("/oauth2callback"):
        raise ValueError("it must be Labeler's own address followed by /oauth2callback")
    return text


def _check_sign_in(settings: Settings) -> None:
    """Raise SettingsError if the chosen way to sign in lacks a setting."""
    if settings.auth is SignIn.IAP and not settings.iap_audience:
        raise SettingsError(
            "LABELER_IAP_AUDIENCE='' is not allowed: LABELER_AUTH=iap needs it, "
            "/projects/NUMBER/locations/REGION/services/NAME on Cloud Run."
        )
    if settings.on_cloud_run and settings.iap_keys_url:
        raise SettingsError(
            f"LABELER_IAP_KEYS_URL={settings.iap_keys_url!r} is not allowed: it is for tests; "
            "leave it unset."
        )
    given = {name: getattr(settings, name.lower()) for name in _OF_OIDC}
    missing = [f"{PREFIX}{name}" for name, value in given.items() if not value]
    if settings.auth is SignIn.OIDC and 0 < len(missing) < len(given):
        raise SettingsError(
            f"{missing[0]}='' is not allowed: the LABELER_OIDC_ settings go together; set all of "
            "them, or none and write .streamlit/secrets.toml."
        )


def _hosts(text: str) -> frozenset[str]:
    names = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a host's name; write names without scheme and port, such as "
                "labels.example.com"
            )
    return names


def _secret(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError("it must have at least 16 characters (openssl rand -hex 32)")
    return text


def _labels(text: str) -> tuple[str, ...]:
    """The labels in the order given, without repetitions (ignoring case)."""
    names: dict[str, str] = {}
    for part in text.split(","):
        if part.strip():
            try:
                name = new_label(part)
            except InvalidDocument as error:
                raise ValueError(error.message.rstrip(".")) from error
            names.setdefault(label_key(name), name)
    if not names:
        raise ValueError("it must name at least one label, or be unset")
    return tuple(names.values())


def parse_location(text: str) -> Location:
    """A folder, `file:///folder` or `gs://bucket[/prefix]`; ValueError for anything else.

    A mistyped bucket is refused instead of being read as a folder, which a container would lose.
    """
    scheme, colon, _ = text.lower().partition(":")
    is_file = bool(colon) and scheme == "file"
    if (colon and scheme == "gs") or (not is_file and "://" in text):
        match = _BUCKET.fullmatch(text)
        if match is None or {".", ".."} & set(match[2].split("/")):
            raise ValueError(_PLACES)
        return Location(match[1], match[2].removeprefix("/"))
    if is_file:
        match = re.fullmatch(r"file://(?:localhost)?(/[^?#]*)", text)
        if match is None:
            raise ValueError("a file address has three slashes, like file:///srv/labels")
        text = unquote(match[1])
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("a folder's name can't hold control characters")
    try:
        folder = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("there is no such home folder") from error
    return Location("", os.path.normpath(folder))


def _uploads(text: str, storage: Location) -> Location | None:
    if text == OFF:
        return None
    if text:
        return parse_location(text)
    path = f"{storage.path.rstrip('/')}/uploads" if storage.path else "uploads"
    return Location(storage.bucket, path)


def _kms_key(text: str, storage: Location) -> str:
    if text and storage.kind is not StoreKind.BUCKET:
        raise ValueError("it needs LABELER_STORAGE=gs://bucket; a folder is not encrypted by it")
    if text and not text.startswith("projects/"):
        raise ValueError(
            "it must be a key's full name, projects/P/locations/L/keyRings/R/cryptoKeys/K"
        )
    return text
