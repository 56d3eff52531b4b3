"""The demo: two users and a handful of tickets, created through the ticket store."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Final

from aiohttp import web
from pydantic import SecretStr

from api.bootstrap.application import open_application_on, server_options
from api.bootstrap.auth import token_issuer
from api.bootstrap.engine import open_engine
from api.http.server import run_server
from api.logging import configure_logging
from api.settings import Settings
from engine.storage.postgres.database import Database
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransitionTicket,
)
from engine.tickets.search import PageRequest
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from reconciler.apply import apply_defaults

ANNA: Final = Actor("u_b1", "Anna K.")
MARTON: Final = Actor("u_c4", "Marton P.", frozenset({"payment-team"}))
KEY_FILE: Final = "demo.key"
TOKEN_LIFETIME: Final = timedelta(days=7)

BANNER: Final = """
Interlock is running at {url}/graphql with {data}. To stop it, press Ctrl-C.

Tokens for two users, valid for a week:

  export ANNA={anna}
  export MARTON={marton}

Anna reports incidents; Marton is in the payment-team.
{browse}In another terminal, paste the two lines with the tokens, and then try:

  curl -s {url}/graphql -H "Authorization: Bearer $ANNA" -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ tickets(first: 5) {{ nodes {{ id title status }} }} }}"}}'

docs/quickstart.md continues with an incident from report to confirmation.
"""


BROWSE: Final = "Open {url}/graphql in a browser and paste one of the tokens.\n"


@dataclass(frozen=True, slots=True)
class DemoTicket:
    """One ticket of the demo: Anna opens it, Marton works on it, Anna confirms.

    Attributes:
        status: its final status.
        comment: Marton's comment; empty for none.

    """

    title: str
    description: str
    workflow: str
    priority: Priority
    status: Status
    comment: str = ""


DEMO_TICKETS: Final = (
    DemoTicket(
        title="Card payments time out in the checkout",
        description="Since 13:40 about a third of the payments end in a time-out after 30 s.",
        workflow="incident_response",
        priority=Priority.CRITICAL,
        status=Status.IN_PROGRESS,
        comment="The pool of the payment gateway is exhausted; rolling back this noon's release.",
    ),
    DemoTicket(
        title="Access to the refund dashboard",
        description="I take over refunds next Monday.",
        workflow="access_request",
        priority=Priority.MEDIUM,
        status=Status.OPEN,
    ),
    DemoTicket(
        title="Invoices of March show the old address",
        description="",
        workflow="service_request",
        priority=Priority.LOW,
        status=Status.RESOLVED,
        comment="The template is fixed; please check invoice 2031.",
    ),
    DemoTicket(
        title="Rotate the certificate of pay.example.com",
        description="It expires in nine days.",
        workflow="change_request",
        priority=Priority.HIGH,
        status=Status.OPEN,
    ),
    DemoTicket(
        title="Duplicate bookings after a retry",
        description="Found on 3 April and twice since then.",
        workflow="incident_response",
        priority=Priority.HIGH,
        status=Status.CLOSED,
        comment="The retry now carries the key of the first try.",
    ),
)


def run_demo(settings: Settings) -> None:
    """Fill an empty database with the demo, and serve until SIGTERM or SIGINT."""
    defaults = {"explorer": True, "drain_seconds": 0}
    unset = {name: defaults[name] for name in defaults.keys() - settings.model_fields_set}
    settings = settings.model_copy(update=unset)
    settings = with_secret(settings)
    configure_logging(settings.log_format, settings.log_level)
    run_server(_open_demo(settings), server_options(settings), _announcement(settings))


def with_secret(settings: Settings) -> Settings:
    """Return the settings with their own secret, or with one that is kept in the data folder."""
    if settings.jwt_secret or settings.jwt_secret_file:
        return settings
    file = settings.data_dir / KEY_FILE
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(token_hex(), "utf-8")
    return settings.model_copy(update={"jwt_secret": SecretStr(file.read_text("utf-8"))})


def _announcement(settings: Settings) -> Callable[[str], None]:
    """Return the function that prints the address, the tokens and a first request."""
    tokens = token_issuer(settings)
    anna, marton = (tokens.issue(user, TOKEN_LIFETIME) for user in (ANNA, MARTON))
    embedded = f"its own PostgreSQL in {settings.data_dir}"
    data = "the database of INTERLOCK_DATABASE_URL" if settings.database_url else embedded

    def announce(url: str) -> None:
        browse = BROWSE.format(url=url) if settings.explorer else ""
        banner = BANNER.format(url=url, data=data, anna=anna, marton=marton, browse=browse)
        sys.stdout.write(banner)
        sys.stdout.flush()

    return announce


@asynccontextmanager
async def _open_demo(settings: Settings) -> AsyncIterator[web.Application]:
    async with open_engine(settings) as engine:
        await fill(engine.database)
        async with open_application_on(engine, settings) as application:
            yield application


async def fill(database: Database) -> int:
    """Apply the default workflows to a new database; create tickets if there are no tickets.

    Returns:
        The number of tickets that were created.

    """
    await apply_defaults(database)
    for user in (ANNA, MARTON):
        await save_user(database, user)
    if (await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(1))).tickets:
        return 0
    store = TicketStore(database)
    for ticket in DEMO_TICKETS:
        await _create(store, ticket)
    return len(DEMO_TICKETS)


async def _create(store: TicketStore, demo: DemoTicket) -> None:
    """Create one ticket and take it to its final status."""
    command = CreateTicket(
        title=demo.title,
        description=demo.description,
        priority=demo.priority,
        workflow=demo.workflow,
        assignee_group="payment-team",
    )
    ticket = await store.create(ANNA, command)
    if demo.status is not Status.OPEN:
        await store.assign(MARTON, AssignTicket(ticket=ticket.id, assignee=MARTON.id))
    steps = ((MARTON, Status.IN_PROGRESS), (MARTON, Status.RESOLVED), (ANNA, Status.CLOSED))
    for actor, status in steps[: demo.status.ordinal]:
        await store.transition(actor, TransitionTicket(ticket=ticket.id, to=status))
    if demo.comment:
        await store.comment(MARTON, CommentTicket(ticket=ticket.id, text=demo.comment))
