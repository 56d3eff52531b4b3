"""What a token says: claims, under whatever names the issuer gives them, as an actor."""

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

from api.auth.errors import TokenRefusal, refusal
from engine.limits import GROUP_CHARACTERS, USER_GROUPS, USER_ID_CHARACTERS, USER_NAME_CHARACTERS
from engine.tickets.actor import Actor
from engine.vocabulary import SYSTEM

PRINTABLE: Final = r"^\P{Cc}+$"
"""No control characters: none belongs in a name, and PostgreSQL stores no NUL."""

Stated = Mapping[str, object]
"""The claims of a token, as its JSON has them."""


def not_system(user: str) -> str:
    """Return the id of a person as it was given; `system` is nobody's."""
    if user == SYSTEM:
        raise ValueError(f"{SYSTEM!r} is not a person")
    return user


def printable(characters: int) -> StringConstraints:
    """Return the rule for a text that is shown to people."""
    return StringConstraints(min_length=1, max_length=characters, pattern=PRINTABLE)


class Claims(BaseModel):
    """What a token says of its bearer, under our names.

    `exp`, `nbf` and `iat` are seconds since 1970.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    sub: Annotated[str, printable(USER_ID_CHARACTERS), AfterValidator(not_system)]
    name: Annotated[str, printable(USER_NAME_CHARACTERS)]
    exp: int | FiniteFloat
    nbf: int | FiniteFloat = 0
    iat: int | FiniteFloat = 0
    groups: Annotated[
        list[Annotated[str, printable(GROUP_CHARACTERS)]], Field(max_length=USER_GROUPS)
    ] = []
    admin: bool = False

    @cached_property
    def actor(self) -> Actor:
        """The person whom these claims state."""
        return Actor(self.sub, self.name, frozenset(self.groups), self.admin)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The names under which an issuer states what we need.

    A name is that of a claim, or leads to it by dots: `realm_access.roles`.

    Attributes:
        admin: of a boolean; or `claim=value`, which makes admins of those whose claim, a list or a
            text of words, holds the value.

    """

    user: str = "sub"
    name: str = "name"
    groups: str = "groups"
    admin: str = "admin"

    @property
    def paths(self) -> dict[str, str]:
        """The name of each claim, by ours."""
        admin, _, _ = self.admin.partition("=")
        return {"sub": self.user, "name": self.name, "groups": self.groups, "admin": admin}

    def ours(self, stated: Stated) -> dict[str, object]:
        """Return what a token states, under our names; what it does not state is left out."""
        found = {name: stated[name] for name in ("exp", "nbf", "iat") if name in stated}
        for name, path in self.paths.items():
            for value in claims_at(stated, path):
                found[name] = value
        claim, has_value, value = self.admin.partition("=")
        if has_value and "admin" in found:
            found["admin"] = holds(found["admin"], value, claim)
        return found

    def theirs(self, claims: Claims) -> dict[str, object]:
        """Return claims as a token states them; the inverse of `ours`."""
        paths = self.paths
        stated = claims.model_dump(exclude_defaults=True)
        _, has_value, value = self.admin.partition("=")
        if has_value and stated.pop("admin", False):
            stated["admin"] = [value]
        written: dict[str, object] = {}
        for name, said in stated.items():
            put(written, paths.get(name, name), said)
        return written


DEFAULT_NAMES: Final = ClaimNames()


def claims_at(stated: Stated, path: str) -> Iterator[object]:
    """Yield the claim of that name; else the one that the name leads to; nothing if there is none.

    The whole name comes first, as some issuers name claims by addresses, with dots in them.
    """
    if path in stated:
        yield stated[path]
        return
    first, has_more, rest = path.partition(".")
    inner = stated.get(first)
    if has_more and isinstance(inner, Mapping):
        yield from claims_at(inner, rest)


def put(written: dict[str, object], path: str, value: object) -> None:
    """Write a claim to where a path leads; to a list that stands there, its values are added."""
    first, has_more, rest = path.partition(".")
    there = written.get(first)
    if has_more:
        inner = written.setdefault(first, {})
        if isinstance(inner, dict):
            put(inner, rest, value)
    elif isinstance(there, list) and isinstance(value, list):
        written[first] = [*there, *value]
    else:
        written[first] = value


def holds(claim: object, value: str, name: str) -> bool:
    """Tell whether a list, or a text of words divided by spaces, holds a value."""
    if isinstance(claim, str):
        return value == claim or value in claim.split()
    if isinstance(claim, list):
        return value in claim
    raise refusal(TokenRefusal.INVALID_CLAIM, claim=name)


def claims_of(stated: Stated, names: ClaimNames = DEFAULT_NAMES) -> Claims:
    """Return claims that have the shape they must have.

    Raises:
        Unauthenticated: they have not; with the name of the first that is at fault.

    """
    try:
        return Claims.model_validate(names.ours(stated))
    except ValidationError as error:
        first = error.errors()[0]
        is_missing = first["type"] == "missing"
        reason = TokenRefusal.MISSING_CLAIM if is_missing else TokenRefusal.INVALID_CLAIM
        name = str(first["loc"][0])
        raise refusal(reason, claim=names.paths.get(name, name)) from None
