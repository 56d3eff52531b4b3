"""The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

The draft defines a string in quotes, but most clients send it bare: `"a1"` and `a1` are the same
key.
"""

import re
from typing import Final, Self

from aiohttp import web

from engine.errors import IdempotencyConflict, InvalidInput
from engine.limits import IDEMPOTENCY_KEY_CHARACTERS

_HEADER: Final = "Idempotency-Key"
KEY_PATTERN: Final = (
    rf'^("[!#-\[\]-~]{{1,{IDEMPOTENCY_KEY_CHARACTERS}}}"'
    rf"|[!#-~][!-~]{{0,{IDEMPOTENCY_KEY_CHARACTERS - 1}}})$"
)
_KEY: Final = re.compile(KEY_PATTERN)


class IdempotencyKeyReused(IdempotencyConflict):
    """You used this `Idempotency-Key` for another request: use a new one."""

    status = 422

    @classmethod
    def of(cls, conflict: IdempotencyConflict) -> Self:
        """Return the error for a conflict where the header gave the key."""
        return cls(conflict.message, **conflict.details)


def read_idempotency_key(request: web.Request) -> str | None:
    """Return the idempotency key of a request; None if it has none.

    Raises:
        InvalidInput: the header is malformed.

    """
    if _HEADER not in request.headers:
        return None
    text = ", ".join(request.headers.getall(_HEADER)).strip()
    if not _KEY.fullmatch(text):
        raise InvalidInput(
            f"{_HEADER} must be one key of 1 to {IDEMPOTENCY_KEY_CHARACTERS} visible ASCII"
            " characters, bare or in quotes.",
            header=_HEADER,
        )
    return text[1:-1] if text.startswith('"') else text
