"""What the handlers of one request share: the viewer, the caches, and the loaders of tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from api.limits import GraphQLLimits
from api.runtime.catalog import CatalogCache
from api.runtime.change_feed import ChangeFeed
from api.runtime.loaders import TicketLoader
from api.runtime.plugins import PluginCache
from api.runtime.workflows import WorkflowCache
from engine.storage.postgres.databases import Databases
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer


@dataclass(slots=True)
class RequestContext:
    """The context of one request, or of one event of a subscription."""

    _viewer: Viewer | None
    databases: Databases
    store: TicketStore
    workflows: WorkflowCache
    catalog: CatalogCache
    plugins: PluginCache
    limits: GraphQLLimits
    changes: ChangeFeed
    _loaders: dict[tuple[str, int], TicketLoader] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """The viewer.

        Raises:
            LookupError: several viewers share the answer, see `without_viewer`.

        """
        if self._viewer is None:
            raise LookupError("Register this resolver with `reads_viewer=True`.")
        return self._viewer

    @property
    def actor(self) -> Actor:
        """The user of the request."""
        return self.viewer.actor

    def without_viewer(self) -> Self:
        """Return a context for an answer that several viewers share."""
        return replace(self, _viewer=None)

    def load_together(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Return tickets; what belongs to one of them is loaded for all of them at once."""
        self.add_loader(TicketLoader(self.databases.reads, tickets))
        return list(tickets)

    def add_loader(self, loader: TicketLoader) -> None:
        """Use a loader for its tickets."""
        keys = ((ticket.id, ticket.version) for ticket in loader.tickets)
        self._loaders.update(dict.fromkeys(keys, loader))

    def loader_of(self, ticket: Ticket) -> TicketLoader:
        """Return the loader of a ticket; one for it alone if it was not read with others."""
        key = ticket.id, ticket.version
        loader = self._loaders.get(key)
        if loader is None:
            loader = self._loaders[key] = TicketLoader(self.databases.reads, [ticket])
        return loader
