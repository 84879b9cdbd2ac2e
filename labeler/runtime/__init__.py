"""The process: its log, its jobs, its memory and its connections."""
