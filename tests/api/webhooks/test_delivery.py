"""Ticket changes are delivered as signed events."""

from engine.storage.history.changes import read_histories
from engine.storage.history.log import read_log
from engine.storage.history.position import LOG_START
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_version
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket
from engine.tickets.history import canonical_timestamp
from tests.support.concurrent_changes import (
    comment,
    edit,
    open_ticket,
    pick_up,
    reassign,
    transfer,
)
from tests.support.personas import MARTON
from tests.support.webhook_receiver import (
    OTHER_SECRET,
    SECRET,
    Receiver,
    Servers,
    declare,
    wait_for_deliveries,
)


async def test_a_change_is_delivered_as_a_signed_cloud_event(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    async with servers.running():
        await receiver.wait_for(2)
    request = receiver.received[1]
    assert request.is_signed_with(SECRET)
    assert not request.is_signed_with(OTHER_SECRET)
    assert request.headers["content-type"] == "application/cloudevents+json"
    entry = (await read_histories(database, [ticket.id]))[ticket.id][1]
    _, logged = await read_log(database, LOG_START, 2)
    assert request.event == {
        "specversion": "1.0",
        "id": f"{ticket.id}-2-{logged.position.fingerprint}",
        "source": "/interlock/tickets",
        "type": "ticket.transitioned",
        "subject": ticket.id,
        "time": canonical_timestamp(entry.at),
        "datacontenttype": "application/json",
        "data": {
            "position": str(logged.position),
            "version": 2,
            "actor": MARTON.id,
            "apiKey": None,
            "from": "OPEN",
            "to": "IN_PROGRESS",
            "ticket": {
                "id": ticket.id,
                "title": "Payments fail",
                "status": "IN_PROGRESS",
                "priority": "MEDIUM",
                "workflow": "incident_response",
                "requester": "u_b1",
                "assignee": "u_c4",
                "assigneeGroup": None,
                "item": None,
                "service": None,
                "createdAt": canonical_timestamp(ticket.created_at),
            },
        },
    }
    assert request.id == request.event["id"]


async def test_an_event_contains_its_ticket_right_after_the_change(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    for change in (comment, edit, transfer):
        await change(store, ticket)
    async with servers.running():
        await receiver.wait_for(6)
    assert receiver.types[-2:] == ["ticket.transferred", "ticket.assigned"]
    for each in (request.event for request in receiver.received):
        then = await read_version(database, ticket.id, each["data"]["version"])
        shown = each["data"]["ticket"]
        assert shown["title"] == then.title
        assert (shown["priority"], shown["assignee"]) == (then.priority, then.assignee)
        assert shown["assigneeGroup"] == then.assignee_group


async def test_only_declared_events_are_delivered(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url, "ticket.commented", "ticket.priority_changed")
    ticket = await open_ticket(store)
    for change in (comment, edit, pick_up, reassign):
        await change(store, ticket)
    async with servers.running():
        await wait_for_deliveries(database, "delivered", 2)
    assert receiver.types == ["ticket.commented", "ticket.priority_changed"]
    assert receiver.received[0].event["data"]["to"] == "Looking"


async def test_the_text_of_an_internal_note_is_never_delivered(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await declare(database, receiver.url)
    command = CommentTicket.parse(ticket=ticket.id, text="The card is stolen", internal=True)
    await store.comment(MARTON, command)
    async with servers.running():
        await receiver.wait_for(1)
    assert receiver.types == ["ticket.noted"]
    assert receiver.received[0].event["data"]["to"] is None
    assert b"stolen" not in receiver.received[0].body
