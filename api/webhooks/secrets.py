"""Webhook secrets: in a folder, one file or folder of files for each secret name.

They are read again for each use, so a changed secret is used at once.
"""

import stat
from enum import StrEnum
from pathlib import Path
from typing import Final

from engine import limits
from engine.webhooks.signatures import Secret

_MAX_FILE_CHARACTERS: Final = limits.WEBHOOK_SECRETS * (limits.WEBHOOK_SECRET_CHARACTERS + 1)


class BlockReason(StrEnum):
    """Why this server cannot call a webhook."""

    HOST_NOT_ALLOWED = "host_not_allowed"
    SECRET_MISSING = "secret_missing"  # noqa: S105  # a reason, not a secret
    SECRET_INVALID = "secret_invalid"  # noqa: S105  # a reason, not a secret


def read_secrets(folder: Path | None, name: str) -> tuple[Secret, ...] | BlockReason:
    """Return the secrets of a name, or why they cannot be used.

    Args:
        folder: contains a file of this name with secrets that are separated by white space, or a
            folder of such files.
        name: the declared name; its pattern allows no other folder.

    """
    if folder is None:
        return BlockReason.SECRET_MISSING
    try:
        path = folder / name
        files = [path]
        if stat.S_ISDIR(path.stat().st_mode):
            # Kubernetes keeps hidden files next to the mounted ones.
            files = [each for each in sorted(path.iterdir()) if not each.name.startswith(".")]
        secrets = tuple(Secret.parse(word) for file in files for word in _read(file).split())
    except FileNotFoundError:
        return BlockReason.SECRET_MISSING
    except (OSError, ValueError):
        return BlockReason.SECRET_INVALID
    if len(secrets) > limits.WEBHOOK_SECRETS:
        return BlockReason.SECRET_INVALID
    return secrets or BlockReason.SECRET_MISSING


def _read(file: Path) -> str:
    """Return the text of a file, up to a size that is too large for valid secrets."""
    with file.open(encoding="ascii") as opened:
        return opened.read(_MAX_FILE_CHARACTERS)
