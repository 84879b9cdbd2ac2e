"""Imports: the boxes of a dataset put onto the images of the project."""
