"""The key of an installation, which signs its anchors (Ed25519, RFC 8032)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


@dataclass(frozen=True, slots=True)
class AnchorPublicKey:
    """A key that verifies anchors."""

    key: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key in a text such as `AnchorKey.public_text`.

        Raises:
            ValueError: the text is not a public key.

        """
        return cls(Ed25519PublicKey.from_public_bytes(decode_base64url(text.strip())))

    @property
    def text(self) -> str:
        """The 32 bytes of the key in base64url."""
        return encode_base64url(self.key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Return whether a signature of this key is valid for a content."""
        try:
            self.key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class AnchorKey:
    """A private key, which signs anchors."""

    key: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Self:
        """Return a random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, pem: str) -> Self:
        """Return the key in a PEM text.

        Raises:
            ValueError: the text is not a private Ed25519 key in PEM without a password.

        """
        try:
            key = load_pem_private_key(pem.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, Ed25519PrivateKey):
            return cls(key)
        raise ValueError("it is not a private Ed25519 key in PEM without a password")

    @property
    def pem(self) -> str:
        """The key in PEM."""
        content = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return content.decode()

    @property
    def public(self) -> AnchorPublicKey:
        """The key that verifies the signatures."""
        return AnchorPublicKey(self.key.public_key())

    def sign(self, content: bytes) -> bytes:
        """Return the signature of a content."""
        return self.key.sign(content)


def encode_base64url(content: bytes) -> str:
    """Return bytes in base64url without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Return the bytes of a text in base64url without padding; ValueError for another form."""
    content = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    if encode_base64url(content) != text:
        raise ValueError("it is not base64url without padding")
    return content
