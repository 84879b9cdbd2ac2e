"""The command line, over the same data set and settings as the pages.

Exit codes: 0 done, 1 the work failed (the message is on stderr), 2 wrong usage. Results go to
stdout, everything else to stderr. What a command needs is imported when it runs: `list` is not to
wait for what only an export needs.
"""

from labeler.cli.program import main, run

__all__ = ["main", "run"]
