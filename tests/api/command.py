"""`interlock`, run as its users run it."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("interlock")


def interlock(
    *words: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, where nobody can be asked; it never ends in a traceback."""
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, *words],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
