"""The status of a webhook follows from stored facts."""

from datetime import UTC, datetime

import pytest

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.status import WebhookState, count_deliveries, read_statuses
from tests.support.concurrent_changes import comment, open_ticket
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import enqueue, run_sql, webhook

DUE_FOR_A_MINUTE = "next_attempt_at = now() - interval '1min'"
CLAIMED = "claimed_until = now() + interval '1min'"
FAILED = "attempts = 1, last_result = 'timeout', next_attempt_at = now() + interval '1h'"
CASES: dict[str, tuple[str, str, WebhookState]] = {
    "a delivery just became due": ("next_attempt_at = now()", "", WebhookState.WORKING),
    "a delivery has been due for a minute": (DUE_FOR_A_MINUTE, "", WebhookState.DELAYED),
    "a failed delivery has been due for a minute": (
        f"last_result = 'timeout', {DUE_FOR_A_MINUTE}",
        "",
        WebhookState.DELAYED,
    ),
    "a server attempts the delivery": (f"{DUE_FOR_A_MINUTE}, {CLAIMED}", "", WebhookState.WORKING),
    "a failed delivery waits": (FAILED, "", WebhookState.FAILING),
    "the receiver asked to wait": (
        DUE_FOR_A_MINUTE,
        "paused_until = now() + interval '1h'",
        WebhookState.PAUSED,
    ),
    "a pause just ended": (DUE_FOR_A_MINUTE, "paused_until = now()", WebhookState.WORKING),
    "the receiver answered 410": (
        FAILED,
        "disabled_by_reconciliation = reconciliation",
        WebhookState.DISABLED,
    ),
    "the receiver of another declaration answered 410": (
        FAILED,
        "disabled_by_reconciliation = reconciliation - 1",
        WebhookState.FAILING,
    ),
    "it is retired": (FAILED, "retired_at = now()", WebhookState.RETIRED),
}


@pytest.mark.parametrize(("delivery", "row", "state"), CASES.values(), ids=CASES)
async def test_the_state_follows_from_stored_facts(
    store: TicketStore, database: Database, delivery: str, row: str, state: WebhookState
) -> None:
    await put_resources(database, [webhook("chat")])
    await open_ticket(store)
    await enqueue(database, 1)
    await run_sql(database, f"UPDATE webhook_deliveries SET {delivery}")  # noqa: S608
    if row:
        await run_sql(database, f"UPDATE webhooks SET {row}")  # noqa: S608
    [status] = await read_statuses(database)
    assert status.state is state
    has_next_attempt = "last_result" in delivery and state in {
        WebhookState.FAILING,
        WebhookState.DELAYED,
    }
    assert (status.next_attempt_at is not None) == has_next_attempt


async def test_the_oldest_pending_change_is_shown(store: TicketStore, database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(2)]
    await comment(store, tickets[0])
    await enqueue(database, 3)
    changes = await read_histories(database, [each.id for each in tickets])
    for pending, oldest in ((3, changes[tickets[0].id][0]), (2, changes[tickets[1].id][0])):
        [status] = await read_statuses(database)
        assert (status.pending, status.oldest_pending_at) == (pending, oldest.at)
        key = f"ticket = '{oldest.ticket}' AND seq = {oldest.seq}"
        finished = "state = 'delivered', finished_at = now()"
        await run_sql(database, f"UPDATE webhook_deliveries SET {finished} WHERE {key}")  # noqa: S608


async def test_a_pause_is_shown_until_it_ends(database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    for time, shown in (("2100-01-01Z", datetime(2100, 1, 1, tzinfo=UTC)), ("2020-01-01Z", None)):
        await run_sql(database, f"UPDATE webhooks SET paused_until = '{time}'")  # noqa: S608
        [status] = await read_statuses(database)
        assert (status.paused_until, status.oldest_pending_at) == (shown, None)


async def test_a_retired_webhook_that_is_no_longer_valid_is_counted(
    store: TicketStore, database: Database
) -> None:
    await put_resources(database, [webhook("chat"), webhook("pager")])
    await open_ticket(store)
    await enqueue(database, 1)
    await run_sql(
        database,
        "UPDATE webhooks SET retired_at = now(), declaration = '{\"url\": 1}' WHERE name = 'chat'",
    )
    counts = {each.name: each for each in await count_deliveries(database)}
    assert counts["chat"].declaration is None
    assert counts["pager"].declaration is not None
    assert counts["chat"].pending == 1
