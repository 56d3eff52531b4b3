"""Declared resources, written without a plan: for tests of what lies below the reconciler."""

from collections.abc import Iterable
from secrets import token_hex

from engine.storage.database import Database
from engine.storage.notices import tell_servers
from engine.storage.resource_store import (
    read_live,
    reconciling,
    record_reconciliation,
    write_resource,
)
from engine.workflows.declaration import Ticketing
from engine.workflows.resources import Resource, declared_resources

DEFAULTS = tuple(declared_resources(Ticketing()).values())


async def put(database: Database, resources: Iterable[Resource] = DEFAULTS) -> None:
    """Put resources in force, or retire those that say so."""
    async with reconciling(database, "tests", wait=True) as session:
        live = await read_live(session)
        number = await record_reconciliation(session, token_hex(), "{}", by="tests", source="tests")
        for resource in resources:
            await write_resource(session, live.resources.get(resource.key), resource, number)
        await tell_servers(session, f"reconciliation {number}")
