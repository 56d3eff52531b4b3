"""A ticket's history: entries chained by digest, from which the ticket can be rebuilt.

The digest of an entry is SHA-256 over the digest before it (nothing before the first) and the
canonical text of the entry: a JSON array of its fields in the order of `Entry`, UTF-8, written as
PostgreSQL's `json_build_array` writes it. So the statement that moves a ticket, this module and a
ten-line script of an auditor compute the same thing.
"""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from engine.vocabulary import ActorRoles, Status

GENESIS: Final = b""
"""What stands before the first entry of every chain."""


class EntryKind(StrEnum):
    """What an entry records."""

    CREATED = "created"
    STATUS = "status"
    ASSIGNEE = "assignee"
    PRIORITY = "priority"
    TITLE = "title"
    DESCRIPTION = "description"
    COMMENT = "comment"
    NOTE = "note"
    SLA_BREACH = "sla_breach"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded change of one ticket.

    Attributes:
        seq: counts from 1 without gaps; the ticket's version after this entry.
        at: when, by the clock of the database; never before the entry that precedes it.
        actor: a user id, or `system`.
        old_value, new_value: the field's values; a comment or a note has only a new one.
        actor_bits: what the actor was towards the ticket, as it was before (see `ActorRoles`).
        workflow_revision: the revision of the ticket's workflow that was in force.
        details: JSON: the whole ticket for `created`, otherwise what else allowed or caused it.

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
        """The text that is digested."""
        values = [getattr(self, each.name) for each in fields(self)]
        values[2] = canonical_timestamp(self.at)
        return json.dumps(values, ensure_ascii=False)

    def digest(self, before: bytes) -> bytes:
        """Return the digest of this entry on top of the digest before it."""
        return sha256(before + self.canonical_text.encode()).digest()


def canonical_timestamp(at: datetime) -> str:
    """Return a moment as it is digested: UTC, six decimals."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


@dataclass(frozen=True, slots=True)
class RecordedTransitions:
    """Transitions of the same kind that did happen.

    Attributes:
        held: what the actors were towards the tickets.
        times: how many.
        actors: how many people made them; `examples` has the ids of a few.

    """

    workflow: str
    source: Status
    target: Status
    held: ActorRoles
    times: int
    actors: int
    examples: tuple[str, ...]
