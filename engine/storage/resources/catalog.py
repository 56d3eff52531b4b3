"""The service catalog: what a new ticket may come from, and all of it to look at."""

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Text, bindparam, cast, func, select

from engine import limits
from engine.declaration.models import CatalogItem, Category
from engine.errors import ItemRetired
from engine.resources.catalog import KnownItem, ServiceCatalog, unknown_item
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import catalog_categories, catalog_items, reconciliations

ITEMS: Final = select(
    cast(catalog_items.c.declaration, Text).label("declaration"),
    catalog_items.c.retired_at.is_not(None).label("retired"),
)
ALL_ITEMS: Final = Statement.of(ITEMS)
ITEM: Final = Statement.of(ITEMS.where(catalog_items.c.name == bindparam("wanted")))
OFFERED_NAMES: Final = Statement.of(
    select(catalog_items.c.name)
    .where(catalog_items.c.retired_at.is_(None))
    .limit(limits.HINT_NAMES)
)
CATEGORIES: Final = Statement.of(
    select(cast(catalog_categories.c.declaration, Text).label("declaration")).where(
        catalog_categories.c.retired_at.is_(None)
    )
)
LATEST: Final = Statement.of(select(func.coalesce(func.max(reconciliations.c.id), 0).label("id")))


async def latest_reconciliation(database: Database) -> int:
    """Return the number of the latest reconciliation: each is greater than those before it."""
    row = await database.row(LATEST)
    return row["id"] if row else 0


async def read_active_item(session: Session, name: str) -> CatalogItem:
    """Return the catalog item that a new ticket is asked from.

    Raises:
        NotFound: there is none of that name; the near names are offered.
        ItemRetired: it is declared no more.

    """
    row = await session.row(ITEM, wanted=name)
    if row is None:
        raise unknown_item(name, [each["name"] for each in await session.rows(OFFERED_NAMES)])
    if row["retired"]:
        raise ItemRetired(
            f"{name} is retired: no tickets come from it until it is declared again.",
            reason="item_retired",
            item=name,
        )
    return CatalogItem.model_validate_json(row["declaration"])


async def read_catalog(database: Database) -> ServiceCatalog:
    """Return the whole catalog; a large one is read beside what else there is to do."""
    async with database.snapshot() as session:
        categories, items = await session.rows(CATEGORIES), await session.rows(ALL_ITEMS)
    return await asyncio.to_thread(catalog_of, categories, items)


def catalog_of(categories: Sequence[Row], items: Sequence[Row]) -> ServiceCatalog:
    """Return the catalog that rows hold."""
    return ServiceCatalog.of(
        [Category.model_validate_json(row["declaration"]) for row in categories],
        [
            KnownItem(CatalogItem.model_validate_json(row["declaration"]), row["retired"])
            for row in items
        ],
    )
