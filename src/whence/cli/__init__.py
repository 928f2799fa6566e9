"""The command line: results on standard output, progress and warnings on standard error.

Exit status: 0 done, 1 it cannot be done, 2 wrong use.
"""

from whence.cli.app import main

__all__ = ["main"]
