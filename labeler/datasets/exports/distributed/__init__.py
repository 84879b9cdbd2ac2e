"""Exports made by several machines: a plan, parts of it, and their join."""
