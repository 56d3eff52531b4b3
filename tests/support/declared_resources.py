"""Write declared resources without a plan, for tests below the reconciler."""

import json
from collections.abc import Iterable
from secrets import token_hex

from engine.declaration.models import Ticketing
from engine.resources.resource import Resource, declared_resources, in_order
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


def _plan_of(changes: Iterable[Resource]) -> str:
    """Return the part of a plan that `interlock history verify` reads."""
    parts = [
        {
            "kind": each.key.kind,
            "name": each.key.name,
            "after": {"retired": each.retired, "declaration": json.loads(each.declaration)},
        }
        for each in changes
    ]
    return json.dumps({"changes": parts})


async def declare(database: Database, **ticketing: object) -> None:
    """Write the resources that a `ticketing:` section declares."""
    await put_resources(database, declared_resources(Ticketing.model_validate(ticketing)).values())


async def put_resources(database: Database, resources: Iterable[Resource] = DEFAULTS) -> None:
    """Activate or retire resources, as their state says, in the order in which a plan has them."""
    by_key = {each.key: each for each in resources}
    changes = [by_key[key] for key in in_order(by_key)]
    async with reconciliation_session(database, "tests", wait=True) as session:
        await lock_tickets_exclusive(session)
        number = await record_reconciliation(
            session, ReconciliationRecord(token_hex(), _plan_of(changes), "tests", "tests")
        )
        await write_resources(session, changes, number)
        await notify(session, f"reconciliation {number}")
