"""Datasets: which images and boxes they include, and how they are read and written."""
