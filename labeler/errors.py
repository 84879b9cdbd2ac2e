"""Every failure that Labeler reports to a person, in one place.

Each error carries a `code` for programs and a message for a person that says what to do.
The edges translate them once: the HTTP routes by `status`, the command line by exit code 1,
the pages by a message box. Anything that is not a LabelerError is a bug and is logged as one.
"""

from __future__ import annotations


class LabelerError(Exception):
    """A failure that a person can do something about; `str(error)` tells them what."""

    code = "error"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def for_log(self) -> str:
        """The text for the log, without the message: most messages quote what people typed."""
        return self.code


class SettingsError(LabelerError):
    """An environment variable has a value that Labeler can't work with."""

    code = "bad_setting"


class IndexUnfit(LabelerError):
    """The database of LABELER_INDEX is away, or holds something else than this project's index."""

    code = "index_unfit"
    status = 503


class InvalidRequest(LabelerError):
    """The request is malformed: a bad parameter, name or header."""

    code = "bad_request"
    status = 400


# --- images -------------------------------------------------------------------------------


class NotAnImage(LabelerError):
    """The bytes are not an image of a supported type."""

    code = "not_an_image"
    status = 415


class DamagedImage(LabelerError):
    """The bytes begin like an image but can't be decoded to the end."""

    code = "damaged_image"
    status = 422


class ImageTooLarge(LabelerError):
    """Too many bytes or too many pixels; nothing was decoded or kept."""

    code = "too_large"
    status = 413


class BodyTooLarge(LabelerError):
    """The body of a call is larger than that call allows; the rest was not read."""

    code = "too_large"
    status = 413


class ImageConflict(LabelerError):
    """Another image already has this image ID; it keeps its boxes."""

    code = "image_conflict"
    status = 409


# --- documents ----------------------------------------------------------------------------


class InvalidDocument(LabelerError):
    """A document that somebody wants to save breaks the format; `field` names the place."""

    code = "invalid_document"
    status = 422

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class DamagedDocument(LabelerError):
    """A stored document can't be understood; it is left exactly as it is."""

    code = "damaged_document"
    status = 500


class DamagedExport(DamagedDocument):
    """An export, or its manifest, is not as it was written."""

    code = "damaged_export"


class NewerDocument(DamagedDocument):
    """A stored document has a newer major version than this program knows."""

    code = "newer_document"


class UnknownLabels(LabelerError):
    """Boxes have labels that the label set lacks; `names` lists these labels, sorted."""

    code = "unknown_labels"
    status = 409

    def __init__(self, names: list[str]) -> None:
        listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        super().__init__(f"Boxes have labels that the project lacks: {listed}. Add them first.")
        self.names = names


class LabelRefused(LabelerError):
    """An edit that would damage the label set, or no longer makes sense; nothing was changed."""

    code = "label_refused"
    status = 409


class DocumentApproved(LabelerError):
    """A reviewer has approved the document, which is read-only until it is reopened."""

    code = "approved"
    status = 409


class NotDeleted(LabelerError):
    """The image can't be restored, because it is in the project again; nothing was changed."""

    code = "not_deleted"
    status = 409


class ClaimedByOther(LabelerError):
    """Somebody else has the image for now; nothing was changed."""

    code = "claimed"
    status = 409


# --- imports ------------------------------------------------------------------------------


class InvalidImport(LabelerError):
    """A dataset that can't be imported (damaged, hostile, another format); nothing was changed."""

    code = "invalid_import"
    status = 422


class ClassNamesMissing(InvalidImport):
    """A dataset numbers its classes and names none of them; the person who imports can."""

    code = "class_names_missing"


# --- store --------------------------------------------------------------------------------


class StoreError(LabelerError):
    """The store could not carry out a call."""

    code = "store_error"
    status = 503

    @property
    def for_log(self) -> str:
        """The message: it names keys, locations and the store's answer, no text of people."""
        return self.message


class NotFound(StoreError):
    """There is no object under this key."""

    code = "not_found"
    status = 404


class Deleted(NotFound):
    """The image was deleted; it is in the trash, from which an admin can restore it."""

    code = "deleted"
    status = 410


class VersionConflict(StoreError):
    """The object is not in the state that the write or delete named; nothing was changed."""

    code = "version_conflict"
    status = 412


class NotAllowed(StoreError):
    """The store refuses: credentials, roles, a read-only folder, a retention policy."""

    code = "not_allowed"
    status = 503


class Unavailable(StoreError):
    """The store did not answer, or answered that it can't now, until the retries ended."""

    code = "unavailable"
    status = 503


class Exhausted(LabelerError):
    """This instance has used up a resource of the system, such as file descriptors."""

    code = "exhausted"
    status = 503


class DamagedObject(StoreError):
    """The received bytes differ from the stored ones (checksum, length), even when read again."""

    code = "damaged_object"
    status = 503


# --- callers ------------------------------------------------------------------------------


class InvalidToken(LabelerError):
    """A token that was not made here, is for something else, or has expired."""

    code = "invalid_token"
    status = 401


class NotSignedIn(LabelerError):
    """Nobody is signed in, or no trusted party vouches for the caller."""

    code = "not_signed_in"
    status = 401


class SignInUnavailable(LabelerError):
    """Labeler can't find out just now whether somebody is signed in."""

    code = "sign_in_unavailable"
    status = 503


class NotPermitted(LabelerError):
    """The signed-in person lacks the role for this; nothing was changed."""

    code = "not_permitted"
    status = 403


class ForeignRequest(LabelerError):
    """A call that writes may come from another site's page; nothing was changed."""

    code = "forbidden"
    status = 403


class WrongHost(LabelerError):
    """The server was called by a name that is not its own; nothing was read or changed."""

    code = "wrong_host"
    status = 421


class ConditionMissing(LabelerError):
    """A call that writes does not name the state that it replaces."""

    code = "precondition_required"
    status = 428


class TooSlow(LabelerError):
    """The caller stopped sending before the end."""

    code = "timeout"
    status = 408


class TooManyCalls(LabelerError):
    """One caller makes more calls than their rate allows; the same call works in `after_s`."""

    code = "too_many_calls"
    status = 429

    def __init__(self, message: str, after_s: int) -> None:
        super().__init__(message)
        self.after_s = after_s


class Busy(LabelerError):
    """Too many requests at once; the same call works in a moment."""

    code = "busy"
    status = 503


class StillListing(Busy):
    """All images must be known for this, and a large project is being listed for the first time."""

    code = "still_listing"
