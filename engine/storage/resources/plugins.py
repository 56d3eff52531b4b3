"""Which plugins are off by declaration or by an admin: in force for every change, at once.

Whoever turns a switch, or reconciles, holds all tickets, and every statement that changes one reads
the switch: so no change slips through, also not on a server that has not heard yet.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ScalarSelect,
    Text,
    bindparam,
    case,
    insert,
    literal_column,
    select,
    update,
)

from engine.plugins import OffReason, Plugin, plugin_off
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.postgres.notifications import notify
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugin_changes, plugins
from engine.tickets.actor import Actor


def reason(value: OffReason) -> ColumnElement[str]:
    """Return why a plugin is off as a constant of a statement."""
    return literal_column(f"'{value}'", Text)


OFF_REASON: Final[ColumnElement[str | None]] = case(
    (~plugins.c.declared, reason(OffReason.DECLARED_OFF)),
    (~plugins.c.enabled, reason(OffReason.SWITCHED_OFF)),
)
"""Null while it is on."""
IS_TICKETING: Final = plugins.c.name == literal_column(f"'{Plugin.TICKETING}'", Text)
TICKETING_OFF_REASON: Final[ScalarSelect[str | None]] = (
    select(OFF_REASON).where(IS_TICKETING).scalar_subquery()
)
"""For the statements that change tickets; evaluated once a statement."""
TICKETING_ENABLED: Final[ColumnElement[bool]] = TICKETING_OFF_REASON.is_(None)

SWITCHES: Final = Statement.of(select(plugins.c.name, OFF_REASON.label("off_reason")))
DECLARED_OFF: Final = Statement.of(
    select(plugins.c.name).where(plugins.c.name == bindparam("plugin"), ~plugins.c.declared)
)
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


async def read_off_reasons(database: Database) -> Mapping[str, OffReason | None]:
    """Return why plugins are off, by name; None for those that are on."""
    return {
        row["name"]: row["off_reason"] and OffReason(row["off_reason"])
        for row in await database.rows(SWITCHES)
    }


async def set_plugin_enabled(
    database: Database, actor: Actor, plugin: Plugin, *, enabled: bool
) -> None:
    """Switch a plugin on or off, for every server; record it unless it was so before.

    Whether the actor may is for `check_switch` to say.

    Raises:
        PluginDisabled: it is declared to be off, so nobody switches it on.
        Unavailable: writers of tickets were busy for too long.

    """
    async with database.transaction() as session:
        await lock_tickets_exclusive(session)
        if enabled and await session.row(DECLARED_OFF, plugin=plugin):
            raise plugin_off(plugin, OffReason.DECLARED_OFF)
        await turn(session, actor, plugin, enabled=enabled)


async def turn(session: Session, actor: Actor, plugin: Plugin, *, enabled: bool) -> None:
    """Turn a switch while all tickets are held."""
    switch: dict[str, object] = {"plugin": plugin, "wanted": enabled}
    if await session.row(TURN, **switch) is None:
        return
    await session.run(RECORD, **switch, changed_by=actor.id)
    await notify(session, f"{plugin} is {'on' if enabled else 'off'}")
