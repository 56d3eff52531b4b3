"""The exit codes of the command line; 0 is success."""

from typing import Final

EXIT_ERROR: Final = 1
EXIT_INVALID_DECLARATION: Final = 6
EXIT_USAGE: Final = 64
"""A wrong word on the command line (EX_USAGE of BSD's sysexits)."""
