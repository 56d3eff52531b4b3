"""Runs the demo: fills an empty database, and serves it."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from secrets import token_hex
from typing import Final

from aiohttp import web
from pydantic import SecretStr

from api.bootstrap.application import open_application_on
from api.bootstrap.auth import token_issuer
from api.bootstrap.engine import open_engine
from api.bootstrap.options import server_options
from api.demo.tickets import ADA, ANNA, BELA, DORA, MARTON, TICKETS, ZOE, DemoTicket
from api.http.server import run_server
from api.logging import configure_logging
from api.settings import Settings
from api.web.views.sign_in.demo import DemoSignIn
from engine.outages.health_report import HealthReport
from engine.resources.resource import is_active
from engine.storage.outages.health import record_reports
from engine.storage.outages.reconcile_tickets import handle_service
from engine.storage.postgres.database import Database
from engine.storage.resources.read import read_resources
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransitionTicket,
)
from engine.tickets.publications import PublishIncident
from engine.tickets.search import PageRequest
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import ServiceStatus, Status
from reconciler.allowances import Allowances
from reconciler.apply import apply_first
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

USERS: Final = (ANNA, MARTON, ADA, BELA, DORA, ZOE)
VALUES: Final = "values.yaml"
KEY_FILE: Final = "demo.key"
TOKEN_LIFETIME: Final = timedelta(days=7)

BANNER: Final = """
Interlock is running at {url} with {data}. To stop it, press Ctrl-C.

Open this link in a browser. It signs you in as Marton:

  {url}{link}

To use the API, paste these tokens in another terminal. They are valid for a week:

  export ANNA={anna}
  export MARTON={marton}
  export ADA={ada}

Anna reports incidents, Marton is in the payment-team, and Ada is an admin. Then try:

  curl -s {url}/graphql -H "Authorization: Bearer $ANNA" -H 'Content-Type: application/json' \\
    -d '{{"query": "{{ tickets(first: 5) {{ nodes {{ id title status }} }} }}"}}'

{url}/status is the public status page, which needs no sign-in.
{browse}docs/quickstart.md continues with an incident from report to confirmation.
"""


BROWSE: Final = "{url}/graphql is a GraphQL editor for browsers; paste one of the tokens there.\n"


def run_demo(settings: Settings) -> None:
    """Fill an empty database with the demo, and serve until SIGTERM or SIGINT."""
    defaults = {"explorer": True, "drain_seconds": 0}
    unset = {name: defaults[name] for name in defaults.keys() - settings.model_fields_set}
    settings = settings.model_copy(update=unset)
    settings = with_secret(settings)
    configure_logging(settings.log_format, settings.log_level)
    sign_in = DemoSignIn((MARTON, *(each for each in USERS if each != MARTON)))
    announce = _announcement(settings, sign_in)
    run_server(_open_demo(settings, sign_in), server_options(settings), announce)


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


def _announcement(settings: Settings, sign_in: DemoSignIn) -> Callable[[str], None]:
    """Return the function that prints the address, the tokens and a first request."""
    tokens = token_issuer(settings)
    anna, marton, ada = (tokens.issue(user, TOKEN_LIFETIME) for user in (ANNA, MARTON, ADA))
    embedded = f"its own PostgreSQL in {settings.data_dir}"
    data = "the database of INTERLOCK_DATABASE_URL" if settings.database_url else embedded

    def announce(url: str) -> None:
        browse = BROWSE.format(url=url) if settings.explorer else ""
        banner = BANNER.format(
            url=url,
            link=sign_in.link,
            data=data,
            anna=anna,
            marton=marton,
            ada=ada,
            browse=browse,
        )
        sys.stdout.write(banner)
        sys.stdout.flush()

    return announce


@asynccontextmanager
async def _open_demo(settings: Settings, sign_in: DemoSignIn) -> AsyncIterator[web.Application]:
    async with open_engine(settings) as engine:
        await fill(engine.database)
        async with open_application_on(engine, settings, demo=sign_in) as application:
            yield application


async def fill(database: Database) -> int:
    """Apply the declaration of the demo to a new database, and create its tickets.

    A database with another declaration or with tickets stays as it is.

    Returns:
        The number of tickets that were created.

    """
    text = (files(__package__) / VALUES).read_text("utf-8")
    desired = read_desired(ValuesInput([(VALUES, text)]))
    await apply_first(database, desired, "the demo", Allowances(publishing=True))
    for user in USERS:
        await save_user(database, user)
    live = (await read_resources(database)).resources
    is_ours = all(is_active(live.get(key)) for key in desired.resources)
    if not is_ours or (await find_tickets(database, SYSTEM_VIEWER, {}, PageRequest(1))).tickets:
        return 0
    store = TicketStore(database)
    for ticket in TICKETS:
        await _create(store, ticket)
    await _report_health(database, store)
    return len(TICKETS)


async def _create(store: TicketStore, demo: DemoTicket) -> None:
    """Create one ticket and take it to its final status."""
    ticket = await _open(store, demo)
    if demo.worker is None:
        return
    worker = demo.worker
    await store.assign(worker, AssignTicket(ticket=ticket.id, assignee=worker.id))
    steps = (
        (worker, Status.IN_PROGRESS),
        (worker, Status.RESOLVED),
        (demo.requester, Status.CLOSED),
    )
    for actor, status in steps[: demo.status.ordinal]:
        await store.transition(actor, TransitionTicket(ticket=ticket.id, to=status))
    for text, internal in ((demo.comment, False), (demo.note, True)):
        if text:
            comment = CommentTicket(ticket=ticket.id, text=text, internal=internal)
            await store.comment(worker, comment)


async def _open(store: TicketStore, demo: DemoTicket) -> Ticket:
    opener = demo.opener or demo.requester
    if demo.item:
        from_item = CreateTicketFromCatalog(
            item=demo.item,
            title=demo.title,
            description=demo.description,
            requester=demo.requester.id,
        )
        return await store.create_from_catalog(opener, from_item)
    command = CreateTicket(
        title=demo.title,
        description=demo.description,
        priority=demo.priority,
        workflow=demo.workflow,
        requester=demo.requester.id,
        assignee_group=demo.group,
        sla=demo.sla,
    )
    return await store.create(opener, command)


async def _report_health(database: Database, store: TicketStore) -> None:
    """Report that one service is down and another one works, as a monitoring system does.

    The status page has a text about the outage.
    """
    checkout, vpn = "acme/shop/prod/eu1/checkout", "acme/office/prod/eu1/vpn"
    reports = (
        HealthReport(path=vpn, status=ServiceStatus.OPERATIONAL, source="demo"),
        HealthReport(
            path=checkout,
            status=ServiceStatus.DOWN,
            message="5xx above 20 % for 5 minutes",
            source="demo",
        ),
    )
    for report in reports:
        await record_reports(database, report.path, [report])
        outage = await handle_service(database, report.path)
        if outage.ticket:
            text = PublishIncident(
                ticket=outage.ticket,
                title="You cannot pay in the shop",
                impact="Orders stay in your basket; you can pay for them later.",
                update="We found the cause and undo the last change.",
            )
            await store.publish(MARTON, text)
