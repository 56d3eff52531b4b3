"""The state of one server process, from which each request gets its context."""

from dataclasses import dataclass
from typing import Self

from api.limits import Limits
from api.log_context import bind_ticket
from api.runtime.catalog import CatalogCache
from api.runtime.change_feed import ChangeFeed
from api.runtime.clock_watch import ClockWatch
from api.runtime.known_users import KnownUsers
from api.runtime.log_watch import LogWatch
from api.runtime.plugins import PluginCache
from api.runtime.request_context import RequestContext
from api.runtime.server_report import ReportedDeclaration
from api.runtime.status_page import StatusPageState
from api.runtime.ticket_metrics import TicketMetrics
from api.runtime.visibility import VisibilityCache
from api.runtime.workflows import WorkflowCache
from engine.storage.postgres.databases import Databases
from engine.storage.postgres.slots import WaitBounds
from engine.storage.tickets.admission import Admission
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.vocabulary import Assignees


@dataclass(frozen=True, slots=True)
class ServerState:
    """The caches of a server. They lag behind the database by one notification."""

    databases: Databases
    limits: Limits
    plugins: PluginCache
    workflows: WorkflowCache
    catalog: CatalogCache
    visibility: VisibilityCache
    changes: ChangeFeed
    log_watch: LogWatch
    clock_watch: ClockWatch
    known_users: KnownUsers
    admission: Admission
    assignees: Assignees
    tickets: TicketMetrics
    declaration: ReportedDeclaration
    status_page: StatusPageState

    @classmethod
    async def read(
        cls, databases: Databases, limits: Limits, plugins: PluginCache, assignees: Assignees
    ) -> Self:
        """Return the state of a server on this database."""
        requests = WaitBounds(limits.http.viewer_requests, limits.server.wait_seconds)
        log_watch = LogWatch(databases.essential)
        clock_watch = ClockWatch(databases.essential)
        await clock_watch.check()
        status_page = StatusPageState(databases.background)
        await status_page.refresh()
        return cls(
            databases,
            limits,
            plugins,
            await WorkflowCache.read(databases),
            await CatalogCache.read(databases),
            await VisibilityCache.read(databases.essential),
            ChangeFeed(
                databases.essential, databases.reads, log_watch, limits.stream.waiting_changes
            ),
            log_watch,
            clock_watch,
            KnownUsers(databases.reads, requests),
            Admission.bounded(
                databases.changes.pool.size,
                requests,
                WaitBounds(limits.server.ticket_waiters, limits.server.wait_seconds),
            ),
            assignees,
            TicketMetrics(databases.background),
            ReportedDeclaration(databases),
            status_page,
        )

    async def refresh(self) -> None:
        """Read all caches again."""
        caches = (self.plugins, self.workflows, self.catalog, self.visibility)
        await self.declaration.refresh([cache.refresh for cache in caches])

    async def context_for(self, actor: Actor) -> RequestContext:
        """Return the context of one request of an actor."""
        await self.known_users.remember(actor)
        viewer = self.visibility.viewer(actor)
        return RequestContext(
            viewer,
            self.databases,
            TicketStore(
                self.databases.changes,
                viewer.visibility,
                self.admission,
                self.assignees,
                self.tickets.transitions,
                bind_ticket,
            ),
            self.workflows,
            self.catalog,
            self.plugins,
            self.limits.graphql,
            self.changes,
        )
