"""Chains: the digest of each row covers its content and the digest before it."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from engine.tickets.history import canonical_text, canonical_timestamp


def chained_digest(before: bytes, values: Sequence[object]) -> bytes:
    """Return SHA-256 over the previous digest and the canonical text of these values.

    Args:
        before: `GENESIS` for the first row of a chain.
        values: texts, numbers, booleans, times and None.

    """
    plain = [canonical_timestamp(v) if isinstance(v, datetime) else v for v in values]
    return sha256(before + canonical_text(plain).encode()).digest()


def name_digest(user: str, seq: int, name: str) -> bytes:
    """Return the digest of a user's name, which is recorded instead of the name itself.

    Args:
        user: the id of the user.
        seq: the number of the name, from 1.
        name: the name, as a token states it.

    """
    return chained_digest(b"", [user, seq, name])
