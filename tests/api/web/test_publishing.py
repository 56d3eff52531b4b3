"""The form with which the side of the assignee writes for the status page."""

from engine.storage.outages.publications import read_publications
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from engine.tickets.publications import PublicText
from tests.support.api_client import Api, Client
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import declare_service, report
from tests.support.personas import ADA, ANNA
from tests.support.resources import sla_targets, status_page
from tests.support.web_client import signed_in, submit

FORM = "/tickets/{}/publication"
TEXT = {"public_title": "Cards fail", "impact": "You cannot pay by card.", "update": "We look"}
HISTORY = "query ($id: ID!) { ticket(id: $id) { history(last: 2) { kind actor to } } }"


async def outage(database: Database, *, page: bool = True) -> str:
    await declare_service(database)
    await put_resources(database, [sla_targets("payment-team"), status_page(enabled=page)])
    return str((await report(database, "DOWN")).ticket)


async def shown(client: Client, database: Database, actor: Actor, ticket: str) -> str:
    cookie = await signed_in(database, actor)
    async with client.get(f"/tickets/{ticket}", headers=cookie) as response:
        return await response.text()


async def test_a_text_is_published_and_withdrawn(
    client: Client, api: Api, database: Database
) -> None:
    ticket = await outage(database)
    assert "says nothing from this ticket" in await shown(client, database, ADA, ticket)
    cookie = await signed_in(database, ADA)
    sent = await submit(client, FORM.format(ticket), cookie, TEXT)
    assert (sent.status, sent.headers["Location"]) == (303, f"/tickets/{ticket}?done=publish")
    published = await read_publications(database, [ticket])
    assert published[ticket].text == PublicText("Cards fail", "You cannot pay by card.", "We look")
    assert "Withdraw from the status page" in await shown(client, database, ADA, ticket)
    sent = await submit(client, FORM.format(ticket), cookie, {"withdraw": "true"})
    assert sent.status == 303
    assert await read_publications(database, [ticket]) == {}
    history = (await api.data(ADA, HISTORY, id=ticket))["ticket"]["history"]
    assert [each["to"] for each in history] == [
        '["Cards fail", "You cannot pay by card.", "We look"]',
        None,
    ]


async def test_others_do_not_see_the_form_and_cannot_send_it(
    client: Client, database: Database
) -> None:
    ticket = await outage(database)
    assert "Status page" not in await shown(client, database, ANNA, ticket)
    sent = await submit(client, FORM.format(ticket), await signed_in(database, ANNA), TEXT)
    assert sent.status == 403
    assert await read_publications(database, [ticket]) == {}


async def test_there_is_no_form_while_the_page_is_off(client: Client, database: Database) -> None:
    ticket = await outage(database, page=False)
    assert "Status page" not in await shown(client, database, ADA, ticket)
