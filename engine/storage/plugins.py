"""Which plugins admins have switched off: in force for every change of a ticket, at once.

Whoever turns a switch holds all tickets, and every statement that changes one reads the switch: so
no change slips through, also not on a server that has not heard yet.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    Boolean,
    ScalarSelect,
    Text,
    bindparam,
    insert,
    literal_column,
    select,
    update,
)

from engine.plugins import Plugin
from engine.storage.database import Database, Session
from engine.storage.notices import tell_servers
from engine.storage.statements import Statement
from engine.storage.tables import plugin_changes, plugins
from engine.storage.ticket_locks import hold_tickets
from engine.tickets.actor import Actor

TICKETING_ENABLED: Final[ScalarSelect[bool]] = (
    select(plugins.c.enabled)
    .where(plugins.c.name == literal_column(f"'{Plugin.TICKETING}'", Text))
    .scalar_subquery()
)
"""For the statements that change tickets; evaluated once a statement."""

SWITCHES: Final = Statement.of(select(plugins.c.name, plugins.c.enabled))
TURN: Final = Statement.of(
    update(plugins)
    .where(plugins.c.name == bindparam("plugin"))
    .where(plugins.c.enabled != bindparam("wanted", type_=Boolean))
    .values(enabled=bindparam("wanted", type_=Boolean))
    .returning(plugins.c.name)
)
RECORD: Final = Statement.of(
    insert(plugin_changes).values(
        plugin=bindparam("plugin"),
        enabled=bindparam("wanted", type_=Boolean),
        changed_by=bindparam("changed_by"),
    )
)


async def read_switches(database: Database) -> Mapping[str, bool]:
    """Return which plugins are switched on, by name."""
    return {row["name"]: row["enabled"] for row in await database.rows(SWITCHES)}


async def turn_switch(database: Database, actor: Actor, plugin: Plugin, *, enabled: bool) -> None:
    """Switch a plugin on or off, for every server; record it unless it was so before.

    Whether the actor may is for `check_switch` to say.

    Raises:
        Unavailable: writers of tickets were busy for too long.

    """
    async with database.transaction() as session:
        await hold_tickets(session)
        await turn(session, actor, plugin, enabled=enabled)


async def turn(session: Session, actor: Actor, plugin: Plugin, *, enabled: bool) -> None:
    """Turn a switch while all tickets are held."""
    switch: dict[str, object] = {"plugin": plugin, "wanted": enabled}
    if await session.row(TURN, **switch) is None:
        return
    await session.run(RECORD, **switch, changed_by=actor.id)
    await tell_servers(session, f"{plugin} is {'on' if enabled else 'off'}")
