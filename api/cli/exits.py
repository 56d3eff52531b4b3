"""The exit codes of the command line; 0 is success."""

from collections.abc import Mapping
from typing import Final

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
"""There is something to do, or something differs; only where that was asked for."""
EXIT_INVALID_DECLARATION: Final = 6
EXIT_USAGE: Final = 64
"""A wrong word on the command line (EX_USAGE of BSD's sysexits)."""

EXITS: Final[Mapping[type[InterlockError], int]] = {
    RefusedByGuard: 3,
    StalePlan: 4,
    LockHeld: 5,
    InvalidDeclaration: EXIT_INVALID_DECLARATION,
    InvalidPlan: EXIT_INVALID_DECLARATION,
}
"""What a refusal exits with, if not with `EXIT_ERROR`."""


def exit_code_of(error: InterlockError) -> int:
    """Return what the command line exits with for a refusal."""
    return next((code for kind, code in EXITS.items() if isinstance(error, kind)), EXIT_ERROR)
