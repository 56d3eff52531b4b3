"""The state of one server process, from which each request gets its context."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from api.limits import Limits
from api.runtime.catalog import CatalogCache
from api.runtime.change_feed import ChangeFeed
from api.runtime.known_users import KnownUsers
from api.runtime.plugins import PluginCache
from api.runtime.request_context import RequestContext
from api.runtime.visibility import VisibilityCache
from api.runtime.workflows import WorkflowCache
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor


@dataclass(frozen=True, slots=True)
class ServerState:
    """The caches of a server. They lag behind the database by one notification."""

    database: Database
    limits: Limits
    plugins: PluginCache
    workflows: WorkflowCache
    catalog: CatalogCache
    visibility: VisibilityCache
    changes: ChangeFeed
    known_users: KnownUsers

    @classmethod
    async def read(cls, database: Database, limits: Limits, plugins: PluginCache) -> Self:
        """Return the state of a server on this database."""
        return cls(
            database,
            limits,
            plugins,
            await WorkflowCache.read(database),
            await CatalogCache.read(database),
            await VisibilityCache.read(database),
            ChangeFeed(database, limits.stream.waiting_changes),
            KnownUsers(database),
        )

    @property
    def refreshes(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """The functions to call after each notification."""
        caches = (self.plugins, self.workflows, self.catalog, self.visibility)
        return tuple(cache.refresh for cache in caches)

    async def context_for(self, actor: Actor) -> RequestContext:
        """Return the context of one request of an actor."""
        await self.known_users.remember(actor)
        viewer = self.visibility.viewer(actor)
        return RequestContext(
            viewer,
            self.database,
            TicketStore(self.database, viewer.visibility),
            self.workflows,
            self.catalog,
            self.plugins,
            self.limits.graphql,
            self.changes,
        )
