"""Resolvers: the service catalog."""

from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.resources.catalog import CategoryItems, KnownItem, ServiceCatalog
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

Fields = dict[str, object]


@resolvers.field("Query.catalog")
async def catalog(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> ServiceCatalog:
    """Return the catalog."""
    return context.catalog.shown


@resolvers.field("Catalog.categories")
async def categories(
    shown: ServiceCatalog, _arguments: object, _context: RequestContext, _info: object
) -> list[Fields]:
    """Return the shelves of the catalog."""
    return [shelf_fields(shelf) for shelf in shown.categories]


@resolvers.field("Ticket.catalogItem")
async def catalog_item(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> Fields | None:
    """Return what a ticket came from."""
    return None if ticket.item is None else item_fields(await context.catalog.named(ticket.item))


def shelf_fields(shelf: CategoryItems) -> Fields:
    """Return the fields of a category."""
    return {
        "name": shelf.category.name,
        "displayName": shelf.category.display_name,
        "icon": shelf.category.icon,
        "items": [item_fields(KnownItem(item)) for item in shelf.items],
    }


def item_fields(item: KnownItem) -> Fields:
    """Return the fields of an item."""
    declared = item.declared
    return {
        "name": declared.name,
        "displayName": declared.display_name,
        "description": declared.description,
        "icon": declared.icon,
        "workflow": declared.workflow,
        "defaults": declared.defaults,
        "sla": declared.sla,
        "retired": item.retired,
    }
