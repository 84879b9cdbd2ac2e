"""Looking after a project: check it, restore it, copy it."""
