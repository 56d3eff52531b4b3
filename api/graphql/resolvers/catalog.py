"""Resolvers of the service catalog."""

from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.resources.catalog import CategoryItems, KnownItem
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

_Fields = dict[str, object]


@resolvers.field("Query.catalog")
async def catalog(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> _Fields:
    """Return the service catalog."""
    return {"categories": [_category_fields(each) for each in context.catalog.shown.categories]}


@resolvers.field("Ticket.catalogItem")
async def catalog_item(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> _Fields | None:
    """Return the catalog item that a ticket was opened from."""
    return None if ticket.item is None else _item_fields(await context.catalog.named(ticket.item))


def _category_fields(each: CategoryItems) -> _Fields:
    return {
        "name": each.category.name,
        "displayName": each.category.display_name,
        "icon": each.category.icon,
        "items": [_item_fields(KnownItem(item)) for item in each.items],
    }


def _item_fields(item: KnownItem) -> _Fields:
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
