"""Read the service catalog: an item that a new ticket is opened from, or all of it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Text, bindparam, cast, select

from engine import limits
from engine.declaration.models import CatalogItem, Category
from engine.errors import ItemRetired
from engine.resources.catalog import KnownItem, ServiceCatalog, unknown_item
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import catalog_categories, catalog_items

_SELECT_ITEMS: Final = select(
    cast(catalog_items.c.declaration, Text).label("declaration"),
    catalog_items.c.retired_at.is_not(None).label("retired"),
)
_ITEMS: Final = Statement.of(_SELECT_ITEMS)
_ITEM: Final = Statement.of(_SELECT_ITEMS.where(catalog_items.c.name == bindparam("item")))
_ACTIVE_ITEM_NAMES: Final = Statement.of(
    select(catalog_items.c.name)
    .where(catalog_items.c.retired_at.is_(None))
    .limit(limits.HINT_NAMES)
)
_CATEGORIES: Final = Statement.of(
    select(cast(catalog_categories.c.declaration, Text).label("declaration")).where(
        catalog_categories.c.retired_at.is_(None)
    )
)


async def read_active_item(session: Session, name: str) -> CatalogItem:
    """Return the catalog item of a new ticket.

    Raises:
        NotFound: the item does not exist; the message suggests similar names.
        ItemRetired: the item is retired.

    """
    row = await session.row(_ITEM, item=name)
    if row is None:
        raise unknown_item(name, [each["name"] for each in await session.rows(_ACTIVE_ITEM_NAMES)])
    if row["retired"]:
        raise ItemRetired(
            f"The catalog item {name} is retired. Choose another one, or declare it again.",
            reason="item_retired",
            item=name,
        )
    return CatalogItem.model_validate_json(row["declaration"])


async def read_catalog(database: Database) -> ServiceCatalog:
    """Return the whole catalog. A thread builds it, because a large catalog takes long."""
    async with database.snapshot() as session:
        categories, items = await session.rows(_CATEGORIES), await session.rows(_ITEMS)
    return await asyncio.to_thread(_build_catalog, categories, items)


def _build_catalog(categories: Sequence[Row], items: Sequence[Row]) -> ServiceCatalog:
    return ServiceCatalog.of(
        [Category.model_validate_json(row["declaration"]) for row in categories],
        [
            KnownItem(CatalogItem.model_validate_json(row["declaration"]), row["retired"])
            for row in items
        ],
    )
