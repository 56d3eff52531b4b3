"""A plan for an admin who wants to see what a values file would change."""

import asyncio
from typing import Final

from engine.permissions import require_admin
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from reconciler.desired import read_desired
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.values import ValuesInput

_FILE_NAME: Final = "values"
"""The name of the values file in findings."""


async def dry_run(database: Database, actor: Actor, values: str) -> Plan:
    """Return the plan for the text of a values file, made in a read-only transaction.

    A plan contains ticket ids and the whole declaration, so only admins can request one.

    Raises:
        Forbidden: the actor is not an admin.
        InvalidInput: the text is too long, or (InvalidDeclaration) has errors.

    """
    require_admin(actor, "see a plan")
    desired = await asyncio.to_thread(read_desired, ValuesInput([(_FILE_NAME, values)]))
    async with database.snapshot() as session:
        return await make_plan(session, desired, f"a dry run by {actor.id}")
