"""The command line, with the same project and settings as the pages.

Exit codes: 0 done, 1 the work failed (the message is on stderr), 2 wrong usage. Results go to
stdout, everything else to stderr. A command imports its modules when it runs, so that `list` need
not wait for modules that only an export uses.
"""

from labeler.cli.program import main, run

__all__ = ["main", "run"]
