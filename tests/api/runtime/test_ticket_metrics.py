"""The metrics of tickets count what took effect, once."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from api.runtime.ticket_metrics import TicketMetrics
from engine.errors import ForbiddenTransition, VersionConflict
from engine.storage.postgres.database import Database
from engine.storage.sla.breaches import BreachCounts, sweep_due_times
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import TransitionTicket
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.personas import ANNA, MARTON
from tests.support.stored_sla import later, open_ticket_with_sla

REFUSE_AT_COMMIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ticket_status_history
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def samples(metrics: TicketMetrics) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of each metric by its labels."""
    return {
        family.name.removeprefix("interlock_"): {
            tuple(sample.labels.values()): sample.value for sample in family.samples
        }
        for family in metrics.collect()
    }


async def replayed(store: TicketStore, ticket: Ticket) -> None:
    for _ in range(2):
        await pick_up(store, ticket, idempotency_key="once")


async def refused(store: TicketStore, ticket: Ticket) -> None:
    command = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
    with pytest.raises(ForbiddenTransition):
        await store.transition(ANNA, command)


async def in_conflict(store: TicketStore, ticket: Ticket) -> None:
    command = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS, expected_version=9)
    with pytest.raises(VersionConflict):
        await store.transition(MARTON, command)


Change = Callable[[TicketStore, Ticket], Awaitable[object]]
CHANGES: dict[str, tuple[Change, dict[tuple[str, ...], int], dict[tuple[str, ...], int]]] = {
    "made": (pick_up, {("incident_response", "IN_PROGRESS"): 1}, {}),
    "replayed": (replayed, {("incident_response", "IN_PROGRESS"): 1}, {}),
    "refused": (refused, {}, {("incident_response", "role_required"): 1}),
    "in conflict": (in_conflict, {}, {}),
}


@pytest.mark.parametrize(("change", "made", "refusals"), CHANGES.values(), ids=CHANGES)
async def test_a_transition_counts_if_it_was_made_or_refused(
    database: Database,
    change: Change,
    made: dict[tuple[str, ...], int],
    refusals: dict[tuple[str, ...], int],
) -> None:
    metrics = TicketMetrics(database)
    store = TicketStore(database, transitions=metrics.transitions)
    await change(store, await open_ticket(store))
    found = samples(metrics)
    assert found["transitions"] == made
    assert found["transitions_refused"] == refusals


async def test_live_tickets_are_counted_by_workflow_and_status(database: Database) -> None:
    metrics, store = TicketMetrics(database), TicketStore(database)
    tickets = [await open_ticket(store) for _ in range(3)]
    await pick_up(store, tickets[0])
    assert samples(metrics)["live_tickets"] == {}
    await metrics.count()
    assert samples(metrics)["live_tickets"] == {
        ("incident_response", "OPEN"): 2,
        ("incident_response", "IN_PROGRESS"): 1,
    }


async def test_a_breach_counts_once_it_is_recorded(database: Database, store: TicketStore) -> None:
    metrics = TicketMetrics(database)
    ticket = await open_ticket_with_sla(store)
    for minutes in (29, 31, 31, 9 * 60):
        await sweep_due_times(database, later(ticket, minutes=minutes), counts=metrics.breaches)
    assert samples(metrics)["sla_breaches"] == {("response",): 1, ("resolution",): 1}


async def test_a_breach_that_could_not_be_recorded_does_not_count(
    database: Database, store: TicketStore, owner: asyncpg.Connection
) -> None:
    ticket, counts = await open_ticket_with_sla(store), BreachCounts()
    await owner.execute(REFUSE_AT_COMMIT)
    with pytest.raises(ExceptionGroup):
        await sweep_due_times(database, later(ticket, minutes=31), counts=counts)
    assert counts == {}
