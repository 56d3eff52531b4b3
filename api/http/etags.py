"""Conditional requests (RFC 9110, section 13): the entity tag of a ticket is its version."""

import re
from dataclasses import dataclass
from typing import Final, Self

from aiohttp import web

from engine.errors import InvalidInput, VersionConflict
from engine.tickets.ticket import Ticket

_ANY: Final = "*"
_ETAG_PATTERN: Final = r'(?:W/)?"[!#-~]*"'
_ETAG: Final = re.compile(_ETAG_PATTERN)
ETAGS_PATTERN: Final = rf"^(\*|{_ETAG_PATTERN}( *, *{_ETAG_PATTERN})*)$"
_ETAGS: Final = re.compile(ETAGS_PATTERN)
_VERSION: Final = re.compile(r'"([1-9][0-9]{0,9})"')
_WEAK: Final = "W/"
_UNREACHABLE_VERSION: Final = 2**31 - 1
"""The expected version if no tag can match a ticket."""


class PreconditionFailed(VersionConflict):
    """`If-Match` does not match the version of the ticket: read the ticket again and retry."""

    status = 412

    @classmethod
    def of(cls, conflict: VersionConflict) -> Self:
        """Return the error for a version conflict where `If-Match` gave the version."""
        ticket, version = conflict.details["ticket"], conflict.details["current_version"]
        return cls(
            f"{ticket} is at version {version}, but If-Match expects another: read it again.",
            reason=conflict.code,
            ticket=ticket,
            current_version=version,
        )


def etag_of(ticket: Ticket) -> str:
    """Return the strong entity tag of a ticket."""
    return f'"{ticket.version}"'


@dataclass(frozen=True, slots=True)
class ETags:
    """The value of `If-Match` or `If-None-Match`: `*`, or entity tags."""

    tags: tuple[str, ...]

    @classmethod
    def from_header(cls, request: web.Request, header: str) -> Self | None:
        """Return the tags in a header of a request; None if it has no such header.

        Raises:
            InvalidInput: the header is malformed.

        """
        if header not in request.headers:
            return None
        text = ", ".join(request.headers.getall(header)).strip()
        if not _ETAGS.fullmatch(text):
            raise InvalidInput(
                f'{header} must be entity tags in quotes, such as "3" or "3", "4", or else *.',
                header=header,
            )
        return cls((_ANY,) if text == _ANY else tuple(_ETAG.findall(text)))

    def matches(self, ticket: Ticket) -> bool:
        """Return whether a tag matches a ticket by the weak comparison, which is for reads."""
        return bool({_ANY, etag_of(ticket)} & {tag.removeprefix(_WEAK) for tag in self.tags})

    @property
    def expected_version(self) -> int | None:
        """The version that a change requires, by the strong comparison; None for any.

        Versions only grow, so only the latest of several can still match.
        """
        if self.tags == (_ANY,):
            return None
        matches = (_VERSION.fullmatch(tag) for tag in self.tags)
        versions = [min(int(each[1]), _UNREACHABLE_VERSION) for each in matches if each]
        return max(versions, default=_UNREACHABLE_VERSION)
