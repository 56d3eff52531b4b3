"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): once only, however often sent.

The draft has a string in quotes, most clients send it bare: `"a1"` and `a1` are the same key.
"""

import re
from typing import Final, Self

from aiohttp import web

from engine.errors import IdempotencyConflict, InvalidInput
from engine.limits import IDEMPOTENCY_KEY_CHARACTERS

HEADER: Final = "Idempotency-Key"
KEY_PATTERN: Final = (
    rf'^("[!#-\[\]-~]{{1,{IDEMPOTENCY_KEY_CHARACTERS}}}"'
    rf"|[!#-~][!-~]{{0,{IDEMPOTENCY_KEY_CHARACTERS - 1}}})$"
)
KEY_FORM: Final = re.compile(KEY_PATTERN)


class KeyReused(IdempotencyConflict):
    """The key of `Idempotency-Key` stands for another request of this actor: use a new one."""

    status = 422

    @classmethod
    def of(cls, conflict: IdempotencyConflict) -> Self:
        """Return a conflict as it is told where the key came by the header."""
        return cls(conflict.message, **conflict.details)


def key_in(request: web.Request) -> str | None:
    """Return the key that a request brings; None if it brings none.

    Raises:
        InvalidInput: it is not written as a key is.

    """
    if HEADER not in request.headers:
        return None
    text = ", ".join(request.headers.getall(HEADER)).strip()
    if not KEY_FORM.fullmatch(text):
        raise InvalidInput(
            f"{HEADER} takes one key of 1 to {IDEMPOTENCY_KEY_CHARACTERS} visible ASCII"
            " characters, bare or in quotes.",
            header=HEADER,
        )
    return text[1:-1] if text.startswith('"') else text
