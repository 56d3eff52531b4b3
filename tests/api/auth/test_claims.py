"""Claims under the names that issuers give them."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.auth.claims import ClaimNames, parse_claims
from api.auth.errors import TokenErrorReason
from api.auth.tokens import TokenIssuer, TokenRules
from engine import limits
from engine.errors import Unauthenticated
from engine.tickets.actor import Actor
from tests.support.signers import NOW, SECRET

TIMES = {"exp": NOW}
KEYCLOAK = ClaimNames(
    name="preferred_username",
    groups="groups",
    admin="realm_access.roles=interlock-admin",
)
KEYCLOAK_CLAIMS: dict[str, Any] = {
    "sub": "f:17:anna",
    "preferred_username": "anna",
    "groups": ["payment-team"],
    "realm_access": {"roles": ["offline_access", "interlock-admin"]},
}
ENTRA = ClaimNames(user="oid", groups="roles", admin="roles=Interlock.Admin")
ENTRA_CLAIMS: dict[str, Any] = {
    "sub": "pairwise",
    "oid": "4f8e29",
    "name": "Anna K.",
    "roles": ["payment-team", "Interlock.Admin"],
}
URLS = ClaimNames(groups="https://acme.example/groups", admin="https://acme.example/admin")
URLS_CLAIMS: dict[str, Any] = {
    "sub": "auth0|7",
    "name": "Anna K.",
    "https://acme.example/groups": ["payment-team"],
    "https://acme.example/admin": True,
}
SCOPED = ClaimNames(admin="scope=interlock:admin")

USERS: dict[str, tuple[ClaimNames, dict[str, Any], Actor]] = {
    "Keycloak, an admin": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS,
        Actor("f:17:anna", "anna", frozenset({"payment-team"}), is_admin=True),
    ),
    "Keycloak, a user without roles and groups": (
        KEYCLOAK,
        {"sub": "f:17:anna", "preferred_username": "anna", "realm_access": {}},
        Actor("f:17:anna", "anna"),
    ),
    "Keycloak, a role that has the name in it": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"realm_access": {"roles": ["no-interlock-admin", "interlock-admins"]}},
        Actor("f:17:anna", "anna", frozenset({"payment-team"})),
    ),
    "Entra": (
        ENTRA,
        ENTRA_CLAIMS,
        Actor("4f8e29", "Anna K.", frozenset({"payment-team", "Interlock.Admin"}), is_admin=True),
    ),
    "names that are URLs": (
        URLS,
        URLS_CLAIMS,
        Actor("auth0|7", "Anna K.", frozenset({"payment-team"}), is_admin=True),
    ),
    "a scope": (
        SCOPED,
        {"sub": "u", "name": "U", "scope": "openid interlock:admin"},
        Actor("u", "U", is_admin=True),
    ),
    "another scope": (
        SCOPED,
        {"sub": "u", "name": "U", "scope": "openid interlock:administrate"},
        Actor("u", "U"),
    ),
    "a value of two words": (
        ClaimNames(admin="team=Interlock Admins"),
        {"sub": "u", "name": "U", "team": "Interlock Admins"},
        Actor("u", "U", is_admin=True),
    ),
    "default names that are not configured": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"realm_access": {"roles": []}, "admin": True, "name": "Root"},
        Actor("f:17:anna", "anna", frozenset({"payment-team"})),
    ),
    "one group as a text": (
        ClaimNames(),
        {"sub": "u", "name": "U", "groups": "payment team"},
        Actor("u", "U", frozenset({"payment team"})),
    ),
    "claims that are null": (
        ClaimNames(),
        {"sub": "u", "name": "U", "groups": None, "admin": None, "nbf": None},
        Actor("u", "U"),
    ),
    "an admin claim with a value that is null": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"realm_access": {"roles": None}},
        Actor("f:17:anna", "anna", frozenset({"payment-team"})),
    ),
    "a name with dots before a path": (
        ClaimNames(groups="a.b"),
        {"sub": "u", "name": "U", "a.b": ["this"], "a": {"b": ["that"]}},
        Actor("u", "U", frozenset({"this"})),
    ),
}


@pytest.mark.parametrize(("names", "claims", "actor"), USERS.values(), ids=USERS)
def test_claims_describe_a_user(names: ClaimNames, claims: dict[str, Any], actor: Actor) -> None:
    assert parse_claims(claims | TIMES, names).actor == actor


R = TokenErrorReason
WRONG: dict[str, tuple[ClaimNames, dict[str, Any], TokenErrorReason, str]] = {
    "no user": (ENTRA, {"sub": "s", "name": "N"}, R.MISSING_CLAIM, "oid"),
    "no name": (KEYCLOAK, {"sub": "s", "name": "N"}, R.MISSING_CLAIM, "preferred_username"),
    "groups that are a number": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"groups": 7},
        R.INVALID_CLAIM,
        "groups",
    ),
    "a name that is null": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"preferred_username": None},
        R.MISSING_CLAIM,
        "preferred_username",
    ),
    "roles that are a number": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"realm_access": {"roles": 7}},
        R.INVALID_CLAIM,
        "realm_access.roles",
    ),
    "roles that are true": (
        KEYCLOAK,
        KEYCLOAK_CLAIMS | {"realm_access": {"roles": True}},
        R.INVALID_CLAIM,
        "realm_access.roles",
    ),
    "an admin claim that is a text": (
        URLS,
        URLS_CLAIMS | {"https://acme.example/admin": "true"},
        R.INVALID_CLAIM,
        "https://acme.example/admin",
    ),
}


@pytest.mark.parametrize(("names", "claims", "reason", "claim"), WRONG.values(), ids=WRONG)
def test_a_wrong_claim_is_named_as_its_issuer_names_it(
    names: ClaimNames, claims: dict[str, Any], reason: TokenErrorReason, claim: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        parse_claims(claims | TIMES, names)
    assert refused.value.details == {"reason": reason, "claim": claim}


def test_too_many_groups_are_refused_with_their_bound() -> None:
    groups = [f"g{number}" for number in range(limits.USER_GROUPS + 1)]
    assert (
        parse_claims(TIMES | {"sub": "u", "name": "U", "groups": groups[1:]}).groups == groups[1:]
    )
    with pytest.raises(Unauthenticated, match="more than 200 groups") as refused:
        parse_claims(TIMES | {"sub": "u", "name": "U", "groups": groups})
    details = {"reason": R.INVALID_CLAIM, "claim": "groups", "bound": limits.USER_GROUPS}
    assert refused.value.details == details


ISSUED = [
    ClaimNames(),
    KEYCLOAK,
    URLS,
    ClaimNames("x.id", "x.name", "x.y.groups", "x.y.admin"),
    ClaimNames(admin="x.roles=boss"),
]


@pytest.mark.parametrize("names", ISSUED, ids=lambda names: names.admin)
@given(admin=st.booleans(), groups=st.frozensets(st.sampled_from(["a", "b b", "c.d"])))
def test_an_issued_token_is_verified_under_any_claim_names(
    names: ClaimNames, *, admin: bool, groups: frozenset[str]
) -> None:
    rules = TokenRules("https://id.example", frozenset({"a", "b"}), 0, names)
    issuer = TokenIssuer(SecretStr(SECRET), rules, clock=lambda: NOW)
    actor = Actor("u_b1", "Anna K.", groups, is_admin=admin)
    assert issuer.verify(issuer.issue(actor, timedelta(hours=1))) == actor


def test_an_admin_because_of_a_group_is_a_member_of_it() -> None:
    issuer = TokenIssuer(
        SecretStr(SECRET), TokenRules(names=ClaimNames(admin="groups=ops")), clock=lambda: NOW
    )
    token = issuer.issue(Actor("u", "U", frozenset({"a"}), is_admin=True), timedelta(hours=1))
    assert issuer.verify(token) == Actor("u", "U", frozenset({"a", "ops"}), is_admin=True)
