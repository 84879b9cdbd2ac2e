"""Labeler: labeled boxes on images, kept as one JSON object per image in your own bucket."""

__version__ = "0.1.0"
