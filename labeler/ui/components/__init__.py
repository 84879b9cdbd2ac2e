"""Small components of the pages, each with its script and style beside it."""
