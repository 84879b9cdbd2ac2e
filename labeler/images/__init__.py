"""Image files: inspection of uploads, copies for display, and files without location. Pure."""

from labeler.images.decoder import (
    MEDIA_TYPES,
    SUPPORTED,
    ImageInfo,
    Permit,
    check_size,
    display,
    display_copy,
    inspect,
    load_decoders,
    permit_all,
)
from labeler.images.location import without_location

__all__ = [
    "MEDIA_TYPES",
    "SUPPORTED",
    "ImageInfo",
    "Permit",
    "check_size",
    "display",
    "display_copy",
    "inspect",
    "load_decoders",
    "permit_all",
    "without_location",
]
