"""Who may read tickets, as this process knows it."""

from dataclasses import dataclass

from engine.storage.postgres.database import Database
from engine.storage.tickets.visibility import read_visibility
from engine.tickets.actor import Actor
from engine.tickets.viewer import Viewer
from engine.vocabulary import Visibility


@dataclass(slots=True)
class LiveVisibility:
    """The rule of a running server, which is a notice behind the database.

    Attributes:
        in_force: the latest rule that was read.

    """

    database: Database
    in_force: Visibility

    @classmethod
    async def read(cls, database: Database) -> "LiveVisibility":
        """Return the rule of a database."""
        return cls(database, await read_visibility(database))

    def viewer(self, actor: Actor) -> Viewer:
        """Return an actor as one who reads tickets now."""
        return Viewer(actor, self.in_force)

    async def refresh(self) -> None:
        """Read the rule again."""
        self.in_force = await read_visibility(self.database)
