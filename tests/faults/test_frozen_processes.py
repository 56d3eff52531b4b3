"""A frozen process keeps no lock for longer than a transaction can be idle."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from engine.limits import RETRY_AFTER_SECONDS_MAX
from engine.storage.history.changes import changes_after
from engine.storage.history.log import log_end
from engine.storage.postgres.database import open_database
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.tickets.store import TicketStore
from tests.support.api_client import bearer
from tests.support.concurrent_changes import open_ticket
from tests.support.lock_gates import TIMEOUT_SECONDS, open_observer
from tests.support.own_postgres import OwnPostgres, prepared_postgres
from tests.support.personas import ANNA
from tests.support.replicas import replica
from tests.support.values_mount import NARROWED

TICKET = {"title": "Printer", "workflow": "service_request"}


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    """Return a server with a shorter limit for idle transactions than that of the product."""
    async with prepared_postgres("idle_in_transaction_session_timeout=2s") as server:
        yield server


async def test_a_frozen_server_does_not_keep_its_transaction(postgres: OwnPostgres) -> None:
    async with (
        replica(postgres.url) as frozen,
        aiohttp.ClientSession(frozen.url, headers=bearer(ANNA)) as client,
        open_observer(postgres.url) as observer,
        open_database(postgres.url) as database,
    ):
        start = await log_end(database)
        async with observer.closed_gate("ticket_status_history"):
            creating = asyncio.create_task(client.post("/api/v1/tickets", json=TICKET))
            [blocked] = await observer.wait_until_blocked(1)
            frozen.send_signal(signal.SIGSTOP)
        await observer.wait_for(0, f"pid = {blocked}")
        opened = await open_ticket(TicketStore(database))
        async with database.transaction() as session:
            await lock_tickets_exclusive(session, TIMEOUT_SECONDS)
        [change] = await changes_after(database, start, 10)
        assert change[0].ticket == opened
        frozen.send_signal(signal.SIGCONT)
        async with await creating as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) <= RETRY_AFTER_SECONDS_MAX
        async with client.post("/api/v1/tickets", json=TICKET) as response:
            assert response.status == 201


async def test_a_frozen_apply_does_not_keep_tickets_locked(
    postgres: OwnPostgres, tmp_path: Path
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(NARROWED)
    async with open_observer(postgres.url) as observer, open_database(postgres.url) as database:
        async with observer.closed_gate("workflow_revisions"):
            applying = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from api.cli.main import main; main()"),
                *("apply", "-f", str(values), "--yes"),
                env={"INTERLOCK_DATABASE_URL": postgres.url},
                stderr=asyncio.subprocess.PIPE,
            )
            [blocked] = await observer.wait_until_blocked(1)
            applying.send_signal(signal.SIGSTOP)
        await observer.wait_for(0, f"pid = {blocked}")
        await open_ticket(TicketStore(database))
        applying.send_signal(signal.SIGCONT)
        _, errors = await applying.communicate()
        assert applying.returncode == 1
        assert b"[unavailable]" in errors
