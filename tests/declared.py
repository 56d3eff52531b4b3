"""Declared resources, written without a plan: for tests of what lies below the reconciler."""

from collections.abc import Iterable
from secrets import token_hex

from engine.storage.database import Database
from engine.storage.ledger import LedgerEntry, record
from engine.storage.notices import tell_servers
from engine.storage.resource_store import reconciling
from engine.storage.resource_writes import write_resources
from engine.storage.ticket_locks import hold_tickets
from engine.workflows.declaration import Ticketing
from engine.workflows.resources import Resource, declared_resources

DEFAULTS = tuple(declared_resources(Ticketing()).values())


async def declare(database: Database, **ticketing: object) -> None:
    """Put in force what a `ticketing:` section declares."""
    await put(database, declared_resources(Ticketing.model_validate(ticketing)).values())


async def put(database: Database, resources: Iterable[Resource] = DEFAULTS) -> None:
    """Put resources in force, or retire those that say so."""
    async with reconciling(database, "tests", wait=True) as session:
        number = await record(session, LedgerEntry(token_hex(), "{}", "tests", "tests"))
        await hold_tickets(session)
        await write_resources(session, resources, number)
        await tell_servers(session, f"reconciliation {number}")
