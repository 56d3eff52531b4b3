"""Tokens that are signed with a secret (HS256)."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api import limits
from api.auth.errors import MESSAGES, TokenErrorReason, bearer_token
from api.auth.tokens import TokenIssuer, TokenRules
from engine.errors import InvalidInput, Misconfigured, Unauthenticated
from engine.limits import GROUP_CHARACTERS, USER_ID_CHARACTERS, USER_NAME_CHARACTERS
from engine.tickets.actor import Actor
from tests.support.signers import NESTED, NOW, RSA_JWK, SECRET, b64, jwks, sign_hmac, to_bytes
from tests.support.signers import token as build_token

GOOD: dict[str, Any] = {"sub": "u_b1", "name": "Anna K.", "exp": NOW + 3600}
HS256 = {"alg": "HS256", "typ": "JWT"}


def sign(
    claims: object,
    header: object = HS256,
    secret: str = SECRET,
    digest: Callable[..., Any] = hashlib.sha256,
) -> str:
    return build_token(header, claims, sign_hmac(secret, digest))


def unsigned(alg: str) -> str:
    return f"{b64(to_bytes({'alg': alg}))}.{b64(to_bytes(GOOD))}."


def with_changed_claims(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{b64(to_bytes(GOOD | {'admin': True}))}.{signature}"


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    return TokenIssuer(SecretStr(SECRET), clock=lambda: NOW)


R = TokenErrorReason
REFUSED: dict[str, tuple[str, TokenErrorReason]] = {
    "nothing": ("", R.MALFORMED),
    "two parts": ("a.b", R.MALFORMED),
    "five parts, as an encrypted token has": ("a.b.c.d.e", R.MALFORMED),
    "no base64": ("!.!.!", R.MALFORMED),
    "characters other than ASCII": ("é" + sign(GOOD), R.MALFORMED),
    "half a surrogate pair": ("\udcff" + sign(GOOD), R.MALFORMED),
    "padded base64": (sign(GOOD).replace(".", "=.", 1), R.MALFORMED),
    "a header that is not JSON": (sign(GOOD, b"{"), R.MALFORMED),
    "a header that is not UTF-8": (sign(GOOD, b"\xff\xff"), R.MALFORMED),
    "a header that is a number": (sign(GOOD, 1), R.MALFORMED),
    "a header that is a list": (sign(GOOD, ["alg"]), R.MALFORMED),
    "a header that is a text": (sign(GOOD, "alg"), R.MALFORMED),
    "a header without algorithm": (sign(GOOD, {"typ": "JWT"}), R.MALFORMED),
    "an algorithm that is a list": (sign(GOOD, {"alg": ["HS256"]}), R.MALFORMED),
    "an algorithm that is null": (sign(GOOD, {"alg": None}), R.MALFORMED),
    "a key id that is a number": (sign(GOOD, HS256 | {"kid": 1}), R.MALFORMED),
    "a critical extension": (sign(GOOD, HS256 | {"crit": ["exp"], "exp": 1}), R.MALFORMED),
    "a critical header that is none": (sign(GOOD, HS256 | {"crit": ["alg"]}), R.MALFORMED),
    "a critical extension of no text": (sign(GOOD, HS256 | {"crit": [[]]}), R.MALFORMED),
    "critical extensions that are a number": (sign(GOOD, HS256 | {"crit": 1}), R.MALFORMED),
    "an unencoded payload": (sign(GOOD, HS256 | {"b64": False, "crit": ["b64"]}), R.MALFORMED),
    "claims that are not JSON": (sign(b"{"), R.MALFORMED),
    "claims that are not UTF-8": (sign(b"\xff\xff"), R.MALFORMED),
    "claims that are a list": (sign([GOOD]), R.MALFORMED),
    "claims nested without end": (sign(NESTED), R.MALFORMED),
    "a number of 4,400 digits": (sign(b'{"exp":' + b"9" * 4_400 + b"}"), R.MALFORMED),
    "a token too long": (sign(GOOD | {"x": "x" * limits.TOKEN_CHARACTERS}), R.TOO_LARGE),
    "a header too long": (sign(GOOD, HS256 | {"kid": "k" * 512}), R.TOO_LARGE),
    "no algorithm, unsigned": (unsigned("none"), R.WRONG_ALGORITHM),
    "no algorithm, in mixed case": (unsigned("nOnE"), R.WRONG_ALGORITHM),
    "no algorithm, signed": (sign(GOOD, {"alg": "none"}), R.WRONG_ALGORITHM),
    "the right algorithm, in mixed case": (sign(GOOD, {"alg": "hs256"}), R.WRONG_ALGORITHM),
    "an unknown algorithm": (sign(GOOD, {"alg": "XS1"}), R.WRONG_ALGORITHM),
    "a stronger algorithm": (
        sign(GOOD, {"alg": "HS512"}, digest=hashlib.sha512),
        R.WRONG_ALGORITHM,
    ),
    "a public-key algorithm": (sign(GOOD, {"alg": "RS256"}), R.WRONG_ALGORITHM),
    "another secret": (sign(GOOD, secret="f" * 32), R.BAD_SIGNATURE),
    "the right algorithm, unsigned": (unsigned("HS256"), R.BAD_SIGNATURE),
    "claims of another token": (with_changed_claims(sign(GOOD)), R.BAD_SIGNATURE),
    "half a signature": (sign(GOOD)[:-20], R.BAD_SIGNATURE),
    "another digest under the right name": (sign(GOOD, digest=hashlib.sha512), R.BAD_SIGNATURE),
    "a key inside the token": (
        sign(GOOD, HS256 | {"jwk": {"kty": "oct", "k": b64(b"f" * 32)}}, secret="f" * 32),
        R.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize(("token", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_token_is_refused(token: str, reason: TokenErrorReason, issuer: TokenIssuer) -> None:
    with pytest.raises(Unauthenticated) as refused:
        issuer.verify(token)
    assert refused.value.details == {"reason": reason}
    assert refused.value.message == MESSAGES[reason]


def without(claim: str) -> dict[str, Any]:
    return {name: GOOD[name] for name in GOOD if name != claim}


WRONG_CLAIMS: dict[str, tuple[object, TokenErrorReason, str]] = {
    "no subject": (without("sub"), R.MISSING_CLAIM, "sub"),
    "no name": (without("name"), R.MISSING_CLAIM, "name"),
    "no expiry": (without("exp"), R.MISSING_CLAIM, "exp"),
    "an empty subject": (GOOD | {"sub": ""}, R.INVALID_CLAIM, "sub"),
    "a subject that is a number": (GOOD | {"sub": 7}, R.INVALID_CLAIM, "sub"),
    "a subject of null": (GOOD | {"sub": None}, R.MISSING_CLAIM, "sub"),
    "the system": (GOOD | {"sub": "system"}, R.INVALID_CLAIM, "sub"),
    "a subject with NUL": (GOOD | {"sub": "u\0"}, R.INVALID_CLAIM, "sub"),
    "a subject with a line end": (GOOD | {"sub": "u\n"}, R.INVALID_CLAIM, "sub"),
    "half a surrogate pair": (GOOD | {"sub": "\ud800"}, R.INVALID_CLAIM, "sub"),
    "a subject too long": (GOOD | {"sub": "u" * (USER_ID_CHARACTERS + 1)}, R.INVALID_CLAIM, "sub"),
    "an empty name": (GOOD | {"name": ""}, R.INVALID_CLAIM, "name"),
    "a name too long": (
        GOOD | {"name": "n" * (USER_NAME_CHARACTERS + 1)},
        R.INVALID_CLAIM,
        "name",
    ),
    "an expiry that is a text": (GOOD | {"exp": str(NOW + 60)}, R.INVALID_CLAIM, "exp"),
    "an expiry that is a boolean": (GOOD | {"exp": True}, R.INVALID_CLAIM, "exp"),
    "an expiry of null": (GOOD | {"exp": None}, R.MISSING_CLAIM, "exp"),
    "an expiry that is NaN": (GOOD | {"exp": float("nan")}, R.INVALID_CLAIM, "exp"),
    "an infinite expiry": (GOOD | {"exp": float("inf")}, R.INVALID_CLAIM, "exp"),
    "a not-before time that is a text": (GOOD | {"nbf": "now"}, R.INVALID_CLAIM, "nbf"),
    "an issue time that is a list": (GOOD | {"iat": [NOW]}, R.INVALID_CLAIM, "iat"),
    "groups that are a number": (GOOD | {"groups": 7}, R.INVALID_CLAIM, "groups"),
    "an empty text of a group": (GOOD | {"groups": ""}, R.INVALID_CLAIM, "groups"),
    "groups that are numbers": (GOOD | {"groups": [1]}, R.INVALID_CLAIM, "groups"),
    "an empty group": (GOOD | {"groups": [""]}, R.INVALID_CLAIM, "groups"),
    "a group too long": (
        GOOD | {"groups": ["g" * (GROUP_CHARACTERS + 1)]},
        R.INVALID_CLAIM,
        "groups",
    ),
    "an admin by text": (GOOD | {"admin": "true"}, R.INVALID_CLAIM, "admin"),
    "an admin by number": (GOOD | {"admin": 1}, R.INVALID_CLAIM, "admin"),
    "an audience where none is configured": (GOOD | {"aud": "billing"}, R.WRONG_AUDIENCE, "aud"),
}


@pytest.mark.parametrize(("claims", "reason", "claim"), WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_claim_is_refused(
    claims: object, reason: TokenErrorReason, claim: str, issuer: TokenIssuer
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        issuer.verify(sign(claims))
    assert refused.value.details == {"reason": reason, "claim": claim}


LEEWAY = limits.CLOCK_LEEWAY_SECONDS
TIMES: dict[str, tuple[Callable[[int], dict[str, float]], TokenErrorReason | None]] = {
    "expired just within the leeway": (lambda leeway: {"exp": NOW - leeway + 1}, None),
    "expired a leeway ago": (lambda leeway: {"exp": NOW - leeway}, R.EXPIRED),
    "expired half a second before that": (lambda leeway: {"exp": NOW - leeway - 0.5}, R.EXPIRED),
    "expired before 1970": (lambda _: {"exp": -1}, R.EXPIRED),
    "valid from the end of the leeway": (lambda leeway: {"nbf": NOW + leeway}, None),
    "valid from after the leeway": (lambda leeway: {"nbf": NOW + leeway + 1}, R.NOT_YET_VALID),
    "issued at the end of the leeway": (lambda leeway: {"iat": NOW + leeway}, None),
    "issued after the leeway": (lambda leeway: {"iat": NOW + leeway + 0.5}, R.NOT_YET_VALID),
    "expires after the largest float": (lambda _: {"exp": 10**400}, None),
}


@pytest.mark.parametrize("leeway", [0, LEEWAY, limits.CLOCK_LEEWAY_SECONDS_MAX])
@pytest.mark.parametrize(("times", "reason"), TIMES.values(), ids=TIMES)
def test_times_are_checked_with_a_leeway(
    times: Callable[[int], dict[str, float]], reason: TokenErrorReason | None, leeway: int
) -> None:
    rules = TokenRules(leeway_seconds=leeway)
    issuer = TokenIssuer(SecretStr(SECRET), rules, clock=lambda: NOW)
    token = sign(GOOD | times(leeway))
    if reason is None:
        assert issuer.verify(token).id == "u_b1"
        return
    with pytest.raises(Unauthenticated) as refused:
        issuer.verify(token)
    assert refused.value.details["reason"] is reason


def test_a_token_describes_an_actor(issuer: TokenIssuer) -> None:
    header = {"alg": "HS256", "kid": "2026", "cty": "x", "vendor": [1]}
    claims = GOOD | {"groups": ["payment-team", "payment-team"], "admin": True, "iss": "anyone"}
    expected = Actor("u_b1", "Anna K.", frozenset({"payment-team"}), is_admin=True)
    assert issuer.verify(sign(claims, header)) == expected
    assert issuer.verify(sign(GOOD)) == Actor("u_b1", "Anna K.")


def test_a_verified_token_is_refused_after_it_expires() -> None:
    now = [NOW]
    issuer = TokenIssuer(SecretStr(SECRET), clock=lambda: now[0])
    token = issuer.issue(Actor("u_b1", "Anna K."), timedelta(hours=1))
    assert issuer.verify(token) == issuer.verify(token)
    now[0] += 3600 + LEEWAY
    with pytest.raises(Unauthenticated) as refused:
        issuer.verify(token)
    assert refused.value.details["reason"] is R.EXPIRED


def printable(characters: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=characters)


ACTORS = st.builds(
    Actor,
    id=printable(USER_ID_CHARACTERS).filter(lambda user: user != "system"),
    name=printable(USER_NAME_CHARACTERS),
    groups=st.frozensets(printable(10), max_size=10),
    is_admin=st.booleans(),
)


@given(ACTORS)
def test_an_issued_token_describes_the_same_actor(issuer: TokenIssuer, actor: Actor) -> None:
    assert issuer.verify(issuer.issue(actor, timedelta(hours=1))) == actor


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(
    issuer: TokenIssuer, data: st.DataObject
) -> None:
    token = sign(GOOD)
    index = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[index]))
    with pytest.raises(Unauthenticated):
        issuer.verify(token[:index] + other + token[index + 1 :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["sub", "name", "exp", "nbf", "iat", "groups", "admin", "aud"]), JSON
)


@given(CLAIMS, JSON)
def test_any_signed_token_is_verified_or_refused(
    issuer: TokenIssuer, claims: dict[str, Any], header: object
) -> None:
    for token in (sign(GOOD | claims), sign(claims), sign(GOOD, header)):
        with suppress(Unauthenticated):
            assert isinstance(issuer.verify(token), Actor)


INVALID_ACTORS = {
    "the system": Actor("system", "The system"),
    "an empty id": Actor("", "Anna K."),
    "a name too long": Actor("u", "n" * (USER_NAME_CHARACTERS + 1)),
    "too long a token": Actor("u", "U", frozenset(f"group-{n:0100}" for n in range(200))),
}


@pytest.mark.parametrize("actor", INVALID_ACTORS.values(), ids=INVALID_ACTORS)
def test_no_invalid_token_is_issued(actor: Actor, issuer: TokenIssuer) -> None:
    with pytest.raises(InvalidInput):
        issuer.issue(actor, timedelta(hours=1))


def test_a_public_key_is_refused_as_a_secret() -> None:
    key = generate_private_key(SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, f" {pem}", json.dumps(RSA_JWK), jwks(RSA_JWK).decode()):
        with pytest.raises(Misconfigured, match="INTERLOCK_JWT_SECRET is a public key"):
            TokenIssuer(SecretStr(text))


HEADERS: dict[str, tuple[list[str], TokenErrorReason]] = {
    "none": ([], R.MISSING),
    "an empty one": ([""], R.MALFORMED),
    "two": (["Bearer a", "Bearer b"], R.MALFORMED),
    "another scheme": (["Basic YTpi"], R.MALFORMED),
    "a scheme alone": (["Bearer"], R.MALFORMED),
    "a token alone": (["a.b.c"], R.MALFORMED),
}


@pytest.mark.parametrize(("headers", "reason"), HEADERS.values(), ids=HEADERS)
def test_an_authorization_header_is_refused(headers: list[str], reason: TokenErrorReason) -> None:
    with pytest.raises(Unauthenticated) as refused:
        bearer_token(headers)
    assert refused.value.details == {"reason": reason}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(scheme: str) -> None:
    assert bearer_token([f"{scheme} a.b.c"]) == "a.b.c"
