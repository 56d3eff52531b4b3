"""What the resolvers of one request share: who asks, whom to ask, and what was read already."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from api.limits import GraphQLLimits
from api.runtime.catalog import CatalogCache
from api.runtime.change_feed import ChangeFeed
from api.runtime.loaders import TicketLoader
from api.runtime.plugins import PluginCache
from api.runtime.workflows import WorkflowCache
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer


@dataclass(slots=True)
class RequestContext:
    """One request's share of the application.

    Attributes:
        asker: the person who asks, as one who reads tickets.
        answers_differ: whether what is answered may depend on who asks, as somebody wanted to know.

    """

    asker: Viewer
    database: Database
    store: TicketStore
    workflows: WorkflowCache
    catalog: CatalogCache
    plugins: PluginCache
    limits: GraphQLLimits
    changes: ChangeFeed
    answers_differ: bool = False
    _batches: dict[tuple[str, int], TicketLoader] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """The person who asks, for resolvers: what they answer now depends on that."""
        self.answers_differ = True
        return self.asker

    @property
    def actor(self) -> Actor:
        """The person who asks."""
        return self.viewer.actor

    def together(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Return tickets, noting that they were read together; one by itself needs no note."""
        self.know(TicketLoader(self.database, tickets))
        return list(tickets)

    def know(self, batch: TicketLoader) -> None:
        """Note what was read together, perhaps for others, too."""
        places = ((ticket.id, ticket.version) for ticket in batch.tickets)
        self._batches.update(dict.fromkeys(places, batch))

    def batch_of(self, ticket: Ticket) -> TicketLoader:
        """Return the tickets that this one was read with; if with none, then it alone."""
        place = ticket.id, ticket.version
        batch = self._batches.get(place)
        if batch is None:
            batch = self._batches[place] = TicketLoader(self.database, [ticket])
        return batch
