"""Why no server calls a receiver, which each server can say of itself only.

Servers may have different settings: one lists a host or has a secret, another does not yet. Who can
call does, and says so now and then. Who can't leaves the work to them, and only says why when work
has waited for a while and nobody who can has spoken: so what is written is true of all servers.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)

from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import DUE
from engine.webhooks.retry_policy import Obstacle

REPEATED_AFTER: Final = timedelta(seconds=10)
"""How often a server repeats what it said, while there is work."""
WAITED_FOR: Final = timedelta(seconds=30)
"""How long one waits for another that can call: they look for work every second."""


def nobody_spoke_for(time: ColumnElement[timedelta]) -> ColumnElement[bool]:
    """Return whether no server has said so long whether it can call."""
    return func.coalesce(webhooks.c.block_checked_at < func.now() - time, true())


NEW_OBSTACLE: Final = bindparam("new_obstacle", type_=Text)
HAS_WAITED: Final = (
    select(webhook_deliveries.c.seq)
    .where(
        webhook_deliveries.c.webhook == webhooks.c.name,
        DUE,
        func.greatest(webhook_deliveries.c.next_attempt_at, webhooks.c.paused_until)
        < func.now() - literal(WAITED_FOR),
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
NOTE: Final = Statement.of(
    update(webhooks)
    .where(
        webhooks.c.name == bindparam("noted"),
        nobody_spoke_for(
            case((webhooks.c.obstacle == NEW_OBSTACLE, REPEATED_AFTER), else_=WAITED_FOR)
        ),
        HAS_WAITED,
    )
    .values(obstacle=NEW_OBSTACLE, block_checked_at=func.now())
)
CLEAR: Final = Statement.of(
    update(webhooks)
    .where(
        webhooks.c.name == bindparam("noted"),
        webhooks.c.obstacle.is_not(None) | nobody_spoke_for(literal(REPEATED_AFTER)),
    )
    .values(obstacle=None, block_checked_at=func.now())
)


async def note_obstacle(database: Database, name: str, obstacle: Obstacle) -> None:
    """Write down why this server can't call a receiver, unless another can or says why not."""
    await database.row(NOTE, noted=name, new_obstacle=obstacle)


async def note_no_obstacle(database: Database, name: str) -> None:
    """Write down that this server can call a receiver, whatever keeps others from it."""
    await database.row(CLEAR, noted=name)
