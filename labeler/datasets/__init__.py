"""Datasets: what goes in, and how they are read and written."""
