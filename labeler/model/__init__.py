"""The core, which is pure: documents, labels and people. No clock, no file, no store."""
