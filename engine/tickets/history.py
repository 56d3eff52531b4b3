"""The history of a ticket: a chain of entries, from which the ticket can be rebuilt. Pure.

The digest of an entry is SHA-256 over the previous digest (empty for the first entry) and the
canonical text of the entry: its fields in the order of `Entry` as a JSON array, in UTF-8, formatted
as by `json_build_array` of PostgreSQL. So the transition statement, this module and a short script
of an auditor compute the same digests.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from operator import attrgetter
from typing import Final

from engine.vocabulary import ActorRoles, Status

GENESIS: Final = b""
"""The digest before the first entry."""


class EntryKind(StrEnum):
    """The kind of change that an entry records."""

    CREATED = "created"
    STATUS = "status"
    ASSIGNEE = "assignee"
    ASSIGNEE_GROUP = "assignee_group"
    PRIORITY = "priority"
    TITLE = "title"
    DESCRIPTION = "description"
    COMMENT = "comment"
    NOTE = "note"
    SLA_BREACH = "sla_breach"
    PUBLICATION = "publication"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded change of one ticket.

    Attributes:
        seq: counts from 1 without gaps; the version of the ticket after this entry.
        at: the time of the database; never earlier than the previous entry.
        actor: a user id, or `system`.
        old_value, new_value: the values of the field; a comment or note has only a new one.
        actor_bits: the `ActorRoles` of the actor before this entry.
        workflow_revision: the revision of the workflow at that time.
        details: JSON: the `Opening` for `created`, otherwise what allowed or caused the change.

    """

    ticket: str
    seq: int
    at: datetime
    actor: str
    kind: EntryKind
    old_value: str | None
    new_value: str | None
    actor_bits: int
    workflow_revision: int
    details: str | None = None

    @property
    def canonical_text(self) -> str:
        """The text over which the digest is computed."""
        ticket, seq, at, *others = _VALUES(self)
        return canonical_text([ticket, seq, canonical_timestamp(at), *others])

    def digest(self, before: bytes) -> bytes:
        """Return the digest of this entry, given the previous digest."""
        return sha256(before + self.canonical_text.encode()).digest()


_VALUES: Final = attrgetter(*(each.name for each in fields(Entry)))
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode


def canonical_text(values: Sequence[object]) -> str:
    """Return values as a JSON array, formatted as by `json_build_array` of PostgreSQL."""
    return _ENCODE(values)


def canonical_timestamp(at: datetime) -> str:
    """Return a time in its canonical form: UTC, with microseconds."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


@dataclass(frozen=True, slots=True)
class RecordedTransitions:
    """Recorded transitions with the same workflow, statuses and actor roles.

    Attributes:
        held: the roles of the actors on the tickets.
        times: the number of transitions.
        actors: the number of users who made them; `examples` has the ids of a few.

    """

    workflow: str
    source: Status
    target: Status
    held: ActorRoles
    times: int
    actors: int
    examples: tuple[str, ...]
