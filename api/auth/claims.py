"""The claims of a token, under the names that the issuer gives them, as an actor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)

from api.auth.errors import TokenErrorReason, token_error
from engine.errors import Unauthenticated
from engine.limits import GROUP_CHARACTERS, USER_GROUPS, USER_ID_CHARACTERS, USER_NAME_CHARACTERS
from engine.tickets.actor import Actor
from engine.vocabulary import SYSTEM

_PRINTABLE: Final = r"^\P{Cc}+$"
"""No control characters: names have none, and PostgreSQL cannot store NUL."""

RawClaims = Mapping[str, object]
"""The claims of a token as its JSON contains them."""


def _check_not_system(user: str) -> str:
    if user == SYSTEM:
        raise ValueError(f"{SYSTEM!r} is not a user")
    return user


def printable_text(characters: int) -> StringConstraints:
    """Return the constraints of a text for display."""
    return StringConstraints(min_length=1, max_length=characters, pattern=_PRINTABLE)


class Claims(BaseModel):
    """The claims that Interlock uses, under its own names.

    `exp`, `nbf` and `iat` are seconds since 1970.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    sub: Annotated[str, printable_text(USER_ID_CHARACTERS), AfterValidator(_check_not_system)]
    name: Annotated[str, printable_text(USER_NAME_CHARACTERS)]
    exp: int | FiniteFloat
    nbf: int | FiniteFloat = 0
    iat: int | FiniteFloat = 0
    groups: Annotated[
        list[Annotated[str, printable_text(GROUP_CHARACTERS)]], Field(max_length=USER_GROUPS)
    ] = []
    admin: bool = False

    @cached_property
    def actor(self) -> Actor:
        """The user whom these claims describe."""
        return Actor(self.sub, self.name, frozenset(self.groups), self.admin)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The names that an issuer gives to the claims.

    A name is that of a claim, or a path with dots to a nested claim: `realm_access.roles`.

    Attributes:
        admin: a boolean claim; or `claim=value`: a user is an admin if the claim, a list or a
            text of words, contains the value.

    """

    user: str = "sub"
    name: str = "name"
    groups: str = "groups"
    admin: str = "admin"

    @property
    def paths(self) -> dict[str, str]:
        """The issuer's name of each claim."""
        admin, _, _ = self.admin.partition("=")
        return {"sub": self.user, "name": self.name, "groups": self.groups, "admin": admin}

    def from_token(self, raw: RawClaims) -> dict[str, object]:
        """Return the claims of a token under Interlock's names; null is the same as no claim."""
        times = ("exp", "nbf", "iat")
        found = {name: raw[name] for name in times if raw.get(name) is not None}
        for name, path in self.paths.items():
            for value in _find_claims(raw, path):
                if value is not None:
                    found[name] = value
        # Some issuers, such as AD FS, send a list of one group as a text.
        if isinstance(group := found.get("groups"), str):
            found["groups"] = [group]
        claim, has_value, value = self.admin.partition("=")
        if has_value and "admin" in found:
            found["admin"] = _contains(found["admin"], value, claim)
        return found

    def to_token(self, claims: Claims) -> dict[str, object]:
        """Return claims under the issuer's names; the inverse of `from_token`."""
        paths = self.paths
        values = claims.model_dump(exclude_defaults=True)
        _, has_value, value = self.admin.partition("=")
        if has_value and values.pop("admin", False):
            values["admin"] = [value]
        raw: dict[str, object] = {}
        for name, each in values.items():
            _set_claim(raw, paths.get(name, name), each)
        return raw


DEFAULT_NAMES: Final = ClaimNames()


def _find_claims(raw: RawClaims, path: str) -> Iterator[object]:
    """Yield the claim at a path, if there is one.

    A claim whose name is the whole path comes first: some issuers use URLs as names, with dots.
    """
    if path in raw:
        yield raw[path]
        return
    first, has_more, rest = path.partition(".")
    inner = raw.get(first)
    if has_more and isinstance(inner, Mapping):
        yield from _find_claims(inner, rest)


def _set_claim(raw: dict[str, object], path: str, value: object) -> None:
    """Set the claim at a path; a list is appended to a list that is already there."""
    first, has_more, rest = path.partition(".")
    present = raw.get(first)
    if has_more:
        inner = raw.setdefault(first, {})
        if isinstance(inner, dict):
            _set_claim(inner, rest, value)
    elif isinstance(present, list) and isinstance(value, list):
        raw[first] = [*present, *value]
    else:
        raw[first] = value


def _contains(claim: object, value: str, name: str) -> bool:
    """Return whether a list, or a text of words separated by spaces, contains a value."""
    if isinstance(claim, str):
        return value == claim or value in claim.split()
    if isinstance(claim, list):
        return value in claim
    raise token_error(TokenErrorReason.INVALID_CLAIM, claim=name)


def parse_claims(raw: RawClaims, names: ClaimNames = DEFAULT_NAMES) -> Claims:
    """Return the validated claims of a token.

    Raises:
        Unauthenticated: a claim is missing or invalid; `details["claim"]` names the first one.

    """
    try:
        return Claims.model_validate(names.from_token(raw))
    except ValidationError as error:
        first = error.errors()[0]
        is_missing = first["type"] == "missing"
        reason = TokenErrorReason.MISSING_CLAIM if is_missing else TokenErrorReason.INVALID_CLAIM
        name = str(first["loc"][0])
        claim = names.paths.get(name, name)
        if first["type"] == "too_long":
            message = f"The claim {claim} has more than {USER_GROUPS} groups."
            raise Unauthenticated(message, reason=reason, claim=claim, bound=USER_GROUPS) from None
        raise token_error(reason, claim=claim) from None
