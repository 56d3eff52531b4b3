"""The secrets of a sign-in that is not complete yet."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, Self

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in at the provider; the browser keeps it in a cookie until it returns.

    Attributes:
        state: binds the response of the provider to the browser.
        nonce: binds the ID token to the browser.
        code_verifier: proves to the provider that the sign-in was started here.
        return_path: the page to which the user returns.
        renewed_user: the user whose claims it renews; empty for a new session.

    """

    state: str
    nonce: str
    code_verifier: str
    return_path: str
    renewed_user: str = ""

    @classmethod
    def start(cls, return_path: str, renewed_user: str = "") -> Self:
        """Return a new sign-in."""
        state, nonce, verifier = (token_urlsafe(_SECRET_BYTES) for _ in range(3))
        return cls(state, nonce, verifier, return_path, renewed_user)

    @property
    def code_challenge(self) -> str:
        """The digest of the verifier (RFC 7636, section 4.2: S256)."""
        digest = sha256(self.code_verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
