"""Conditional requests (RFC 9110, section 13): the entity tag of a ticket is its version."""

import re
from dataclasses import dataclass
from typing import Final, Self

from aiohttp import web

from engine.errors import InvalidInput, VersionConflict
from engine.tickets.ticket import Ticket

ANY: Final = "*"
TAG: Final = r'(?:W/)?"[!#-~]*"'
TAGS_PATTERN: Final = rf"^(\*|{TAG}( *, *{TAG})*)$"
TAGS_FORM: Final = re.compile(TAGS_PATTERN)
TAG_FORM: Final = re.compile(TAG)
VERSION_FORM: Final = re.compile(r'"([1-9][0-9]{0,9})"')
WEAK: Final = "W/"

NO_VERSION: Final = 2**31 - 1
"""What is expected where no tag can be met: no ticket comes so far."""


class PreconditionFailed(VersionConflict):
    """The ticket is not at the version that `If-Match` names: read it again and decide anew."""

    status = 412

    @classmethod
    def of(cls, conflict: VersionConflict) -> Self:
        """Return a conflict as it is told where the version was expected by `If-Match`."""
        ticket, version = conflict.details["ticket"], conflict.details["current_version"]
        return cls(
            f"{ticket} is at version {version}, which If-Match does not name: read it again.",
            reason=conflict.code,
            ticket=ticket,
            current_version=version,
        )


def tag_of(ticket: Ticket) -> str:
    """Return the strong entity tag of a ticket."""
    return f'"{ticket.version}"'


@dataclass(frozen=True, slots=True)
class ETags:
    """What `If-Match` or `If-None-Match` says: `*`, or some entity tags."""

    written: tuple[str, ...]

    @classmethod
    def of(cls, request: web.Request, header: str) -> Self | None:
        """Return the tags in a header of a request; None if it has no such header.

        Raises:
            InvalidInput: they are not written as tags are.

        """
        if header not in request.headers:
            return None
        text = ", ".join(request.headers.getall(header)).strip()
        if not TAGS_FORM.fullmatch(text):
            raise InvalidInput(
                f'{header} takes entity tags in quotes, as in "3" or "3", "4", or else *.',
                header=header,
            )
        return cls((ANY,) if text == ANY else tuple(TAG_FORM.findall(text)))

    def name(self, ticket: Ticket) -> bool:
        """Tell whether a ticket is named by the weak comparison, which is that for reading."""
        return bool({ANY, tag_of(ticket)} & {tag.removeprefix(WEAK) for tag in self.written})

    @property
    def expected_version(self) -> int | None:
        """The version that a change expects by the strong comparison; None for any.

        Versions only grow, so of several only the latest can still be that of the ticket.
        """
        if self.written == (ANY,):
            return None
        found = (VERSION_FORM.fullmatch(tag) for tag in self.written)
        versions = [min(int(each[1]), NO_VERSION) for each in found if each]
        return max(versions, default=NO_VERSION)
