"""Every invalid token is refused with 401 and a reason, whatever its algorithm is."""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives import hashes

from api import limits
from api.auth.errors import MESSAGES, TokenErrorReason
from api.auth.tokens import TokenRules, TokenVerifier
from api.http.app_keys import ACTOR
from api.http.application import AccessControl, build_application
from tests.support.api_client import Client
from tests.support.signers import (
    EC_KEYS,
    GOOD,
    ISSUER,
    NOW,
    RSA_KEYS,
    SIGNERS,
    Signer,
    authorization,
    b64,
    sign_ecdsa,
    sign_hmac,
    sign_rsa,
    to_bytes,
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


def with_claims(**claims: object) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(GOOD | claims)]


def without_claim(claim: str) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(without(claim))]


def with_header(**header: object) -> Callable[[Signer], Sequence[str]]:
    return lambda by: [by.token(GOOD, by.header | header)]


def signed_with_public_forms(by: Signer) -> Sequence[str]:
    """Return tokens that use forms of the public key as an HS256 secret."""
    header = by.header | {"alg": "HS256"}
    return [token(header, GOOD, sign_hmac(public)) for public in by.public]


def signed_by_public_keys(_by: Signer) -> Sequence[str]:
    """Return tokens that are signed with private keys of an attacker."""
    signers = {"RS256": sign_rsa(RSA_KEYS[1]), "ES256": sign_ecdsa(EC_KEYS[1], hashes.SHA256())}
    return [token({"alg": alg}, GOOD, sign) for alg, sign in signers.items()]


def with_changed_claims(by: Signer) -> Sequence[str]:
    header, _, signature = by.token().split(".")
    return [f"{header}.{b64(to_bytes(GOOD | {'admin': True}))}.{signature}"]


def with_cut_signature(by: Signer) -> Sequence[str]:
    complete = by.token()
    signed, _, _ = complete.rpartition(".")
    return [f"{signed}.", complete[:-8], f"{complete[:-4]}AAAA"]


def with_other_algorithms(by: Signer) -> Sequence[str]:
    return [by.token(GOOD, by.header | {"alg": alg}) for alg in OTHER_ALGORITHMS[by.algorithm]]


def with_own_key(by: Signer) -> Sequence[str]:
    """Return tokens that contain the key that is to verify them, or its URL."""
    attacker = {"kty": "oct", "k": b64(b"f" * 32)}
    address = "https://attacker.example/jwks"
    headers = ({"jwk": attacker}, {"jku": address}, {"x5u": address}, {"x5c": ["MIIB"]})
    return [by.token(GOOD, by.header | header, by.forge) for header in headers]


R = TokenErrorReason
REFUSED: dict[str, tuple[Callable[[Signer], Sequence[str]], TokenErrorReason]] = {
    "no algorithm": (unsigned("none"), R.WRONG_ALGORITHM),
    "no algorithm, in mixed case": (unsigned("nOnE"), R.WRONG_ALGORITHM),
    "no algorithm, signed": (with_header(alg="none"), R.WRONG_ALGORITHM),
    "another algorithm than its key is for": (with_other_algorithms, R.WRONG_ALGORITHM),
    "an unknown algorithm": (with_header(alg="XS1"), R.WRONG_ALGORITHM),
    "an algorithm that is a list": (
        lambda by: [by.token(GOOD, by.header | {"alg": [by.algorithm]})],
        R.MALFORMED,
    ),
    "another key": (lambda by: [by.token(sign=by.forge)], R.BAD_SIGNATURE),
    "a key inside the token": (with_own_key, R.BAD_SIGNATURE),
    "claims of another token": (with_changed_claims, R.BAD_SIGNATURE),
    "a shortened signature": (with_cut_signature, R.BAD_SIGNATURE),
    "a critical extension": (with_header(crit=["exp"], exp=1), R.MALFORMED),
    "an unencoded payload": (with_header(b64=False, crit=["b64"]), R.MALFORMED),
    "no token": (lambda _: ["a.b.c", "a.b", "a.b.c.d.e"], R.MALFORMED),
    "a token too long": (
        lambda by: [by.token().ljust(limits.TOKEN_CHARACTERS + 1, "A")],
        R.TOO_LARGE,
    ),
    "a header too long": (with_header(cty="k" * 512), R.TOO_LARGE),
    "expired": (with_claims(exp=NOW - 61), R.EXPIRED),
    "not yet valid": (with_claims(nbf=NOW + 61), R.NOT_YET_VALID),
    "issued tomorrow": (with_claims(iat=NOW + 86_400), R.NOT_YET_VALID),
    "for another audience": (with_claims(aud="billing"), R.WRONG_AUDIENCE),
    "for other audiences": (with_claims(aud=["billing", "Interlock"]), R.WRONG_AUDIENCE),
    "for an empty audience": (with_claims(aud=[]), R.WRONG_AUDIENCE),
    "for an audience that is a number": (with_claims(aud=7), R.INVALID_CLAIM),
    "for no audience": (without_claim("aud"), R.MISSING_CLAIM),
    "by another issuer": (with_claims(iss="https://id.example/realms/other"), R.WRONG_ISSUER),
    "by an issuer with a trailing slash": (with_claims(iss=f"{ISSUER}/"), R.WRONG_ISSUER),
    "by an issuer that is a list": (with_claims(iss=[ISSUER]), R.WRONG_ISSUER),
    "by no issuer": (without_claim("iss"), R.MISSING_CLAIM),
    "without a subject": (without_claim("sub"), R.MISSING_CLAIM),
    "of the subject system": (with_claims(sub="system"), R.INVALID_CLAIM),
    "without expiry": (without_claim("exp"), R.MISSING_CLAIM),
}
REFUSED_OF_SETS: dict[str, tuple[Callable[[Signer], Sequence[str]], TokenErrorReason]] = {
    "a public key as a secret": (signed_with_public_forms, R.WRONG_ALGORITHM),
    "an unknown key": (with_header(kid="rsa-9"), R.UNKNOWN_KEY),
    "an unknown key inside the token": (
        with_header(kid="x", jwk={"kty": "oct", "k": "AA"}),
        R.UNKNOWN_KEY,
    ),
    "the key of another algorithm": (
        lambda by: [by.token(GOOD, by.header | {"kid": "rsa-1" if by.kid != "rsa-1" else "ec-1"})],
        R.WRONG_ALGORITHM,
    ),
    "the id of another key": (
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
    if by.kid == "rsa-1" or name != "the id of another key"
]


async def respond(request: web.Request) -> web.Response:
    return web.Response(text=request[ACTOR].id)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients() -> AsyncIterator[dict[str, Client]]:
    """Yield a client for each algorithm."""
    opened = {}
    for by in SIGNERS:
        tokens = TokenVerifier(by.keys, RULES, clock=lambda: NOW)
        application = build_application([web.get("/", respond)], AccessControl(tokens))
        opened[str(by)] = TestClient(TestServer(application))
        await opened[str(by)].start_server()
    yield opened
    for client in opened.values():
        await client.close()


@pytest.mark.parametrize("by", SIGNERS, ids=str)
async def test_a_valid_token_authenticates_its_user(by: Signer, clients: dict[str, Client]) -> None:
    for claims in (GOOD, GOOD | {"aud": ["billing", "desk"]}):
        async with clients[str(by)].get("/", headers=authorization(by.token(claims))) as response:
            assert (response.status, await response.text()) == (200, "u_b1")


@pytest.mark.parametrize(("by", "tokens", "reason"), ROWS)
async def test_a_token_is_refused(
    by: Signer,
    tokens: Callable[[Signer], Sequence[str]],
    reason: TokenErrorReason,
    clients: dict[str, Client],
) -> None:
    for each in tokens(by):
        async with clients[str(by)].get("/", headers=authorization(each)) as response:
            problem = await response.json(content_type=None)
            assert (response.status, problem["reason"]) == (401, reason)
            assert problem["detail"] == MESSAGES[reason]


def test_every_reason_is_tested() -> None:
    tables = (REFUSED, REFUSED_OF_SETS, REFUSED_OF_SECRETS)
    assert {reason for table in tables for _, reason in table.values()} == {*R} - {R.MISSING}
