"""Plans for people who only want to look."""

import asyncio
from typing import Final

from engine.permissions import require_admin
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from reconciler.desired import desired_in
from reconciler.plan import Plan
from reconciler.planner import plan_for

VALUES: Final = "values"
"""What the text is called where a place in it is named."""


async def dry_run(database: Database, actor: Actor, values: str) -> Plan:
    """Return what a values file would change. The transaction is read-only: nothing is written.

    A plan tells ids of tickets and the whole declaration, so it is for admins.

    Raises:
        Forbidden: the actor is not an admin.
        InvalidInput: the text is too long, or (InvalidDeclaration) wrong.

    """
    require_admin(actor, "see a plan")
    desired = await asyncio.to_thread(desired_in, [(VALUES, values)])
    async with database.snapshot() as session:
        return await plan_for(session, desired, f"a dry run by {actor.id}")
