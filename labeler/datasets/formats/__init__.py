"""Formats of other programs: readers and writers side by side, and the registry of them."""
