"""What a running server knows of its database, and hands to whoever answers a request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from api.limits import Limits
from api.runtime.catalog import LiveCatalog
from api.runtime.change_feed import ChangeFeed
from api.runtime.known_users import KnownUsers
from api.runtime.plugins import LivePlugins
from api.runtime.request_context import RequestContext
from api.runtime.visibility import LiveVisibility
from api.runtime.workflows import LiveWorkflows
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is in force, a notice behind the database; all of it is for showing only."""

    database: Database
    limits: Limits
    plugins: LivePlugins
    workflows: LiveWorkflows
    catalog: LiveCatalog
    visibility: LiveVisibility
    changes: ChangeFeed
    people: KnownUsers

    @classmethod
    async def read(cls, database: Database, limits: Limits, plugins: LivePlugins) -> Self:
        """Return what is in force in a database."""
        return cls(
            database,
            limits,
            plugins,
            await LiveWorkflows.read(database),
            await LiveCatalog.read(database),
            await LiveVisibility.read(database),
            ChangeFeed(database, limits.stream.waiting_changes),
            KnownUsers(database),
        )

    @property
    def refreshes(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What to do after each notice."""
        parts = (self.plugins, self.workflows, self.catalog, self.visibility)
        return tuple(part.refresh for part in parts)

    async def context_for(self, actor: Actor) -> RequestContext:
        """Return what the resolvers of one request of an actor share."""
        await self.people.remember(actor)
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
