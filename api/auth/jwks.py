"""The keys that verify tokens, and how they are read from a JSON Web Key Set (RFC 7517).

The key determines the algorithm, and the token never does: each type of key is for its own
algorithms only, whatever the header of a token says.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry
from joserfc.registry import Header
from joserfc.util import base64_to_int

from api import limits
from api.auth.errors import TokenErrorReason, token_error

HS256: Final = "HS256"
_ED25519: Final = "Ed25519"
_EDDSA: Final = "EdDSA"
"""The usual name of Ed25519; RFC 9864 deprecates it because it also means other curves."""

_ALGORITHMS: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", _ED25519): (_ED25519, _EDDSA),
}
"""The algorithms of each type and curve of public keys."""
_PUBLIC_ALGORITHMS: Final = tuple(name for names in _ALGORITHMS.values() for name in names)
_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""The members of public keys; no other member of an entry is passed to joserfc."""

_JsonWebKey = Mapping[str, object]


class UnusableKeyError(ValueError):
    """A key cannot verify tokens; the message says why."""


class NotASigningKeyError(UnusableKeyError):
    """A key is declared for another use than signatures, which needs no warning."""


class _Registry(JWSRegistry):
    """The algorithms of joserfc, with EdDSA restricted to Ed25519."""

    algorithms = JWSRegistry.algorithms | {_EDDSA: JWSRegistry.algorithms[_ED25519]}


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that verifies tokens.

    Attributes:
        id: its `kid` in the header of tokens. None for secrets, and for the only key of a set if
            it has no id; such a key is tried for any token.

    """

    id: str | None
    algorithms: tuple[str, ...]
    key: Key


class KeySet:
    """An immutable set of keys; a refresh replaces the whole set.

    Attributes:
        algorithms: the algorithms that keys of this type can have.
        registry: the same for joserfc.
        ignored: why entries of the document were ignored, one sentence each.

    """

    def __init__(
        self, keys: Iterable[TokenKey], algorithms: Iterable[str], ignored: Iterable[str] = ()
    ) -> None:
        self.keys = tuple(keys)
        self.algorithms = tuple(algorithms)
        self.registry = _Registry(algorithms=list(self.algorithms), strict_check_header=False)
        self.ignored = tuple(ignored)

    @property
    def has_key_ids(self) -> bool:
        """Whether tokens name their key; otherwise any key, or a new one, can be the right one."""
        return any(each.id is not None for each in self.keys)

    @cached_property
    def candidates(self) -> Sequence["KeySet"]:
        """The sets to verify a token with, in order: each key without an id is a separate set."""
        if self.has_key_ids or len(self.keys) == 1:
            return (self,)
        return [KeySet([each], self.algorithms) for each in self.keys]

    def select_key(self, header: Header) -> Key:
        """Return the key with which a token with this header must be signed.

        Raises:
            Unauthenticated: there is no such key, or it is not for the algorithm of the token.

        """
        key_id = header.get("kid")
        if key_id is None and len(self.keys) > 1:
            raise token_error(TokenErrorReason.MISSING_KEY_ID)
        found = [each for each in self.keys if key_id is None or each.id in (None, key_id)]
        if not found:
            raise token_error(TokenErrorReason.UNKNOWN_KEY)
        for each in found:
            if header["alg"] in each.algorithms:
                return each.key
        raise token_error(TokenErrorReason.WRONG_ALGORITHM)


def parse_jwks(document: bytes) -> KeySet:
    """Return the usable keys of a JSON Web Key Set.

    Raises:
        ValueError: the document is not a key set or has no usable key; the message says why.

    """
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError('the document is not a JSON Web Key Set: {"keys": [...]}')
    if len(entries) > limits.JWKS_KEYS:
        raise ValueError(f"the key set has more than {limits.JWKS_KEYS} keys")
    keys: list[TokenKey] = []
    ignored: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            keys.append(_parse_key(entry, needs_id=len(entries) > 1))
        except NotASigningKeyError:
            continue
        except UnusableKeyError as error:
            ignored.append(f"Key {number} ({entry.get('kid', 'without kid')!s}) {error}.")
    if not keys:
        raise ValueError(" ".join(["the key set has no usable key.", *ignored]))
    _check_unambiguous(keys)
    return KeySet(keys, _PUBLIC_ALGORITHMS, ignored)


def _check_unambiguous(keys: Iterable[TokenKey]) -> None:
    """Raise ValueError if two keys have the same id and algorithm."""
    seen: set[tuple[str | None, str]] = set()
    for each in keys:
        uses = {(each.id, algorithm) for algorithm in each.algorithms}
        if seen & uses:
            raise ValueError(f"two keys have the id {each.id!r}")
        seen |= uses


def _parse_key(entry: _JsonWebKey, *, needs_id: bool) -> TokenKey:
    """Return the key of an entry; UnusableKeyError if it cannot verify tokens.

    Args:
        entry: the entry of the set.
        needs_id: whether the set has several keys, which only their ids distinguish.

    """
    key_id = entry.get("kid")
    algorithms = _algorithms_of(entry)
    if "d" in entry:
        raise UnusableKeyError(
            "is a private key, with which all readers can sign tokens; publish the public key"
        )
    if not isinstance(key_id, str | None) or (needs_id and key_id is None):
        raise UnusableKeyError("has no id (`kid`), which each of several keys needs")
    return TokenKey(key_id, algorithms, _public_key(entry))


def _algorithms_of(entry: _JsonWebKey) -> tuple[str, ...]:
    """Return the algorithms of a key: those of its type, or the one that it declares."""
    operations = entry.get("key_ops", ["verify"])
    can_verify = isinstance(operations, list) and "verify" in operations
    if entry.get("use", "sig") != "sig" or not can_verify:
        raise NotASigningKeyError
    kind, curve, declared = (entry.get(name) for name in ("kty", "crv", "alg"))
    algorithms = _ALGORITHMS.get((str(kind), None if kind == "RSA" else str(curve)), ())
    if declared in algorithms:
        return algorithms if curve == _ED25519 else (str(declared),)
    if not algorithms or declared is not None:
        raise UnusableKeyError(
            f"has an unsupported type or algorithm (kty {kind}, crv {curve}, alg {declared})"
        )
    return algorithms


def _public_key(entry: _JsonWebKey) -> Key:
    """Return the public key of an entry; UnusableKeyError if it is invalid, weak or too large."""
    kind = str(entry["kty"])
    members = {name: str(entry.get(name, "")) for name in _PUBLIC_MEMBERS[kind]}
    if kind == "RSA":
        _check_rsa_size(members["n"])
    try:
        return JWKRegistry.import_key({"kty": kind, **members})
    except (JoseError, ValueError, TypeError):
        raise UnusableKeyError("is invalid") from None


def _check_rsa_size(modulus: str) -> None:
    try:
        bits = base64_to_int(modulus).bit_length()
    except ValueError:
        raise UnusableKeyError("is invalid") from None
    if not limits.RSA_BITS_MIN <= bits <= limits.RSA_BITS_MAX:
        raise UnusableKeyError(
            f"has {bits} bits; an RSA key needs {limits.RSA_BITS_MIN} to {limits.RSA_BITS_MAX}"
        )
