"""The image index in a database: SQLite in a file, or PostgreSQL. Loaded only if it is asked for.

The documents stay the truth. The index can be lost, rebuilt and compared with them at any time.
"""
