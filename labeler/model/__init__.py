"""The pure core: documents, labels and people. No clock, no file, no store."""
