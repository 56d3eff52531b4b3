"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, moment and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from engine import limits

PREFIX: Final = "whsec_"
KEY_BYTES_LEAST: Final = 24
KEY_BYTES_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Secret:
    """What a receiver and we know, and nobody else."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the secret of that text: `whsec_` and base64 of 24 to 64 bytes.

        Raises:
            ValueError: it is none; the message does not hold it.

        """
        is_short = len(text) <= limits.WEBHOOK_SECRET_CHARACTERS
        try:
            key = b64decode(text.removeprefix(PREFIX), validate=True) if is_short else b""
        except ValueError:
            key = b""
        if not (text.startswith(PREFIX) and KEY_BYTES_LEAST <= len(key) <= KEY_BYTES_MOST):
            raise ValueError(
                f"must be {PREFIX} and the base64 of {KEY_BYTES_LEAST} to {KEY_BYTES_MOST} bytes"
            )
        return cls(key)

    def signature(self, content: bytes) -> str:
        """Return the signature of a content, with its version."""
        return f"v1,{b64encode(hmac.digest(self.key, content, sha256)).decode()}"


def signed(id_: str, at: int, body: bytes, secrets: Sequence[Secret]) -> Mapping[str, str]:
    """Return the headers that sign a body.

    Args:
        id_: of the message, the same each time that it is sent; without dots.
        at: when it is sent, in seconds since 1970.
        body: exactly what is sent.
        secrets: each signs; while one takes the place of another, both do.

    """
    content = f"{id_}.{at}.".encode() + body
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(each.signature(content) for each in secrets),
    }
