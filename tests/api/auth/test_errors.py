"""Every token that does not do is refused with 401 and one word why, however it is signed."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives import hashes

from api import limits
from api.auth import SENTENCES, TokenRefusal, TokenRules, Tokens
from api.http.app_keys import ACTOR
from api.http.application import AccessControl, build_application
from tests.support.api_client import Client
from tests.support.signers import (
    CURVE_KEYS,
    GOOD,
    ISSUER,
    NOW,
    RSA_KEYS,
    SIGNERS,
    Signer,
    b64,
    by_curve,
    by_rsa,
    by_secret,
    raw,
    token,
)

RULES = TokenRules(issuer=ISSUER, audiences=frozenset({"interlock", "desk"}))
OTHER_ALGORITHMS = {
    "HS256": ("HS512", "HS384", "RS256", "ES256", "EdDSA"),
    "RS256": ("RS512", "ES256", "HS256", "EdDSA"),
    "PS256": ("PS512", "RS512", "HS256"),
    "ES256": ("ES384", "ES256K", "RS256", "HS256"),
    "ES384": ("ES256", "ES512", "HS256"),
    "EdDSA": ("Ed448", "ES256", "RS256", "HS256"),
    "Ed25519": ("Ed448", "ES256", "HS256"),
}


def without(claim: str) -> dict[str, object]:
    return {name: GOOD[name] for name in GOOD if name != claim}


def unsigned(alg: str) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [token(by.header | {"alg": alg}, GOOD, lambda _: b"")]


def saying(**claims: object) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(GOOD | claims)]


def lacking(claim: str) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(without(claim))]


def under(**header: object) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(GOOD, by.header | header)]


def confused(by: Signer) -> Sequence[str]:
    """Return tokens in which what everybody may know of a key is taken for a secret."""
    header = by.header | {"alg": "HS256"}
    return [token(header, GOOD, by_secret(known)) for known in by.public]


def signed_by_public_keys(_by: Signer) -> Sequence[str]:
    """Return tokens by keys that anybody has, under a name that is one of theirs."""
    own = {"RS256": by_rsa(RSA_KEYS[1]), "ES256": by_curve(CURVE_KEYS[1], hashes.SHA256())}
    return [token({"alg": alg}, GOOD, sign) for alg, sign in own.items()]


def with_other_claims(by: Signer) -> Sequence[str]:
    header, _, signature = by.token().split(".")
    return [f"{header}.{b64(raw(GOOD | {'admin': True}))}.{signature}"]


def cut_off(by: Signer) -> Sequence[str]:
    whole = by.token()
    signed, _, _ = whole.rpartition(".")
    return [f"{signed}.", whole[:-8], f"{whole[:-4]}AAAA"]


def of_another_algorithm(by: Signer) -> Sequence[str]:
    return [by.token(GOOD, by.header | {"alg": alg}) for alg in OTHER_ALGORITHMS[by.algorithm]]


def brought_along(by: Signer) -> Sequence[str]:
    """Return tokens that bring the key that they are to be checked with, or its address."""
    attacker = {"kty": "oct", "k": b64(b"f" * 32)}
    address = "https://attacker.example/jwks"
    headers = ({"jwk": attacker}, {"jku": address}, {"x5u": address}, {"x5c": ["MIIB"]})
    return [by.token(GOOD, by.header | header, by.forge) for header in headers]


R = TokenRefusal
REFUSED: dict[str, tuple[Callable[[Signer], Sequence[str]], TokenRefusal]] = {
    "no algorithm": (unsigned("none"), R.WRONG_ALGORITHM),
    "no algorithm, in other letters": (unsigned("nOnE"), R.WRONG_ALGORITHM),
    "no algorithm, signed": (under(alg="none"), R.WRONG_ALGORITHM),
    "another algorithm than its key is for": (of_another_algorithm, R.WRONG_ALGORITHM),
    "an algorithm nobody knows": (under(alg="XS1"), R.WRONG_ALGORITHM),
    "an algorithm that is a list": (
        lambda by: [by.token(GOOD, by.header | {"alg": [by.algorithm]})],
        R.MALFORMED,
    ),
    "another key": (lambda by: [by.token(sign=by.forge)], R.BAD_SIGNATURE),
    "a key that it brings along": (brought_along, R.BAD_SIGNATURE),
    "claims of another token": (with_other_claims, R.BAD_SIGNATURE),
    "a signature that is cut off": (cut_off, R.BAD_SIGNATURE),
    "a critical extension": (under(crit=["exp"], exp=1), R.MALFORMED),
    "an unencoded payload": (under(b64=False, crit=["b64"]), R.MALFORMED),
    "no token": (lambda _: ["a.b.c", "a.b", "a.b.c.d.e"], R.MALFORMED),
    "a token too long": (
        lambda by: [by.token().ljust(limits.TOKEN_CHARACTERS + 1, "A")],
        R.TOO_LARGE,
    ),
    "a header too long": (under(cty="k" * 512), R.TOO_LARGE),
    "expired": (saying(exp=NOW - 61), R.EXPIRED),
    "not yet valid": (saying(nbf=NOW + 61), R.NOT_YET_VALID),
    "issued tomorrow": (saying(iat=NOW + 86_400), R.NOT_YET_VALID),
    "for another audience": (saying(aud="billing"), R.WRONG_AUDIENCE),
    "for other audiences": (saying(aud=["billing", "Interlock"]), R.WRONG_AUDIENCE),
    "for an audience of nobody": (saying(aud=[]), R.WRONG_AUDIENCE),
    "for an audience that is a number": (saying(aud=7), R.INVALID_CLAIM),
    "for no audience": (lacking("aud"), R.MISSING_CLAIM),
    "by another issuer": (saying(iss="https://id.example/realms/other"), R.WRONG_ISSUER),
    "by an issuer with a slash more": (saying(iss=f"{ISSUER}/"), R.WRONG_ISSUER),
    "by an issuer that is a list": (saying(iss=[ISSUER]), R.WRONG_ISSUER),
    "by no issuer": (lacking("iss"), R.MISSING_CLAIM),
    "of nobody": (lacking("sub"), R.MISSING_CLAIM),
    "of the system": (saying(sub="system"), R.INVALID_CLAIM),
    "without end": (lacking("exp"), R.MISSING_CLAIM),
}
REFUSED_OF_SETS: dict[str, tuple[Callable[[Signer], Sequence[str]], TokenRefusal]] = {
    "a public key for a secret": (confused, R.WRONG_ALGORITHM),
    "an unknown key": (under(kid="rsa-9"), R.UNKNOWN_KEY),
    "an unknown key that it brings along": (
        under(kid="x", jwk={"kty": "oct", "k": "AA"}),
        R.UNKNOWN_KEY,
    ),
    "the key of another algorithm": (
        lambda by: [by.token(GOOD, by.header | {"kid": "rsa-1" if by.kid != "rsa-1" else "ec-1"})],
        R.WRONG_ALGORITHM,
    ),
    "the name of another key": (
        lambda by: [by.token(GOOD, by.header | {"kid": "rsa-2"})],
        R.BAD_SIGNATURE,
    ),
    "no key among several": (
        lambda by: [by.token(GOOD, {"alg": by.algorithm})],
        R.MISSING_KEY_ID,
    ),
}
REFUSED_OF_SECRETS = {
    "a public key": (signed_by_public_keys, R.WRONG_ALGORITHM),
}
ROWS = [
    pytest.param(by, *row, id=f"{by}: {name}")
    for by in SIGNERS
    for table in (REFUSED, REFUSED_OF_SETS if by.jwk else REFUSED_OF_SECRETS)
    for name, row in table.items()
    # The other key of the set is an RSA key.
    if by.kid == "rsa-1" or name != "the name of another key"
]


async def answer(request: web.Request) -> web.Response:
    return web.Response(text=request[ACTOR].id)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients() -> AsyncIterator[dict[str, Client]]:
    """Return a client for each way to sign."""
    opened = {}
    for by in SIGNERS:
        tokens = Tokens(by.keys, RULES, clock=lambda: NOW)
        application = build_application([web.get("/", answer)], AccessControl(tokens))
        opened[str(by)] = TestClient(TestServer(application))
        await opened[str(by)].start_server()
    yield opened
    for client in opened.values():
        await client.close()


@pytest.mark.parametrize("by", SIGNERS, ids=str)
async def test_a_good_token_lets_its_bearer_in(by: Signer, clients: dict[str, Client]) -> None:
    for claims in (GOOD, GOOD | {"aud": ["billing", "desk"]}):
        async with clients[str(by)].get("/", headers=bearer(by.token(claims))) as response:
            assert (response.status, await response.text()) == (200, "u_b1")


@pytest.mark.parametrize(("by", "tokens", "reason"), ROWS)
async def test_a_token_is_refused(
    by: Signer,
    tokens: Callable[[Signer], Sequence[str]],
    reason: TokenRefusal,
    clients: dict[str, Client],
) -> None:
    for each in tokens(by):
        async with clients[str(by)].get("/", headers=bearer(each)) as response:
            problem = await response.json(content_type=None)
            assert (response.status, problem["reason"]) == (401, reason)
            assert problem["detail"] == SENTENCES[reason]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_every_word_is_in_the_table() -> None:
    tables = (REFUSED, REFUSED_OF_SETS, REFUSED_OF_SECRETS)
    assert {reason for table in tables for _, reason in table.values()} == {*R} - {R.MISSING}
