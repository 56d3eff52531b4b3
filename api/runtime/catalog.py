"""The service catalog, as this process last read it."""

from dataclasses import dataclass

from engine.errors import NotFound
from engine.resources.catalog import KnownItem, ServiceCatalog
from engine.storage.postgres.database import Database
from engine.storage.postgres.databases import Databases
from engine.storage.resources.catalog import read_catalog
from engine.storage.resources.reconciliations import (
    ReconciliationPosition,
    latest_reconciliation,
)


@dataclass(slots=True)
class CatalogCache:
    """The catalog for display; the transaction that opens a ticket reads the item again.

    Attributes:
        shown: the catalog that was last read.
        as_of: a reconciliation that the catalog includes.

    """

    databases: Databases
    shown: ServiceCatalog
    as_of: ReconciliationPosition

    @classmethod
    async def read(cls, databases: Databases) -> "CatalogCache":
        """Return the catalog of a database."""
        as_of = await latest_reconciliation(databases.essential)
        return cls(databases, await read_catalog(databases.essential), as_of)

    async def named(self, name: str) -> KnownItem:
        """Return the item of that name; read the catalog again if the item is unknown.

        Raises:
            NotFound: no item has that name.

        """
        try:
            return self.shown.named(name)
        except NotFound:
            await self._read_again(self.databases.reads)
            return self.shown.named(name)

    async def refresh(self) -> None:
        """Read the catalog again if the latest reconciliation is another one."""
        await self._read_again(self.databases.essential)

    async def _read_again(self, database: Database) -> None:
        latest = await latest_reconciliation(database)
        if latest != self.as_of:
            self.shown, self.as_of = await read_catalog(database), latest
