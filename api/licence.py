"""Licences: signed tokens that say which plugins a server can offer (JWT, RFC 7519; Ed25519).

The issuer keeps the private key. A server has the public key, and can only verify.
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
from api.auth.claims import printable_text
from api.auth.errors import JOSERFC_ERRORS
from engine.errors import InvalidInput
from engine.plugins import OPEN_EDITION, Licence, Plugin
from engine.validation_messages import describe_error_at

_CURVE: Final = "Ed25519"
_ALGORITHM: Final = "EdDSA"
"""The name of the algorithm in most libraries; RFC 9864 names it Ed25519."""
_REGISTRY: Final = JWSRegistry(algorithms=[_ALGORITHM, _CURVE], strict_check_header=False)


class LicenceError(StrEnum):
    """Why a licence is invalid."""

    MISSING = "there is no licence; set INTERLOCK_LICENSE_KEY"
    TOO_LARGE = "the licence is too long"
    MALFORMED = "the licence is not a JSON Web Token"
    WRONG_ALGORITHM = "the licence is not signed with Ed25519"
    BAD_SIGNATURE = "the licence is not signed with the key of INTERLOCK_LICENSE_PUBLIC_KEY"
    MISSING_CLAIM = "the licence lacks customer, plugins or exp"
    INVALID_CLAIM = "a claim of the licence has an invalid type, size or value"
    NEVER_VALID = "the licence begins after its end"


_LIBRARY_ERRORS: Final[dict[type[Exception], LicenceError]] = {
    UnsupportedAlgorithmError: LicenceError.WRONG_ALGORITHM,
    BadSignatureError: LicenceError.BAD_SIGNATURE,
}
_PluginName = Annotated[str, printable_text(limits.LICENCE_TEXT_CHARACTERS)]
_Second = Annotated[int, Field(ge=0, le=limits.LATEST_SECOND)]


class _Claims(BaseModel):
    """The claims of a licence; other claims are ignored.

    `plugins` can name plugins that this version does not have. `nbf` and `exp` are in seconds since
    1970.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    customer: Annotated[str, printable_text(limits.LICENCE_TEXT_CHARACTERS)]
    plugins: Annotated[list[_PluginName], Field(max_length=limits.LICENCE_PLUGINS)]
    nbf: _Second | None = None
    exp: _Second


@dataclass(frozen=True, slots=True)
class LicenceKey:
    """A key that verifies licences and, if it is private, issues them."""

    okp: OKPKey

    @classmethod
    def new(cls) -> Self:
        """Return a random private key."""
        return cls(OKPKey.generate_key(_CURVE))

    @classmethod
    def public(cls, text: str) -> Self:
        """Return the public key in a `public_text`; ValueError if it is invalid."""
        try:
            return cls(OKPKey.import_key({"kty": "OKP", "crv": _CURVE, "x": text.strip()}))
        except (JoseError, ValueError, TypeError):
            raise ValueError from None

    @classmethod
    def private(cls, pem: str) -> Self:
        """Return the private key in a PEM text.

        Raises:
            InvalidInput: the text is not a private Ed25519 key.

        """
        try:
            key = OKPKey.import_key(pem)
        except (JoseError, ValueError, TypeError):
            key = None
        if key is None or not key.is_private or key.as_dict()["crv"] != _CURVE:
            raise InvalidInput(
                "The key is not a private Ed25519 key in PEM. "
                "To create one, run `interlock license keygen`."
            )
        return cls(key)

    @property
    def private_text(self) -> str:
        """The private key in PEM."""
        return self.okp.as_pem(private=True).decode()

    @property
    def public_text(self) -> str:
        """The public key, as INTERLOCK_LICENSE_PUBLIC_KEY has it: 32 bytes in base64url."""
        return str(self.okp.as_dict(private=False)["x"])

    def issue(
        self,
        customer: str,
        plugins: Iterable[Plugin],
        expires_at: datetime,
        begins_at: datetime | None = None,
    ) -> str:
        """Return a signed licence; it begins at once unless `begins_at` is given.

        Raises:
            InvalidInput: a claim is invalid, such as an empty customer, or the licence would begin
                after its end.

        """
        claims: dict[str, object] = {
            "customer": customer,
            "plugins": sorted(plugins),
            "iat": int(time.time()),
            "exp": int(expires_at.timestamp()),
        }
        if begins_at is not None:
            if begins_at >= expires_at:
                raise InvalidInput(f"The licence is invalid: {LicenceError.NEVER_VALID}.")
            claims["nbf"] = int(begins_at.timestamp())
        try:
            _Claims.model_validate(claims)
        except ValidationError as error:
            problems = "; ".join(map(describe_error_at, error.errors()))
            raise InvalidInput(f"The licence is invalid. {problems}.") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # only the name EdDSA is deprecated
            return jwt.encode({"alg": _ALGORITHM}, claims, self.okp, registry=_REGISTRY)

    def verify(self, token: str) -> Licence:
        """Return the licence in a token; an invalid one has a `LicenceError`."""
        if len(token) > limits.TOKEN_CHARACTERS:
            return Licence(error=LicenceError.TOO_LARGE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)
                verified = jwt.decode(token, self.okp, registry=_REGISTRY)
        except JOSERFC_ERRORS as error:
            return Licence(error=_LIBRARY_ERRORS.get(type(error), LicenceError.MALFORMED))
        if "crit" in verified.header:  # lists extensions that must be supported; we support none
            return Licence(error=LicenceError.MALFORMED)
        try:
            claims = _Claims.model_validate(verified.claims)
        except ValidationError as error:
            is_missing = any(each["type"] == "missing" for each in error.errors())
            return Licence(
                error=LicenceError.MISSING_CLAIM if is_missing else LicenceError.INVALID_CLAIM
            )
        if claims.nbf is not None and claims.nbf >= claims.exp:
            return Licence(error=LicenceError.NEVER_VALID)
        begins_at = None if claims.nbf is None else datetime.fromtimestamp(claims.nbf, UTC)
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
        return Licence(claims.customer, frozenset(claims.plugins), expires_at, begins_at)


def read_licence(public_key: str | None, token: SecretStr | None) -> Licence:
    """Return the licence of a server; without a public key, the server can offer everything."""
    if public_key is None:
        return OPEN_EDITION
    if token is None:
        return Licence(error=LicenceError.MISSING)
    return LicenceKey.public(public_key).verify(token.get_secret_value().strip())
