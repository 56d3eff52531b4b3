"""A page takes the same number of SQL statements, however much there is to show."""

from typing import Final

from api.bootstrap.engine import EngineHandle
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.user_settings import save_view
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignTicket, CommentTicket, CreateTicket, TransitionTicket
from engine.tickets.ticket import Ticket
from engine.user_settings import SavedView
from engine.vocabulary import Status
from tests.support.api_client import Client
from tests.support.declared_resources import declare
from tests.support.personas import ADA, sign_in
from tests.support.web_client import signed_in

FEW: Final = 2
MANY: Final = 10 * FEW
TICKET: Final = "the ticket"
"""Instead of the path of a ticket, which is different in every test."""

SESSION: Final = 1
"""The session of the reader, together with their settings."""
ROWS: Final = 3
"""The names of the users, the SLA timers, and the time of the database."""
SEARCH: Final = 4
"""A search in a transaction, with settings for its plan."""
PAGES: Final = {
    "/tickets": SESSION + 1 + 1 + ROWS + 1,  # the position, the tickets, the saved views
    # By due time, tickets without one follow on a page that is not full.
    "/tickets?requester=u_1&order=due": SESSION + 1 + 2 * SEARCH + ROWS + 1,
    # The position, the ticket, its latest entries, the declaration of the status page.
    TICKET: SESSION + 4 + ROWS,
    "/new": SESSION,
    "/new/form": SESSION + 1,  # the groups that open tickets for others
    "/new/items/item_0": SESSION + 3 + 1 + 1,  # the SLA in a transaction, the time, the groups
    "/workflows": SESSION,
    "/workflows/flow_0": SESSION + 1 + 1,  # its live tickets, its revisions
    "/insights": SESSION + 3,
    "/settings": SESSION + 1,  # the saved views
    "/plan": SESSION,
}
"""The number of statements of each page."""


def workflow(number: int, display_name: str) -> dict[str, object]:
    return {
        "name": f"flow_{number}",
        "displayName": display_name,
        "transitions": [
            {"from": "OPEN", "to": "IN_PROGRESS", "role": "any"},
            {"from": "IN_PROGRESS", "to": "RESOLVED", "role": "any"},
            {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
        ],
    }


def item(number: int) -> dict[str, object]:
    return {
        "name": f"item_{number}",
        "category": f"category_{number % FEW}",
        "displayName": f"Item {number}",
        "workflow": "flow_0",
    }


async def fill(database: Database, begin: int, end: int) -> Ticket:
    """Add some of everything that the pages show; return a ticket with a long history."""
    for number in range(begin, end):
        await declare(  # a revision of a workflow each
            database,
            workflows=[workflow(each, f"Flow {number}") for each in range(end)],
            catalog={
                "categories": [
                    {"name": f"category_{each}", "displayName": f"{each}"} for each in range(FEW)
                ],
                "items": [item(each) for each in range(end)],
            },
        )
        view = SavedView(name=f"View {number}", query=f"status=OPEN&requester=u_{number}")
        await save_view(database, ADA.id, view)
    store = TicketStore(database)
    form = {"workflow": "flow_0", "title": "Printer", "sla": {"by_priority": True}}
    long = await store.create(ADA, CreateTicket.parse(**form))
    for number in range(begin, end):
        user = Actor(f"u_{number}", f"User {number}")
        await sign_in(database, user)
        ticket = await store.create(user, CreateTicket.parse(**form | {"title": f"{number}"}))
        colleague = f"u_{number // 2}"
        await store.assign(ADA, AssignTicket.parse(ticket=ticket.id, assignee=colleague))
        started = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
        await store.transition(ADA, started)
        await store.comment(user, CommentTicket.parse(ticket=long.id, text=f"Me, too {number}"))
        await store.assign(ADA, AssignTicket.parse(ticket=long.id, assignee=user.id))
    return long


async def test_the_number_of_statements_of_a_page_does_not_depend_on_its_rows(
    client: Client, engine: EngineHandle, statements: list[str]
) -> None:
    cookie = await signed_in(engine.database, ADA)
    counts: list[dict[str, int]] = []
    for begin, end in ((0, FEW), (FEW, MANY)):
        ticket = await fill(engine.database, begin, end)
        counts.append({})
        for page in PAGES:
            path = f"/tickets/{ticket.id}" if page == TICKET else page
            for _ in range(2):  # the first request can fill caches
                statements.clear()
                async with client.get(path, headers=cookie, allow_redirects=False) as response:
                    assert response.status == 200, (path, response.headers)
            counts[-1][page] = len(statements)
    assert counts == [PAGES, PAGES]
