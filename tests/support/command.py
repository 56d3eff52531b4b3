"""`interlock`, run as its users run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

COMMAND = Path(sys.executable).with_name("interlock")
NOTHING: Final[Mapping[str, str]] = {}


def on(database_url: str) -> dict[str, str]:
    """Return the setting that makes a command work on a database."""
    return {"INTERLOCK_DATABASE_URL": database_url}


def interlock(
    *words: str, folder: Path | None = None, env: Mapping[str, str] = NOTHING
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, where nobody can be asked; it never ends in a traceback.

    Args:
        words: what follows the name of the command.
        folder: where it runs; here, by default.
        env: settings beside those of this process.

    """
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, *words],
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
