"""The beginnings of digests, which identify rows in texts that clients store."""

from typing import Final

FINGERPRINT_CHARACTERS: Final = 12
"""48 bits: enough to distinguish rows with the same number."""


def fingerprint(digest: bytes | None) -> str:
    """Return the beginning of a digest; zeros for no digest."""
    return digest.hex()[:FINGERPRINT_CHARACTERS] if digest else "0" * FINGERPRINT_CHARACTERS
