"""Exports: a dataset made from the project."""
