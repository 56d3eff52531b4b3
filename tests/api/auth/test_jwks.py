"""Key sets: which keys are used, for what, and which are passed over."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from api import limits
from api.auth.jwks import keys_in
from tests.support.signers import CURVE_JWK, EDWARDS_JWK, RSA_JWK, RSA_KEYS, b64, jwks

SMALL_KEY = rsa.generate_private_key(65_537, 1_024).public_key()  # noqa: S505  # it is refused
SMALL_RSA_JWK = RSA_JWK | {"n": b64(SMALL_KEY.public_numbers().n.to_bytes(128, "big"))}
OTHER_CURVE_JWK = ECKey.import_key(ec.generate_private_key(ec.SECP521R1()).public_key()).as_dict()
PRIVATE_JWK = RSAKey.import_key(RSA_KEYS[0]).as_dict(private=True)
X25519_JWK = OKPKey.generate_key("X25519", private=False).as_dict()
SECRET_JWK = OctKey.generate_key().as_dict()

USABLE: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an RSA key": (RSA_JWK, ("RS256", "PS256")),
    "an RSA key for one algorithm": (RSA_JWK | {"alg": "PS256"}, ("PS256",)),
    "a P-256 key": (CURVE_JWK, ("ES256",)),
    "an Ed25519 key": (EDWARDS_JWK, ("Ed25519", "EdDSA")),
    "an Ed25519 key by its old name": (EDWARDS_JWK | {"alg": "EdDSA"}, ("Ed25519", "EdDSA")),
    "a key with its certificate": (RSA_JWK | {"x5c": ["MIIB"], "x5t": "abc"}, ("RS256", "PS256")),
    "a key with members nobody knows": (CURVE_JWK | {"issuer": [1]}, ("ES256",)),
}


@pytest.mark.parametrize(("jwk", "algorithms"), USABLE.values(), ids=USABLE)
def test_a_key_is_for_the_algorithms_of_its_kind(
    jwk: dict[str, Any], algorithms: tuple[str, ...]
) -> None:
    [key] = keys_in(jwks(jwk)).keys
    assert key.algorithms == algorithms


def without(jwk: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != member}


PASSED_OVER: dict[str, tuple[Any, str]] = {
    "an RSA key of 1,024 bits": (SMALL_RSA_JWK | {"kid": "x"}, "has 1024 bits"),
    "a private key": (PRIVATE_JWK | {"kid": "x"}, "is a private key"),
    "a secret": (SECRET_JWK | {"kid": "x"}, "(kty oct, crv None, alg None)"),
    "another curve": (OTHER_CURVE_JWK | {"kid": "x"}, "crv P-521"),
    "a key to agree on keys": (X25519_JWK | {"kid": "x"}, "crv X25519"),
    "a key of no kind": ({"kid": "x"}, "kty None"),
    "a kind that is a list": ({"kid": "x", "kty": ["RSA"]}, "signs no tokens"),
    "an algorithm for another kind": (RSA_JWK | {"kid": "x", "alg": "ES256"}, "alg ES256"),
    "an algorithm for secrets": (RSA_JWK | {"kid": "x", "alg": "HS256"}, "alg HS256"),
    "an algorithm that is a list": (RSA_JWK | {"kid": "x", "alg": ["RS256"]}, "signs no tokens"),
    "a key without its number": (without(RSA_JWK, "n") | {"kid": "x"}, "is no valid key"),
    "a number that is a number": (RSA_JWK | {"kid": "x", "n": 7}, "is no valid key"),
    "a point off the curve": (CURVE_JWK | {"kid": "x", "y": CURVE_JWK["x"]}, "is no valid key"),
    "half a key": (EDWARDS_JWK | {"kid": "x", "x": "AAAA"}, "is no valid key"),
    "a key without id among several": (without(RSA_JWK, "kid"), "has no id"),
    "an id that is a number": (RSA_JWK | {"kid": 7}, "has no id"),
}


@pytest.mark.parametrize(("jwk", "complaint"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_a_key_that_can_check_no_tokens_is_passed_over(jwk: object, complaint: str) -> None:
    found = keys_in(jwks(CURVE_JWK, jwk))
    assert [key.id for key in found.keys] == ["ec-1"]
    [told] = found.complaints
    assert told.startswith("Key 2 (")
    assert complaint in told


@pytest.mark.parametrize("jwk", [RSA_JWK | {"use": "enc"}, RSA_JWK | {"key_ops": ["encrypt"]}])
def test_a_key_that_says_it_is_for_something_else_is_no_cause_for_complaint(
    jwk: dict[str, Any],
) -> None:
    found = keys_in(jwks(CURVE_JWK, jwk))
    assert ([key.id for key in found.keys], found.complaints) == (["ec-1"], ())


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no JSON Web Key Set"),
    "no JSON": (b"{", "no JSON Web Key Set"),
    "no UTF-8": (b"\xff\xfe\xff", "no JSON Web Key Set"),
    "a list": (b"[]", "no JSON Web Key Set"),
    "one key": (json.dumps(RSA_JWK).encode(), "no JSON Web Key Set"),
    "keys that are a mapping": (b'{"keys": {}}', "no JSON Web Key Set"),
    "a key that is a text": (b'{"keys": ["x"]}', "no JSON Web Key Set"),
    "nested without end": (b'{"keys":' + b"[" * 10_000, "no JSON Web Key Set"),
    "no keys": (jwks(), "no key that can check tokens"),
    "keys of others only": (jwks(SECRET_JWK), "no key that can check tokens"),
    "a weak key only": (jwks(SMALL_RSA_JWK), "has 1024 bits"),
    "too many keys": (jwks(*[RSA_JWK] * (limits.JWKS_KEYS + 1)), "more than 100 keys"),
    "two keys of one name": (jwks(RSA_JWK, RSA_JWK), "two of its keys are called 'rsa-1'"),
}


@pytest.mark.parametrize(("document", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_set_without_usable_keys_is_refused(document: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        keys_in(document)


def test_keys_of_one_name_are_told_apart_by_what_they_are_for() -> None:
    found = keys_in(jwks(RSA_JWK, CURVE_JWK | {"kid": "rsa-1"}))
    for alg in ("RS256", "ES256"):
        assert (
            found.key_for({"alg": alg, "kid": "rsa-1"}).key_type == {"R": "RSA", "E": "EC"}[alg[0]]
        )


def test_the_only_key_needs_no_name() -> None:
    for jwk in (RSA_JWK, without(RSA_JWK, "kid")):
        assert keys_in(jwks(jwk)).key_for({"alg": "RS256"}).key_type == "RSA"
    nameless = keys_in(jwks(without(RSA_JWK, "kid")))
    assert nameless.key_for({"alg": "RS256", "kid": "whatever"}).key_type == "RSA"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
MEMBERS = st.sampled_from(["kty", "crv", "alg", "use", "key_ops", "kid", "n", "e", "x", "y", "d"])
ENTRIES = st.builds(
    lambda jwk, changed: jwk | changed,
    st.sampled_from([RSA_JWK, CURVE_JWK, EDWARDS_JWK, {}]),
    st.dictionaries(MEMBERS, JSON | st.sampled_from(["RSA", "EC", "OKP", "P-256", "sig", "RS256"])),
)


@given(st.lists(ENTRIES, max_size=3))
def test_whatever_is_in_a_set_is_used_or_passed_over(entries: list[dict[str, Any]]) -> None:
    try:
        found = keys_in(jwks(*entries))
    except ValueError:
        return
    assert 1 <= len(found.keys) <= len(entries)
