"""The rule of ticket visibility, as this process last read it."""

from dataclasses import dataclass

from engine.storage.postgres.database import Database
from engine.storage.tickets.visibility import read_visibility
from engine.tickets.actor import Actor
from engine.tickets.viewer import Viewer
from engine.vocabulary import Visibility


@dataclass(slots=True)
class VisibilityCache:
    """The rule by which requests read tickets. It lags behind the database by one notification."""

    database: Database
    rule: Visibility

    @classmethod
    async def read(cls, database: Database) -> "VisibilityCache":
        """Return the rule of a database."""
        return cls(database, await read_visibility(database))

    def viewer(self, actor: Actor) -> Viewer:
        """Return the viewer for an actor, under the current rule."""
        return Viewer(actor, self.rule)

    async def refresh(self) -> None:
        """Read the rule again."""
        self.rule = await read_visibility(self.database)
