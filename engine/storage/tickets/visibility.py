"""Who may read which tickets, in SQL: asked by the statement that reads, not of what was read.

So a page is full, a count is right, and a ticket out of sight answers as one that does not exist.
Whoever may read all of them is asked nothing, and costs nothing.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, func, or_, select

from engine.declaration.models import Readers
from engine.resources.resource import VISIBILITY
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import settings, tickets
from engine.tickets.viewer import Viewer
from engine.vocabulary import Visibility

INVOLVED: Final[ColumnElement[bool]] = or_(
    tickets.c.requester == bindparam("viewer", type_=Text),
    tickets.c.assignee == bindparam("viewer", type_=Text),
    tickets.c.assignee_group == func.any(bindparam("viewer_groups", type_=ARRAY(Text))),
)
"""The twin of `can_read`, for whoever does not see all."""

DECLARED: Final = Statement.of(
    select(settings.c.declaration).where(
        settings.c.name == bindparam("setting"), settings.c.retired_at.is_(None)
    )
)


@dataclass(frozen=True, slots=True)
class GuardedStatement:
    """A statement that reads tickets: as it is, and for those who see only what involves them."""

    of_all: Statement
    of_involved: Statement

    @classmethod
    def of(cls, query: Select[*tuple[Any, ...]]) -> Self:
        """Return the two forms of a query over `tickets`."""
        return cls(Statement.of(query), Statement.of(query.where(INVOLVED)))

    def to(self, viewer: Viewer) -> Statement:
        """Return the form for a viewer; it also takes the `viewer_parameters` of that viewer."""
        return self.of_all if viewer.sees_all else self.of_involved


def viewer_parameters(viewer: Viewer) -> dict[str, object]:
    """Return the parameters of INVOLVED; nothing for whoever is not asked."""
    if viewer.sees_all:
        return {}
    return {"viewer": viewer.actor.id, "viewer_groups": sorted(viewer.actor.groups)}


async def read_visibility(database: Database) -> Visibility:
    """Return who may read tickets by what is in force: everyone, if nothing is declared."""
    row = await database.row(DECLARED, setting=VISIBILITY)
    return Readers.model_validate_json(row["declaration"]).readers if row else Readers().readers
