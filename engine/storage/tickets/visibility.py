"""Visibility in SQL: the statement that reads tickets filters them, not the code that shows them.

So pages are full, counts are exact, and a ticket that a viewer cannot read looks like one that does
not exist. For viewers who can read all tickets the statements have no additional condition.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, func, or_

from engine.declaration.models import Readers
from engine.resources.resource import VISIBILITY
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.resources.settings import read_setting
from engine.tickets.actor import Actor
from engine.tickets.viewer import Viewer
from engine.vocabulary import Visibility

INVOLVED: Final[ColumnElement[bool]] = or_(
    tickets.c.requester == bindparam("viewer", type_=Text),
    tickets.c.assignee == bindparam("viewer", type_=Text),
    tickets.c.assignee_group == func.any(bindparam("viewer_groups", type_=ARRAY(Text))),
)
"""The same condition as in `Viewer`, for viewers who cannot read all tickets."""


@dataclass(frozen=True, slots=True)
class GuardedStatement:
    """A statement that reads tickets, in a form for each kind of viewer."""

    of_all: Statement
    of_involved: Statement

    @classmethod
    def of(cls, query: Select[*tuple[Any, ...]]) -> Self:
        """Return the forms of a query over `tickets`."""
        return cls(Statement.of(query), Statement.of(query.where(INVOLVED)))

    def for_viewer(self, viewer: Viewer) -> Statement:
        """Return the form for a viewer; it takes the `viewer_parameters` of that viewer, too."""
        return self.of_all if viewer.sees_all else self.of_involved


def viewer_parameters(viewer: Viewer) -> dict[str, object]:
    """Return the parameters of `INVOLVED`; none for a viewer who can read all tickets."""
    return {} if viewer.sees_all else actor_parameters(viewer.actor)


def actor_parameters(actor: Actor) -> dict[str, object]:
    """Return the parameters of conditions on what involves the actor."""
    return {"viewer": actor.id, "viewer_groups": sorted(actor.groups)}


async def read_visibility(database: Database) -> Visibility:
    """Return the declared visibility; by default, all users can read all tickets."""
    declared = await read_setting(database, VISIBILITY, Readers) or Readers()
    return declared.readers
