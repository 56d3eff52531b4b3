"""Interlock's schema: its text and its resolvers."""

from importlib.resources import files
from math import ceil
from typing import Final

from api.graphql.documents.cost import NO_LENGTHS, ListLengths
from api.graphql.executor import ExecutableSchema, GraphQLExecutor
from api.graphql.resolvers import (
    bulk,
    catalog,
    directory,
    history,
    maintenance,
    mutations,
    plugins,
    reconciliation,
    scalars,
    search,
    services,
    sla,
    subscriptions,
    tickets,
    users,
    webhooks,
    workflows,
)
from api.limits import GRAPHQL_LIMITS, HTTP_LIMITS, GraphQLLimits
from api.runtime.catalog import CatalogCache
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import SingleCall
from api.runtime.workflows import WorkflowCache
from engine.plugins import Plugin

_ALWAYS_ON: Final = (scalars, users, plugins, reconciliation, webhooks)
_TICKETING: Final = (
    *(workflows, catalog, services, maintenance, tickets, history, sla, search),
    *(mutations, bulk, subscriptions, directory),
)


def _require_ticketing(context: RequestContext) -> None:
    """Raise PluginDisabled if ticketing is off."""
    context.plugins.require(Plugin.TICKETING)


_RESOLVERS: Final = (
    *(module.resolvers for module in _ALWAYS_ON),
    *(module.resolvers.guarded_by(_require_ticketing) for module in _TICKETING),
)


def schema_text() -> str:
    """Return the schema in GraphQL's schema definition language."""
    folder = files("api.graphql.schema")
    parts = sorted(each.name for each in folder.iterdir() if each.name.endswith(".graphql"))
    return "\n".join((folder / name).read_text("utf-8") for name in parts)


_executable_schema: Final = SingleCall(lambda: ExecutableSchema.build(schema_text(), _RESOLVERS))
"""Return Interlock's schema: the first call builds it, later calls return the same object."""


async def interlock_executor(
    limits: GraphQLLimits = GRAPHQL_LIMITS,
    lists: ListLengths = NO_LENGTHS,
    operation_seconds: float = HTTP_LIMITS.request_seconds,
) -> GraphQLExecutor:
    """Return an executor of Interlock's schema, which is built once per process."""
    schema = await _executable_schema()
    return await GraphQLExecutor.create(schema, limits, lists, operation_seconds)


def declared_list_lengths(workflows: WorkflowCache, catalog: CatalogCache) -> ListLengths:
    """Return the lengths of lists of declared resources; for items, the average per category."""
    return {
        "Query.workflows": lambda: len(workflows.registry.workflows),
        "WorkflowsChange.workflows": lambda: len(workflows.registry.workflows),
        "Catalog.categories": lambda: len(catalog.shown.categories),
        "CatalogCategory.items": lambda: ceil(
            len(catalog.shown.items) / max(1, len(catalog.shown.categories))
        ),
    }
