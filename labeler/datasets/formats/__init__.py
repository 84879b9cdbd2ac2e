"""Formats of other programs: their readers, their writers and the registry that lists them."""
