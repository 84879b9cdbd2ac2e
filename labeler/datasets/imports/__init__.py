"""Imports: the boxes of a dataset, added to the images of the project."""
