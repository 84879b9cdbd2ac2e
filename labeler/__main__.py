"""`python -m labeler`: the command line."""

from labeler.cli import run

run()
