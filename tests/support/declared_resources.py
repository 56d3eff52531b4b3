"""Write declared resources without a plan, for tests below the reconciler."""

from collections.abc import Iterable
from secrets import token_hex

from engine.declaration.models import Ticketing
from engine.resources.resource import Resource, declared_resources
from engine.storage.postgres.database import Database
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.postgres.notifications import notify
from engine.storage.resources.reconciliations import (
    ReconciliationRecord,
    reconciliation_session,
    record_reconciliation,
)
from engine.storage.resources.write import write_resources

DEFAULTS = tuple(declared_resources(Ticketing()).values())


async def declare(database: Database, **ticketing: object) -> None:
    """Write the resources that a `ticketing:` section declares."""
    await put_resources(database, declared_resources(Ticketing.model_validate(ticketing)).values())


async def put_resources(database: Database, resources: Iterable[Resource] = DEFAULTS) -> None:
    """Activate or retire resources, as their state says."""
    async with reconciliation_session(database, "tests", wait=True) as session:
        await lock_tickets_exclusive(session)
        number = await record_reconciliation(
            session, ReconciliationRecord(token_hex(), "{}", "tests", "tests")
        )
        await write_resources(session, resources, number)
        await notify(session, f"reconciliation {number}")
