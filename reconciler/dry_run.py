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

FILE_NAME: Final = "values"
"""The name of the values file in findings."""


async def dry_run(database: Database, actor: Actor, values: str, key: str = "") -> Plan:
    """Return the plan for the text of a values file, made in a read-only transaction.

    A plan contains ticket ids and the whole declaration, so only admins can request one.

    Args:
        database: makes the plan.
        actor: who requests it.
        values: the text.
        key: the dotted key of the chart in the values; empty if they are at the top level.

    Raises:
        Forbidden: the actor is not an admin.
        InvalidInput: the text is too long, or (InvalidDeclaration) has errors.

    """
    require_admin(actor, "see a plan")
    desired = await asyncio.to_thread(read_desired, ValuesInput([(FILE_NAME, values)], key=key))
    async with database.snapshot() as session:
        return await make_plan(session, desired, f"a dry run by {actor.id}")
