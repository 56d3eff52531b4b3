"""Licences: what a server may offer, as a token (JWT, RFC 7519) that is signed with Ed25519.

Whoever issues one keeps the private key; a server knows the public one only, and checks.
"""

import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    JoseError,
    SecurityWarning,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from api import limits
from api.auth.claims import printable
from api.auth.errors import UNREADABLE
from engine.errors import InvalidInput
from engine.plugins import OPEN_EDITION, Licence, Plugin
from engine.validation_messages import describe_error_at

CURVE: Final = "Ed25519"
ALGORITHM: Final = "EdDSA"
"""What most libraries call it; RFC 9864 calls it Ed25519, for the one curve that is meant."""
ALGORITHMS: Final = [ALGORITHM, CURVE]
REGISTRY: Final = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class LicenceError(StrEnum):
    """Why a licence is worth nothing, whatever the day."""

    MISSING = "there is no licence: set INTERLOCK_LICENSE_KEY"
    TOO_LARGE = "the licence is too long to be one"
    MALFORMED = "the licence is not a JSON Web Token"
    WRONG_ALGORITHM = "the licence is not signed with Ed25519"
    BAD_SIGNATURE = "the licence is not signed with the key of INTERLOCK_LICENSE_PUBLIC_KEY"
    MISSING_CLAIM = "the licence lacks customer, plugins or exp"
    INVALID_CLAIM = "a claim of the licence is of the wrong type, size or value"


LIBRARY_ERRORS: Final[dict[type[Exception], LicenceError]] = {
    UnsupportedAlgorithmError: LicenceError.WRONG_ALGORITHM,
    BadSignatureError: LicenceError.BAD_SIGNATURE,
}

PluginName = Annotated[str, printable(limits.LICENCE_TEXT_CHARACTERS)]


class Claims(BaseModel):
    """What a licence says; claims that are not listed are not looked at.

    It may name plugins that this version does not know. `exp` is in seconds since 1970.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    customer: Annotated[str, printable(limits.LICENCE_TEXT_CHARACTERS)]
    plugins: Annotated[list[PluginName], Field(max_length=limits.LICENCE_PLUGINS)]
    exp: Annotated[int, Field(ge=0, le=limits.LATEST_SECOND)]

    @property
    def licence(self) -> Licence:
        """The licence that these claims state."""
        ends = datetime.fromtimestamp(self.exp, UTC)
        return Licence(self.customer, frozenset(self.plugins), ends)


@dataclass(frozen=True, slots=True)
class LicenceKey:
    """A key that licences are checked with and, if it is a private one, issued."""

    okp: OKPKey

    @classmethod
    def new(cls) -> Self:
        """Return a random private key."""
        return cls(OKPKey.generate_key(CURVE))

    @classmethod
    def public(cls, text: str) -> Self:
        """Return the public key of a `public_text`; ValueError if it is none."""
        try:
            return cls(OKPKey.import_key({"kty": "OKP", "crv": CURVE, "x": text.strip()}))
        except (JoseError, ValueError, TypeError):
            raise ValueError from None

    @classmethod
    def private(cls, pem: str) -> Self:
        """Return the private key of a PEM text.

        Raises:
            InvalidInput: it is none, or one of another kind.

        """
        try:
            key = OKPKey.import_key(pem)
        except (JoseError, ValueError, TypeError):
            key = None
        if key is None or not key.is_private or key.as_dict()["crv"] != CURVE:
            raise InvalidInput(
                "The key is not a private Ed25519 key in PEM: `interlock license keygen` makes one."
            )
        return cls(key)

    @property
    def private_text(self) -> str:
        """The private key in PEM."""
        return self.okp.as_pem(private=True).decode()

    @property
    def public_text(self) -> str:
        """The public key as INTERLOCK_LICENSE_PUBLIC_KEY takes it: 32 bytes in base64url."""
        return str(self.okp.as_dict(private=False)["x"])

    def issue(self, customer: str, plugins: Iterable[Plugin], expires_at: datetime) -> str:
        """Return a signed licence.

        Raises:
            InvalidInput: no licence can say this, e.g. a customer without a name.

        """
        stated = {"customer": customer, "plugins": sorted(plugins)}
        times = {"iat": int(time.time()), "exp": int(expires_at.timestamp())}
        try:
            Claims.model_validate(stated | times)
        except ValidationError as error:
            wrong = "; ".join(map(describe_error_at, error.errors()))
            raise InvalidInput(f"No licence can say this. {wrong}.") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of the name, not of the signature
            return jwt.encode({"alg": ALGORITHM}, stated | times, self.okp, registry=REGISTRY)

    def verify(self, token: str) -> Licence:
        """Return what a token allows; one that is worth nothing has a `LicenceError`."""
        if len(token) > limits.TOKEN_CHARACTERS:
            return Licence(error=LicenceError.TOO_LARGE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)
                verified = jwt.decode(token, self.okp, registry=REGISTRY)
        except UNREADABLE as error:
            return Licence(error=LIBRARY_ERRORS.get(type(error), LicenceError.MALFORMED))
        if "crit" in verified.header:  # an extension that must be understood, and we know none
            return Licence(error=LicenceError.MALFORMED)
        return licence_of(verified.claims)


def licence_of(stated: dict[str, object]) -> Licence:
    """Return what the claims of a well signed token allow."""
    try:
        return Claims.model_validate(stated).licence
    except ValidationError as error:
        is_missing = any(each["type"] == "missing" for each in error.errors())
        flaw = LicenceError.MISSING_CLAIM if is_missing else LicenceError.INVALID_CLAIM
        return Licence(error=flaw)


def read_licence(public_key: str | None, token: SecretStr | None) -> Licence:
    """Return what a server may offer: without a key to check licences with, everything."""
    if public_key is None:
        return OPEN_EDITION
    if token is None:
        return Licence(error=LicenceError.MISSING)
    return LicenceKey.public(public_key).verify(token.get_secret_value().strip())
