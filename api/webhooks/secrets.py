"""Where the texts of secrets are: in a folder, a file or a folder of files for each name.

They are read again for each use, so that a secret that is mounted anew is in use at once.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import limits
from engine.webhooks.retry_policy import Obstacle
from engine.webhooks.signatures import Secret

FILE_CHARACTERS: Final = limits.WEBHOOK_SECRETS * (limits.WEBHOOK_SECRET_CHARACTERS + 1)


def secrets_named(folder: Path | None, name: str) -> tuple[Secret, ...] | Obstacle:
    """Return the secrets of a name, or why none of them can be used.

    Args:
        folder: holds a file of that name, in which blanks separate secrets, or a folder of such
            files; None if there is none.
        name: as declared; it leads nowhere else.

    """
    if folder is None:
        return Obstacle.SECRET_MISSING
    try:
        words = [word for file in files_at(folder / name) for word in text_in(file).split()]
        secrets = tuple(map(Secret.parse, words))
    except FileNotFoundError:
        return Obstacle.SECRET_MISSING
    except (OSError, ValueError):
        return Obstacle.SECRET_UNUSABLE
    if len(secrets) > limits.WEBHOOK_SECRETS:
        return Obstacle.SECRET_UNUSABLE
    return secrets or Obstacle.SECRET_MISSING


def files_at(path: Path) -> Iterator[Path]:
    """Yield a file, or those of a folder; Kubernetes keeps hidden ones beside its own."""
    if stat.S_ISDIR(path.stat().st_mode):
        yield from (each for each in sorted(path.iterdir()) if not each.name.startswith("."))
    else:
        yield path


def text_in(file: Path) -> str:
    """Return what a file says; a long one is cut off, and holds no secrets then."""
    with file.open(encoding="ascii") as opened:
        return opened.read(FILE_CHARACTERS)
