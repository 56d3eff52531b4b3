"""The exit codes of the command line; 0 is success."""

from collections.abc import Mapping
from typing import Final

from api.files import UnreadableFile
from engine.errors import (
    InterlockError,
    InvalidDeclaration,
    InvalidPlan,
    LockHeld,
    RefusedByGuard,
    StalePlan,
)

EXIT_ERROR: Final = 1
EXIT_CHANGES: Final = 2
"""There are changes (`plan --detailed-exitcode`) or differences (`drift`)."""
EXIT_INVALID_DECLARATION: Final = 6
EXIT_USAGE: Final = 64
"""Wrong usage (EX_USAGE of BSD's sysexits)."""

EXITS: Final[Mapping[type[InterlockError], int]] = {
    RefusedByGuard: 3,
    StalePlan: 4,
    LockHeld: 5,
    InvalidDeclaration: EXIT_INVALID_DECLARATION,
    InvalidPlan: EXIT_INVALID_DECLARATION,
    UnreadableFile: EXIT_INVALID_DECLARATION,
}
"""The exit codes of errors; `EXIT_ERROR` for all others."""


def exit_code_of(error: InterlockError) -> int:
    """Return the exit code for an error."""
    return next((code for kind, code in EXITS.items() if isinstance(error, kind)), EXIT_ERROR)
