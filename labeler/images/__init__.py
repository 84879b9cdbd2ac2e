"""Image files: inspection of uploads, and copies for display. Pure."""

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
]
