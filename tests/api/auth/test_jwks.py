"""Which keys of a key set are used, for which algorithms, and which are ignored."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from api import limits
from api.auth.jwks import parse_jwks
from tests.support.signers import EC_JWK, ED25519_JWK, RSA_JWK, RSA_KEYS, b64, jwks

SMALL_KEY = rsa.generate_private_key(65_537, 1_024).public_key()  # noqa: S505  # it is refused
SMALL_RSA_JWK = RSA_JWK | {"n": b64(SMALL_KEY.public_numbers().n.to_bytes(128, "big"))}
OTHER_CURVE_JWK = ECKey.import_key(ec.generate_private_key(ec.SECP521R1()).public_key()).as_dict()
PRIVATE_JWK = RSAKey.import_key(RSA_KEYS[0]).as_dict(private=True)
X25519_JWK = OKPKey.generate_key("X25519", private=False).as_dict()
SECRET_JWK = OctKey.generate_key().as_dict()

USABLE: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an RSA key": (RSA_JWK, ("RS256", "PS256")),
    "an RSA key for one algorithm": (RSA_JWK | {"alg": "PS256"}, ("PS256",)),
    "a P-256 key": (EC_JWK, ("ES256",)),
    "an Ed25519 key": (ED25519_JWK, ("Ed25519", "EdDSA")),
    "an Ed25519 key by its deprecated name": (ED25519_JWK | {"alg": "EdDSA"}, ("Ed25519", "EdDSA")),
    "a key with its certificate": (RSA_JWK | {"x5c": ["MIIB"], "x5t": "abc"}, ("RS256", "PS256")),
    "a key with unknown members": (EC_JWK | {"issuer": [1]}, ("ES256",)),
}


@pytest.mark.parametrize(("jwk", "algorithms"), USABLE.values(), ids=USABLE)
def test_a_key_has_the_algorithms_of_its_type(
    jwk: dict[str, Any], algorithms: tuple[str, ...]
) -> None:
    [key] = parse_jwks(jwks(jwk)).keys
    assert key.algorithms == algorithms


def without(jwk: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != member}


IGNORED: dict[str, tuple[Any, str]] = {
    "an RSA key of 1,024 bits": (SMALL_RSA_JWK | {"kid": "x"}, "has 1024 bits"),
    "a private key": (PRIVATE_JWK | {"kid": "x"}, "is a private key"),
    "a secret": (SECRET_JWK | {"kid": "x"}, "(kty oct, crv None, alg None)"),
    "another curve": (OTHER_CURVE_JWK | {"kid": "x"}, "crv P-521"),
    "a key for key agreement": (X25519_JWK | {"kid": "x"}, "crv X25519"),
    "a key without a type": ({"kid": "x"}, "kty None"),
    "a type that is a list": ({"kid": "x", "kty": ["RSA"]}, "unsupported type or algorithm"),
    "an algorithm of another type": (RSA_JWK | {"kid": "x", "alg": "ES256"}, "alg ES256"),
    "an algorithm for secrets": (RSA_JWK | {"kid": "x", "alg": "HS256"}, "alg HS256"),
    "an algorithm that is a list": (
        RSA_JWK | {"kid": "x", "alg": ["RS256"]},
        "unsupported type or algorithm",
    ),
    "an RSA key without a modulus": (without(RSA_JWK, "n") | {"kid": "x"}, "is invalid"),
    "a modulus that is a number": (RSA_JWK | {"kid": "x", "n": 7}, "is invalid"),
    "a point off the curve": (EC_JWK | {"kid": "x", "y": EC_JWK["x"]}, "is invalid"),
    "half a key": (ED25519_JWK | {"kid": "x", "x": "AAAA"}, "is invalid"),
    "a key without id among several": (without(RSA_JWK, "kid"), "has no id"),
    "an id that is a number": (RSA_JWK | {"kid": 7}, "has no id"),
}


@pytest.mark.parametrize(("jwk", "reason"), IGNORED.values(), ids=IGNORED)
def test_a_key_that_cannot_verify_tokens_is_ignored(jwk: object, reason: str) -> None:
    found = parse_jwks(jwks(EC_JWK, jwk))
    assert [key.id for key in found.keys] == ["ec-1"]
    [message] = found.ignored
    assert message.startswith("Key 2 (")
    assert reason in message


@pytest.mark.parametrize("jwk", [RSA_JWK | {"use": "enc"}, RSA_JWK | {"key_ops": ["encrypt"]}])
def test_a_key_for_another_use_is_ignored_without_a_message(
    jwk: dict[str, Any],
) -> None:
    found = parse_jwks(jwks(EC_JWK, jwk))
    assert ([key.id for key in found.keys], found.ignored) == (["ec-1"], ())


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not a JSON Web Key Set"),
    "no JSON": (b"{", "not a JSON Web Key Set"),
    "no UTF-8": (b"\xff\xfe\xff", "not a JSON Web Key Set"),
    "a list": (b"[]", "not a JSON Web Key Set"),
    "one key": (json.dumps(RSA_JWK).encode(), "not a JSON Web Key Set"),
    "keys that are a mapping": (b'{"keys": {}}', "not a JSON Web Key Set"),
    "a key that is a text": (b'{"keys": ["x"]}', "not a JSON Web Key Set"),
    "too deeply nested": (b'{"keys":' + b"[" * 10_000, "not a JSON Web Key Set"),
    "no keys": (jwks(), "no usable key"),
    "unsupported keys only": (jwks(SECRET_JWK), "no usable key"),
    "a weak key only": (jwks(SMALL_RSA_JWK), "has 1024 bits"),
    "too many keys": (jwks(*[RSA_JWK] * (limits.JWKS_KEYS + 1)), "more than 100 keys"),
    "two keys of one id": (jwks(RSA_JWK, RSA_JWK), "two keys have the id 'rsa-1'"),
}


@pytest.mark.parametrize(("document", "message"), REFUSED.values(), ids=REFUSED)
def test_a_set_without_usable_keys_is_refused(document: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_jwks(document)


def test_keys_of_one_id_are_distinguished_by_their_algorithms() -> None:
    found = parse_jwks(jwks(RSA_JWK, EC_JWK | {"kid": "rsa-1"}))
    for alg in ("RS256", "ES256"):
        assert (
            found.select_key({"alg": alg, "kid": "rsa-1"}).key_type
            == {"R": "RSA", "E": "EC"}[alg[0]]
        )


def test_the_only_key_needs_no_id() -> None:
    for jwk in (RSA_JWK, without(RSA_JWK, "kid")):
        assert parse_jwks(jwks(jwk)).select_key({"alg": "RS256"}).key_type == "RSA"
    without_id = parse_jwks(jwks(without(RSA_JWK, "kid")))
    assert without_id.select_key({"alg": "RS256", "kid": "whatever"}).key_type == "RSA"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["kty", "crv", "alg", "use", "key_ops", "kid", "n", "e", "x", "y", "d"])
ENTRIES = st.builds(
    lambda jwk, changed: jwk | changed,
    st.sampled_from([RSA_JWK, EC_JWK, ED25519_JWK, {}]),
    st.dictionaries(MEMBERS, JSON | st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig", "RS256"])),
)


@given(st.lists(ENTRIES, max_size=3))
def test_any_entry_of_a_set_is_used_or_ignored(entries: list[dict[str, Any]]) -> None:
    try:
        found = parse_jwks(jwks(*entries))
    except ValueError:
        return
    assert 1 <= len(found.keys) <= len(entries)
