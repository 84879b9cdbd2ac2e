"""Maintenance of a project: check, restore and copy."""
