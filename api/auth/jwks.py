"""The keys that tokens are checked with, and how they are read from a JSON Web Key Set (RFC 7517).

How a token is checked follows from the key, never from the token: a key is for the algorithms of
its kind, and for no other that a header may name.
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
from api.auth.errors import TokenRefusal, refusal

HS256: Final = "HS256"
ED25519: Final = "Ed25519"
EDDSA: Final = "EdDSA"
"""What most issuers call Ed25519; RFC 9864 deprecates it for the curves it could also mean."""

ALGORITHMS: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", ED25519): (ED25519, EDDSA),
}
"""What a public key is for, by its kind and curve."""
PUBLIC_ALGORITHMS: Final = tuple(name for names in ALGORITHMS.values() for name in names)
PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What makes a public key: nothing else of an entry reaches the library."""

Entry = Mapping[str, object]
"""A key as a set has it (a JSON Web Key)."""


class Unusable(ValueError):
    """An entry of a set checks no tokens; the text says why not."""


class NotForSignatures(Unusable):
    """An entry says so itself, which is as it should be."""


class Registry(JWSRegistry):
    """The algorithms of the library, in which EdDSA means Ed25519 and nothing else."""

    algorithms = JWSRegistry.algorithms | {EDDSA: JWSRegistry.algorithms[ED25519]}


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key.

    Attributes:
        id: what a token calls it; None for a secret, and for the only key of a set, whatever tokens
            call it.
        algorithms: what it is for.

    """

    id: str | None
    algorithms: tuple[str, ...]
    key: Key


class KeySet:
    """Keys as they were at one time; a set never changes, another takes its place.

    Attributes:
        algorithms: of its kind of keys, whichever of them are there.
        registry: the same, for the library.
        complaints: on entries that were passed over, each a sentence for the operator.

    """

    def __init__(
        self, keys: Iterable[TokenKey], algorithms: Iterable[str], complaints: Iterable[str] = ()
    ) -> None:
        self.keys = tuple(keys)
        self.algorithms = tuple(algorithms)
        self.registry = Registry(algorithms=list(self.algorithms), strict_check_header=False)
        self.complaints = tuple(complaints)

    @property
    def has_names(self) -> bool:
        """Whether tokens name its keys; else each may be by any of them, or by one that is new."""
        return any(each.id is not None for each in self.keys)

    @cached_property
    def in_turn(self) -> Sequence["KeySet"]:
        """The sets to check a token with, one after the other: keys without names are tried."""
        if self.has_names or len(self.keys) == 1:
            return (self,)
        return [KeySet([each], self.algorithms) for each in self.keys]

    def key_for(self, header: Header) -> Key:
        """Return the key that a token with this header must be signed with.

        Raises:
            Unauthenticated: there is none, or it is not for such signatures.

        """
        named = self._named(header.get("kid"))
        if not named:
            raise refusal(TokenRefusal.UNKNOWN_KEY)
        fitting = [each.key for each in named if header["alg"] in each.algorithms]
        if not fitting:
            raise refusal(TokenRefusal.WRONG_ALGORITHM)
        return fitting[0]

    def _named(self, key_id: object) -> list[TokenKey]:
        if key_id is None and len(self.keys) > 1:
            raise refusal(TokenRefusal.MISSING_KEY_ID)
        return [each for each in self.keys if key_id is None or each.id in (None, key_id)]


def keys_in(document: bytes) -> KeySet:
    """Return the keys of a JSON Web Key Set; entries that can't check tokens are passed over.

    Raises:
        ValueError: it is no such set, or none of its keys can be used; it says why.

    """
    keys: list[TokenKey] = []
    complaints: list[str] = []
    entries = entries_in(document)
    for number, entry in enumerate(entries, 1):
        try:
            keys.append(token_key(entry, needs_id=len(entries) > 1))
        except NotForSignatures:
            continue
        except Unusable as why:
            complaints.append(f"Key {number} ({entry.get('kid', 'without kid')!s}) {why}.")
    if not keys:
        raise ValueError(" ".join(["it has no key that can check tokens.", *complaints]))
    check_names(keys)
    return KeySet(keys, PUBLIC_ALGORITHMS, complaints)


def entries_in(document: bytes) -> list[Entry]:
    """Return the entries of a set; ValueError if it is none."""
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError('it is no JSON Web Key Set: {"keys": [...]}')
    if len(entries) > limits.JWKS_KEYS:
        raise ValueError(f"it has more than {limits.JWKS_KEYS} keys")
    return entries


def check_names(keys: Iterable[TokenKey]) -> None:
    """Return if a token can mean one key only; ValueError if two share a name and a use."""
    seen: set[tuple[str | None, str]] = set()
    for each in keys:
        uses = {(each.id, algorithm) for algorithm in each.algorithms}
        if seen & uses:
            raise ValueError(f"two of its keys are called {each.id!r}")
        seen |= uses


def token_key(entry: Entry, *, needs_id: bool) -> TokenKey:
    """Return the key of an entry; Unusable if it checks no tokens.

    Args:
        entry: what the set says.
        needs_id: it is one of several, which only their ids tell apart.

    """
    key_id = entry.get("kid")
    algorithms = algorithms_of(entry)
    if "d" in entry:
        raise Unusable("is a private key, by which its readers can sign tokens: publish the other")
    if not isinstance(key_id, str | None) or (needs_id and key_id is None):
        raise Unusable("has no id (`kid`), so that no token can name it among several")
    return TokenKey(key_id, algorithms, public_key(entry))


def algorithms_of(entry: Entry) -> tuple[str, ...]:
    """Return what a key is for: what its kind is for, unless it says less."""
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or "verify" not in listed(operations):
        raise NotForSignatures
    kind, curve, stated = (entry.get(name) for name in ("kty", "crv", "alg"))
    fitting = ALGORITHMS.get((str(kind), None if kind == "RSA" else str(curve)), ())
    if stated in fitting:
        return fitting if curve == ED25519 else (str(stated),)
    if not fitting or stated is not None:
        kinds = f"kty {kind}, crv {curve}, alg {stated}"
        raise Unusable(f"signs no tokens that are taken here ({kinds})")
    return fitting


def listed(value: object) -> list[object]:
    """Return a list as it is, and nothing for anything else."""
    return value if isinstance(value, list) else []


def public_key(entry: Entry) -> Key:
    """Return the public key of an entry; Unusable if it is none, or too weak."""
    kind = str(entry["kty"])
    members = {name: str(entry.get(name, "")) for name in PUBLIC_MEMBERS[kind]}
    if kind == "RSA":
        check_size(members["n"])
    try:
        return JWKRegistry.import_key({"kty": kind, **members})
    except (JoseError, ValueError, TypeError):
        raise Unusable("is no valid key") from None


def check_size(modulus: str) -> None:
    """Return if an RSA key is neither weak nor a burden; Unusable if it is."""
    try:
        bits = base64_to_int(modulus).bit_length()
    except ValueError:
        raise Unusable("is no valid key") from None
    if not limits.RSA_BITS_MIN <= bits <= limits.RSA_BITS_MAX:
        raise Unusable(
            f"has {bits} bits; an RSA key needs {limits.RSA_BITS_MIN} to {limits.RSA_BITS_MAX}"
        )
