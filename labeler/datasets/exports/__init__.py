"""Exports: a data set made from the project."""
