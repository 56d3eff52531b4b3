"""Tokens by a secret. Most are made by hand, because the library refuses to make them."""

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
from api.auth import SENTENCES, SecretTokens, TokenRefusal, TokenRules, bearer_token
from engine.errors import InvalidInput, Misconfigured, Unauthenticated
from engine.limits import GROUP_CHARACTERS, USER_GROUPS, USER_ID_CHARACTERS, USER_NAME_CHARACTERS
from engine.tickets.actor import Actor
from tests.support.signers import NESTED, NOW, RSA_JWK, SECRET, b64, by_secret, jwks, raw
from tests.support.signers import token as signed

GOOD: dict[str, Any] = {"sub": "u_b1", "name": "Anna K.", "exp": NOW + 3600}
HS256 = {"alg": "HS256", "typ": "JWT"}


def sign(
    claims: object,
    header: object = HS256,
    secret: str = SECRET,
    digest: Callable[..., Any] = hashlib.sha256,
) -> str:
    return signed(header, claims, by_secret(secret, digest))


def unsigned(alg: str) -> str:
    return f"{b64(raw({'alg': alg}))}.{b64(raw(GOOD))}."


def with_claims_of_another(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{b64(raw(GOOD | {'admin': True}))}.{signature}"


@pytest.fixture(scope="module")
def tokens() -> SecretTokens:
    return SecretTokens(SecretStr(SECRET), clock=lambda: NOW)


R = TokenRefusal
REFUSED: dict[str, tuple[str, TokenRefusal]] = {
    "nothing": ("", R.MALFORMED),
    "two parts": ("a.b", R.MALFORMED),
    "five parts, as an encrypted token has": ("a.b.c.d.e", R.MALFORMED),
    "no base64": ("!.!.!", R.MALFORMED),
    "letters beyond ASCII": ("é" + sign(GOOD), R.MALFORMED),
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
    "no algorithm, in other letters": (unsigned("nOnE"), R.WRONG_ALGORITHM),
    "no algorithm, signed": (sign(GOOD, {"alg": "none"}), R.WRONG_ALGORITHM),
    "our algorithm, in other letters": (sign(GOOD, {"alg": "hs256"}), R.WRONG_ALGORITHM),
    "an algorithm nobody knows": (sign(GOOD, {"alg": "XS1"}), R.WRONG_ALGORITHM),
    "a stronger algorithm": (
        sign(GOOD, {"alg": "HS512"}, digest=hashlib.sha512),
        R.WRONG_ALGORITHM,
    ),
    "a public-key algorithm": (sign(GOOD, {"alg": "RS256"}), R.WRONG_ALGORITHM),
    "another secret": (sign(GOOD, secret="f" * 32), R.BAD_SIGNATURE),
    "our algorithm, unsigned": (unsigned("HS256"), R.BAD_SIGNATURE),
    "claims of another token": (with_claims_of_another(sign(GOOD)), R.BAD_SIGNATURE),
    "half a signature": (sign(GOOD)[:-20], R.BAD_SIGNATURE),
    "another digest under our name": (sign(GOOD, digest=hashlib.sha512), R.BAD_SIGNATURE),
    "a key that the token brings along": (
        sign(GOOD, HS256 | {"jwk": {"kty": "oct", "k": b64(b"f" * 32)}}, secret="f" * 32),
        R.BAD_SIGNATURE,
    ),
}


@pytest.mark.parametrize(("token", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_token_is_refused(token: str, reason: TokenRefusal, tokens: SecretTokens) -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens.actor_of(token)
    assert refused.value.details == {"reason": reason}
    assert refused.value.message == SENTENCES[reason]


def without(claim: str) -> dict[str, Any]:
    return {name: GOOD[name] for name in GOOD if name != claim}


WRONG_CLAIMS: dict[str, tuple[object, TokenRefusal, str]] = {
    "no subject": (without("sub"), R.MISSING_CLAIM, "sub"),
    "no name": (without("name"), R.MISSING_CLAIM, "name"),
    "no end": (without("exp"), R.MISSING_CLAIM, "exp"),
    "an empty subject": (GOOD | {"sub": ""}, R.INVALID_CLAIM, "sub"),
    "a subject that is a number": (GOOD | {"sub": 7}, R.INVALID_CLAIM, "sub"),
    "a subject of null": (GOOD | {"sub": None}, R.INVALID_CLAIM, "sub"),
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
    "an end that is a text": (GOOD | {"exp": str(NOW + 60)}, R.INVALID_CLAIM, "exp"),
    "an end that is a boolean": (GOOD | {"exp": True}, R.INVALID_CLAIM, "exp"),
    "an end of null": (GOOD | {"exp": None}, R.INVALID_CLAIM, "exp"),
    "an end that is no number": (GOOD | {"exp": float("nan")}, R.INVALID_CLAIM, "exp"),
    "an end without end": (GOOD | {"exp": float("inf")}, R.INVALID_CLAIM, "exp"),
    "a begin that is a text": (GOOD | {"nbf": "now"}, R.INVALID_CLAIM, "nbf"),
    "an issue time that is a list": (GOOD | {"iat": [NOW]}, R.INVALID_CLAIM, "iat"),
    "groups that are a text": (GOOD | {"groups": "admins"}, R.INVALID_CLAIM, "groups"),
    "groups that are numbers": (GOOD | {"groups": [1]}, R.INVALID_CLAIM, "groups"),
    "groups of null": (GOOD | {"groups": None}, R.INVALID_CLAIM, "groups"),
    "an empty group": (GOOD | {"groups": [""]}, R.INVALID_CLAIM, "groups"),
    "a group too long": (
        GOOD | {"groups": ["g" * (GROUP_CHARACTERS + 1)]},
        R.INVALID_CLAIM,
        "groups",
    ),
    "too many groups": (GOOD | {"groups": ["g"] * (USER_GROUPS + 1)}, R.INVALID_CLAIM, "groups"),
    "an admin by text": (GOOD | {"admin": "true"}, R.INVALID_CLAIM, "admin"),
    "an admin by number": (GOOD | {"admin": 1}, R.INVALID_CLAIM, "admin"),
    "an audience, and none is ours": (GOOD | {"aud": "billing"}, R.WRONG_AUDIENCE, "aud"),
}


@pytest.mark.parametrize(("claims", "reason", "claim"), WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_claim_is_refused(
    claims: object, reason: TokenRefusal, claim: str, tokens: SecretTokens
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens.actor_of(sign(claims))
    assert refused.value.details == {"reason": reason, "claim": claim}


LEEWAY = limits.CLOCK_LEEWAY_SECONDS
EDGES: dict[str, tuple[Callable[[int], dict[str, float]], TokenRefusal | None]] = {
    "ended just within the leeway": (lambda leeway: {"exp": NOW - leeway + 1}, None),
    "ended a leeway ago": (lambda leeway: {"exp": NOW - leeway}, R.EXPIRED),
    "ended half a second beyond": (lambda leeway: {"exp": NOW - leeway - 0.5}, R.EXPIRED),
    "ended before 1970": (lambda _: {"exp": -1}, R.EXPIRED),
    "begins at the end of the leeway": (lambda leeway: {"nbf": NOW + leeway}, None),
    "begins after the leeway": (lambda leeway: {"nbf": NOW + leeway + 1}, R.NOT_YET_VALID),
    "was issued at the end of the leeway": (lambda leeway: {"iat": NOW + leeway}, None),
    "was issued after it": (lambda leeway: {"iat": NOW + leeway + 0.5}, R.NOT_YET_VALID),
    "ends beyond every float": (lambda _: {"exp": 10**400}, None),
}


@pytest.mark.parametrize("leeway", [0, LEEWAY, limits.CLOCK_LEEWAY_SECONDS_MAX])
@pytest.mark.parametrize(("times", "reason"), EDGES.values(), ids=EDGES)
def test_times_are_judged_with_a_leeway(
    times: Callable[[int], dict[str, float]], reason: TokenRefusal | None, leeway: int
) -> None:
    rules = TokenRules(leeway_seconds=leeway)
    tokens = SecretTokens(SecretStr(SECRET), rules, clock=lambda: NOW)
    token = sign(GOOD | times(leeway))
    if reason is None:
        assert tokens.actor_of(token).id == "u_b1"
        return
    with pytest.raises(Unauthenticated) as refused:
        tokens.actor_of(token)
    assert refused.value.details["reason"] is reason


def test_a_token_states_an_actor(tokens: SecretTokens) -> None:
    header = {"alg": "HS256", "kid": "2026", "cty": "x", "vendor": [1]}
    claims = GOOD | {"groups": ["payment-team", "payment-team"], "admin": True, "iss": "anyone"}
    expected = Actor("u_b1", "Anna K.", frozenset({"payment-team"}), is_admin=True)
    assert tokens.actor_of(sign(claims, header)) == expected
    assert tokens.actor_of(sign(GOOD)) == Actor("u_b1", "Anna K.")


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    now = [NOW]
    tokens = SecretTokens(SecretStr(SECRET), clock=lambda: now[0])
    token = tokens.mint(Actor("u_b1", "Anna K."), timedelta(hours=1))
    assert tokens.actor_of(token) == tokens.actor_of(token)
    now[0] += 3600 + LEEWAY
    with pytest.raises(Unauthenticated) as refused:
        tokens.actor_of(token)
    assert refused.value.details["reason"] is R.EXPIRED


def shown(characters: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=characters)


ACTORS = st.builds(
    Actor,
    id=shown(USER_ID_CHARACTERS).filter(lambda user: user != "system"),
    name=shown(USER_NAME_CHARACTERS),
    groups=st.frozensets(shown(10), max_size=10),
    is_admin=st.booleans(),
)


@given(ACTORS)
def test_a_minted_token_reads_as_it_was_minted(tokens: SecretTokens, actor: Actor) -> None:
    assert tokens.actor_of(tokens.mint(actor, timedelta(hours=1))) == actor


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(
    tokens: SecretTokens, data: st.DataObject
) -> None:
    token = sign(GOOD)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    with pytest.raises(Unauthenticated):
        tokens.actor_of(token[:place] + other + token[place + 1 :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
CLAIMS = st.dictionaries(
    st.sampled_from(["sub", "name", "exp", "nbf", "iat", "groups", "admin", "aud"]), JSON
)


@given(CLAIMS, JSON)
def test_whatever_is_signed_is_read_or_refused(
    tokens: SecretTokens, claims: dict[str, Any], header: object
) -> None:
    for token in (sign(GOOD | claims), sign(claims), sign(GOOD, header)):
        with suppress(Unauthenticated):
            assert isinstance(tokens.actor_of(token), Actor)


NO_ONE = {
    "the system": Actor("system", "The system"),
    "nobody": Actor("", "Nobody"),
    "a name too long": Actor("u", "n" * (USER_NAME_CHARACTERS + 1)),
    "a member of too much": Actor("u", "U", frozenset(f"group-{n:0100}" for n in range(200))),
}


@pytest.mark.parametrize("actor", NO_ONE.values(), ids=NO_ONE)
def test_no_token_is_minted_that_would_be_refused(actor: Actor, tokens: SecretTokens) -> None:
    with pytest.raises(InvalidInput):
        tokens.mint(actor, timedelta(hours=1))


def test_a_public_key_is_no_secret() -> None:
    key = generate_private_key(SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (pem, f" {pem}", json.dumps(RSA_JWK), jwks(RSA_JWK).decode()):
        with pytest.raises(Misconfigured, match="INTERLOCK_JWT_SECRET is a public key"):
            SecretTokens(SecretStr(text))


HEADERS: dict[str, tuple[list[str], TokenRefusal]] = {
    "none": ([], R.MISSING),
    "an empty one": ([""], R.MALFORMED),
    "two": (["Bearer a", "Bearer b"], R.MALFORMED),
    "another scheme": (["Basic YTpi"], R.MALFORMED),
    "a scheme alone": (["Bearer"], R.MALFORMED),
    "a token alone": (["a.b.c"], R.MALFORMED),
}


@pytest.mark.parametrize(("headers", "reason"), HEADERS.values(), ids=HEADERS)
def test_an_authorization_is_refused(headers: list[str], reason: TokenRefusal) -> None:
    with pytest.raises(Unauthenticated) as refused:
        bearer_token(headers)
    assert refused.value.details == {"reason": reason}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_letters(scheme: str) -> None:
    assert bearer_token([f"{scheme} a.b.c"]) == "a.b.c"
