"""The process itself: its log, its long work, its memory, its connections."""
