"""The demo: two people and a handful of tickets, made as people would make them."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Final

from aiohttp import web
from pydantic import SecretStr

from api.bootstrap.application import application_on
from api.bootstrap.auth import secret_tokens
from api.bootstrap.engine import Engine, open_engine
from api.http.server import run_server
from api.logging import configure_logging
from api.settings import Settings
from engine.declaration.models import Ticketing
from engine.resources.resource import declared_resources
from engine.storage.resources.read import read_live
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import remember_user
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransitionTicket,
)
from engine.tickets.search import Part
from engine.tickets.viewer import EVERYTHING
from engine.vocabulary import SYSTEM, Priority, Status
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import Desired

ANNA: Final = Actor("u_b1", "Anna K.")
MARTON: Final = Actor("u_c4", "Marton P.", frozenset({"payment-team"}))
KEY_FILE: Final = "demo.key"
SOURCE: Final = "the default workflows"
TOKEN_LIFETIME: Final = timedelta(days=7)

BANNER: Final = """
Interlock serves at {url}/graphql with {data}. Ctrl-C stops it.

Two people to be (tokens for a week):

  export ANNA={anna}
  export MARTON={marton}

Anna reports, Marton is in the payment-team. {browse}In another terminal, paste both lines and try:

  curl -s {url}/graphql -H "Authorization: Bearer $ANNA" -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ tickets(first: 5) {{ nodes {{ id title status }} }} }}"}}'

docs/quickstart.md continues with an incident from report to confirmation.
"""


BROWSE: Final = "In a browser, open {url}/graphql and paste one of them.\n"


@dataclass(frozen=True, slots=True)
class DemoTicket:
    """One ticket of the demo: Anna opens it, Marton works on it, Anna confirms.

    Attributes:
        status: how far it comes.
        comment: what Marton says about it; empty for nothing.

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
        description="I take over refunds from Monday on.",
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
        comment="The template is mended; please look at invoice 2031.",
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
        description="Found on 3 April, seen twice since.",
        workflow="incident_response",
        priority=Priority.HIGH,
        status=Status.CLOSED,
        comment="The retry now carries the key of the first try.",
    ),
)


def run_demo(settings: Settings) -> None:
    """Serve an empty database that was filled with the demo, until SIGTERM or SIGINT."""
    settings = with_explorer(with_secret(settings))
    configure_logging(settings.log_format, settings.log_level)
    run_server(open_demo(settings), settings.host, settings.port, announcement(settings))


@asynccontextmanager
async def open_demo(settings: Settings) -> AsyncIterator[web.Application]:
    """Fill the database, then open the application on it."""
    async with open_engine(settings) as parts:
        await fill(parts)
        async with application_on(parts, settings) as application:
            yield application


def announcement(settings: Settings) -> Callable[[str], None]:
    """Return what tells a newcomer where Interlock is and what to try."""
    tokens = secret_tokens(settings)
    anna, marton = (tokens.mint(person, TOKEN_LIFETIME) for person in (ANNA, MARTON))
    embedded = f"its own PostgreSQL in {settings.data_dir}"
    data = "the database of INTERLOCK_DATABASE_URL" if settings.database_url else embedded

    def announce(url: str) -> None:
        browse = BROWSE.format(url=url) if settings.explorer else ""
        banner = BANNER.format(url=url, data=data, anna=anna, marton=marton, browse=browse)
        sys.stdout.write(banner)
        sys.stdout.flush()

    return announce


def with_explorer(settings: Settings) -> Settings:
    """Return the settings with the explorer on, unless they say otherwise."""
    if "explorer" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"explorer": True})


def with_secret(settings: Settings) -> Settings:
    """Return the settings with a secret: their own, or one that is kept in the data folder."""
    if settings.jwt_secret or settings.jwt_secret_file:
        return settings
    file = settings.data_dir / KEY_FILE
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(token_hex(), "utf-8")
    return settings.model_copy(update={"jwt_secret": SecretStr(file.read_text("utf-8"))})


async def fill(parts: Engine) -> int:
    """Put the default workflows in force and, into an empty database, the demo's tickets.

    Returns:
        How many tickets were made.

    """
    if not (await read_live(parts.database)).resources:
        defaults = Desired(declared_resources(Ticketing()))
        await reconcile(parts.database, defaults, ApplyRequest(by=SYSTEM, wait=True), SOURCE)
    for person in (ANNA, MARTON):
        await remember_user(parts.database, person)
    if (await find_tickets(parts.database, EVERYTHING, {}, Part(1))).tickets:
        return 0
    for story in DEMO_TICKETS:
        await tell(parts, story)
    return len(DEMO_TICKETS)


async def tell(parts: Engine, story: DemoTicket) -> None:
    """Make one ticket and bring it to its status."""
    store = TicketStore(parts.database)
    form = CreateTicket(
        title=story.title,
        description=story.description,
        priority=story.priority,
        workflow=story.workflow,
        assignee_group="payment-team",
    )
    ticket = await store.create(ANNA, form)
    if story.status is not Status.OPEN:
        await store.assign(MARTON, AssignTicket(ticket=ticket.id, assignee=MARTON.id))
    for actor, to in steps_to(story.status):
        await store.transition(actor, TransitionTicket(ticket=ticket.id, to=to))
    if story.comment:
        await store.comment(MARTON, CommentTicket(ticket=ticket.id, text=story.comment))


def steps_to(status: Status) -> list[tuple[Actor, Status]]:
    """Return who takes a new ticket where, until it stands in `status`."""
    everything = [
        (MARTON, Status.IN_PROGRESS),
        (MARTON, Status.RESOLVED),
        (ANNA, Status.CLOSED),
    ]
    return everything[: status.ordinal]
