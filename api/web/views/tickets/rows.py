"""Read what the rows of a list show in addition to the tickets."""

from collections.abc import Sequence

from api.runtime.loaders import TicketLoader
from api.web.views.tickets.view import TicketRow, build_rows
from engine.storage.postgres.database import Database
from engine.tickets.ticket import Ticket


async def read_rows(
    database: Database, tickets: Sequence[Ticket], *, changed: bool = False
) -> tuple[TicketRow, ...]:
    """Return the rows of tickets that were read together.

    Args:
        database: where to read.
        tickets: in list order.
        changed: whether the rows replace others that the page shows.

    """
    if not tickets:
        return ()
    loader = TicketLoader(database, tickets)
    names, timers = await loader.involved_names(), await loader.timers()
    return build_rows(tickets, names, timers, await loader.now(), changed=changed)
