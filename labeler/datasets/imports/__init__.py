"""Imports: the boxes of a data set put onto the images of the project."""
