"""The status page over HTTP: off by default, public, cached, and independent of the database."""

import re
from base64 import b64encode
from hashlib import sha256
from xml.etree.ElementTree import fromstring

import pytest

from engine.plugins import Plugin
from engine.resources.resource import Resource
from engine.storage.outages.maintenance import schedule_window
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket, UpdateTicket
from engine.tickets.publications import PublishIncident, WithdrawIncident
from tests.api.web.status_page.conftest import StatusServer
from tests.support.declared_resources import put_resources
from tests.support.maintenance import window_from_now
from tests.support.monitored_services import PATH, declare_service, report
from tests.support.personas import ADA
from tests.support.resources import retired, sla_targets, status_page, visibility

PATHS = ("/status", "/status/feed.atom", "/status/badges/payment-team.svg", "/api/v1/status")
ON = status_page(enabled=True, companyName="Acme")
TARGETS = sla_targets("payment-team")
INTERNAL = (
    "acme/shop",
    "secret-team",
    "Internal words",
    "u_a0",
    "Ada",
    "tk_",
    "A note",
    "No answer",
)
"""What a test puts into the database, and no document may contain."""


async def outage(database: Database, *settings: Resource) -> str:
    """Report an outage of a public and of another group; return the ticket of the first."""
    await declare_service(database, slaGroup="payment-team")
    await declare_service(database, "acme/shop/secret-api", slaGroup="secret-team")
    await put_resources(database, settings or (ON, TARGETS))
    ticket = str((await report(database, "DOWN", message="No answer")).ticket)
    await report(database, "DOWN", "acme/shop/secret-api", message="No answer")
    store = TicketStore(database)
    await store.update(ADA, UpdateTicket.parse(ticket=ticket, title="Internal words"))
    await store.comment(ADA, CommentTicket.parse(ticket=ticket, text="A note", internal=True))
    return ticket


async def documents(server: StatusServer) -> dict[str, str]:
    """Return the text of each document of the page."""
    await server.state.refresh()
    answers = {path: await server.get(path) for path in PATHS}
    assert {status for status, _, _ in answers.values()} == {200}
    return {path: text for path, (_, text, _) in answers.items()}


@pytest.mark.parametrize(
    "settings",
    [(), (TARGETS,), (TARGETS, status_page(enabled=False)), (TARGETS, retired(ON))],
    ids=["nothing declared", "only targets", "off", "retired"],
)
@pytest.mark.parametrize("path", PATHS)
async def test_there_is_no_page_unless_it_is_on(
    status_server: StatusServer, database: Database, path: str, settings: tuple[Resource, ...]
) -> None:
    await outage(database, *(settings or (visibility("everyone"),)))
    await status_server.state.refresh()
    status, text, _ = await status_server.get(path)
    assert status == 404
    assert not [each for each in INTERNAL if each in text]


async def test_before_the_first_read_the_page_is_unavailable(status_server: StatusServer) -> None:
    assert (await status_server.get("/status"))[0] == 503


async def test_only_a_text_for_the_public_is_shown(
    status_server: StatusServer, database: Database
) -> None:
    ticket = await outage(database)
    store = TicketStore(database)
    found = await documents(status_server)
    assert "Payment-Team is affected" in found["/status"]
    published = PublishIncident.parse(
        ticket=ticket, title="Cards fail", impact="You cannot pay.", update="We look into it."
    )
    await store.publish(ADA, published)
    found = await documents(status_server)
    for path in ("/status", "/status/feed.atom", "/api/v1/status"):
        for text in ("Cards fail", "You cannot pay.", "We look into it."):
            assert text in found[path], path
    await store.withdraw(ADA, WithdrawIncident.parse(ticket=ticket))
    assert "Cards fail" not in "".join((await documents(status_server)).values())


@pytest.mark.parametrize("readers", ["everyone", "involved"])
@pytest.mark.parametrize("enabled", [True, False], ids=["ticketing on", "ticketing off"])
@pytest.mark.parametrize("published", [True, False], ids=["published", "not published"])
async def test_no_document_has_an_internal_word(
    status_server: StatusServer,
    database: Database,
    readers: str,
    *,
    enabled: bool,
    published: bool,
) -> None:
    ticket = await outage(database, ON, TARGETS, visibility(readers))
    if published:
        command = PublishIncident.parse(ticket=ticket, title="Cards fail")
        await TicketStore(database).publish(ADA, command)
    await schedule_window(
        database, window_from_now(services=[PATH], groups=["secret-team"]), "k1", None
    )
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=enabled)
    found = await documents(status_server)
    for path, text in found.items():
        assert not [each for each in INTERNAL if each in text], path
    assert ("Open incidents" in found["/status"]) == enabled


async def test_no_cookie_and_a_strict_policy(
    status_server: StatusServer, database: Database
) -> None:
    await outage(database)
    await status_server.state.refresh()
    _, text, headers = await status_server.get("/status")
    assert "Set-Cookie" not in headers
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("path", PATHS)
async def test_a_reader_who_has_the_content_gets_a_confirmation(
    status_server: StatusServer, database: Database, path: str
) -> None:
    await outage(database)
    await status_server.state.refresh()
    _, _, headers = await status_server.get(path)
    status, text, _ = await status_server.get(path, **{"If-None-Match": headers["ETag"]})
    assert (status, text) == (304, "")
    assert headers["Cache-Control"].startswith("public, max-age=30")


async def test_without_the_database_the_last_state_is_shown_with_its_time(
    status_server: StatusServer, database: Database
) -> None:
    await outage(database)
    await status_server.state.refresh()
    await database.pool.close()
    with pytest.raises(Exception, match=r"^.*$"):
        await status_server.state.refresh()
    status, text, headers = await status_server.get("/status")
    assert (status, "last known state" in text) == (200, False)
    status_server.seconds[0] = 31
    status, text, headers = await status_server.get("/status")
    assert (status, "last known state" in text) == (200, True)
    assert headers["Cache-Control"].startswith("public, max-age=5")
    assert '"isStale":true' in (await status_server.get("/api/v1/status"))[1]


async def test_the_badge_and_the_feed_have_their_types(
    status_server: StatusServer, database: Database
) -> None:
    await outage(database)
    found = await documents(status_server)
    badge = fromstring(found["/status/badges/payment-team.svg"])  # noqa: S314  # our own text
    assert badge.attrib["aria-label"] == "Payment-Team: down"
    _, _, headers = await status_server.get("/status/feed.atom")
    assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert (await status_server.get("/status/badges/secret-team.svg"))[0] == 404
