"""Insights count what happened in a period, and read a bounded number of rows."""

from datetime import timedelta

import asyncpg
import pytest

from engine.storage.insights.sla_compliance import read_sla_compliance
from engine.storage.insights.transitions import read_transition_insights
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.insights import SlaCompliance, UsedTransition
from engine.vocabulary import Status
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.stored_sla import open_ticket_with_sla

WEEK = timedelta(days=7)
# Rows of the record cannot be changed; the owner can switch that off to move them into the past.
AGE = (
    "SET session_replication_role = replica;"
    "UPDATE ticket_status_history SET at = at - interval '{age}' WHERE ticket = '{ticket}'"
    " AND seq <= {seq}; SET session_replication_role = origin"
)


@pytest.fixture
def store(database: Database) -> TicketStore:
    return TicketStore(database)


async def test_stays_and_used_transitions(
    database: Database, store: TicketStore, owner: asyncpg.Connection
) -> None:
    for hours in (1, 2, 3):
        ticket = await open_ticket(store)
        await pick_up(store, ticket)
        await owner.execute(AGE.format(age=f"{hours} hours", ticket=ticket.id, seq=1))
    await open_ticket(store)  # has left no status
    found = await read_transition_insights(database, WEEK)
    [stay] = found.stays
    assert (stay.workflow, stay.status, stay.times) == ("incident_response", Status.OPEN, 3)
    assert round(stay.median / timedelta(hours=1)) == 2
    assert 2.7 < stay.ninth_decile / timedelta(hours=1) < 2.9  # interpolated between 2 and 3
    assert found.used == [
        UsedTransition("incident_response", Status.OPEN, Status.IN_PROGRESS, times=3)
    ]
    assert found.read_since is not None


async def test_transitions_before_the_period_are_not_counted(
    database: Database, store: TicketStore, owner: asyncpg.Connection
) -> None:
    ticket = await pick_up(store, await open_ticket(store))
    await owner.execute(AGE.format(age="8 days", ticket=ticket.id, seq=2))
    assert not (await read_transition_insights(database, WEEK)).stays


async def test_only_the_newest_entries_are_read(database: Database, store: TicketStore) -> None:
    for _ in range(3):
        await pick_up(store, await open_ticket(store))
    [stay] = (await read_transition_insights(database, WEEK, entries=4)).stays
    assert stay.times == 2


async def test_sla_compliance(
    database: Database, store: TicketStore, owner: asyncpg.Connection
) -> None:
    tickets = [await open_ticket_with_sla(store) for _ in range(3)]
    await open_ticket(store)  # without SLA targets
    await owner.execute("UPDATE tickets SET response_breached = true WHERE id = $1", tickets[0].id)
    await owner.execute("UPDATE tickets SET status = 'RESOLVED' WHERE id = $1", tickets[1].id)
    found = await read_sla_compliance(database, WEEK)
    priority, group = tickets[0].priority, tickets[0].assignee_group
    assert found == [
        SlaCompliance("priority", priority, met=1, missed=1, running=1),
        SlaCompliance("group", group, met=1, missed=1, running=1),
    ]
    assert found[0].met_share == 0.5
    await owner.execute("UPDATE tickets SET created_at = created_at - interval '8 days'")
    assert await read_sla_compliance(database, WEEK) == []
