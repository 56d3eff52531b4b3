"""The service catalog as this process knows it: immutable, swapped in one step."""

from dataclasses import dataclass

from engine.errors import NotFound
from engine.resources.catalog import KnownItem, ServiceCatalog
from engine.storage.postgres.database import Database
from engine.storage.resources.catalog import latest_reconciliation, read_catalog


@dataclass(slots=True)
class LiveCatalog:
    """The catalog of a running server. It shows; what a ticket comes from is the database's.

    Attributes:
        shown: the latest one that was read.
        as_of: the reconciliation that it is at least as new as.

    """

    database: Database
    shown: ServiceCatalog
    as_of: int

    @classmethod
    async def read(cls, database: Database) -> "LiveCatalog":
        """Return the catalog of a database."""
        as_of = await latest_reconciliation(database)
        return cls(database, await read_catalog(database), as_of)

    async def named(self, name: str) -> KnownItem:
        """Return the item of that name; one that is not known yet is looked for again.

        Raises:
            NotFound: there is none.

        """
        try:
            return self.shown.named(name)
        except NotFound:
            await self.refresh()
            return self.shown.named(name)

    async def refresh(self) -> None:
        """Read the catalog again if somebody has reconciled since."""
        latest = await latest_reconciliation(self.database)
        if latest > self.as_of:
            self.shown, self.as_of = await read_catalog(self.database), latest
