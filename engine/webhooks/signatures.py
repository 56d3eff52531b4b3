"""Signatures as Standard Webhooks defines them: HMAC-SHA256 over id, timestamp and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from engine import limits

_PREFIX: Final = "whsec_"
_MIN_KEY_BYTES: Final = 24
_MAX_KEY_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret that the receiver and the servers share."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the secret of a text: `whsec_` and base64 of 24 to 64 bytes.

        Raises:
            ValueError: the text is not a secret; the message does not quote it.

        """
        is_short = len(text) <= limits.WEBHOOK_SECRET_CHARACTERS
        try:
            key = b64decode(text.removeprefix(_PREFIX), validate=True) if is_short else b""
        except ValueError:
            key = b""
        if not (text.startswith(_PREFIX) and _MIN_KEY_BYTES <= len(key) <= _MAX_KEY_BYTES):
            raise ValueError(
                f"must be {_PREFIX} and the base64 of {_MIN_KEY_BYTES} to {_MAX_KEY_BYTES} bytes"
            )
        return cls(key)

    def sign(self, content: bytes) -> str:
        """Return the signature of a content, with its version."""
        return f"v1,{b64encode(hmac.digest(self.key, content, sha256)).decode()}"


def signature_headers(
    message_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret]
) -> Mapping[str, str]:
    """Return the headers that sign a body.

    Args:
        message_id: the same for each attempt; has no dots.
        timestamp: when the request is sent, in seconds since 1970.
        body: the exact bytes that are sent.
        secrets: each signs; there are several while a secret is rotated.

    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(each.sign(content) for each in secrets),
    }
