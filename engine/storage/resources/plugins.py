"""Whether plugins are on: set by the declaration and by admins, and enforced by every change.

To switch a plugin on or off, and to reconcile, takes the exclusive lock of tickets. Every statement
that changes tickets reads the state of the plugin. So a change takes effect at once for all
servers, including those that have not been notified yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ScalarSelect,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)

from engine.plugins import OffReason, Plugin, plugin_off
from engine.storage.postgres.chains import PLUGIN_CHANGES, append_to_chain
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.locks import lock_tickets_exclusive
from engine.storage.postgres.notifications import notify
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import plugins
from engine.tickets.actor import Actor

_OFF_REASON: Final[ColumnElement[str | None]] = case(
    (~plugins.c.declared, literal_column(f"'{OffReason.DECLARED_OFF}'", Text)),
    (~plugins.c.enabled, literal_column(f"'{OffReason.SWITCHED_OFF}'", Text)),
)
"""Null while the plugin is on."""
IS_TICKETING: Final = plugins.c.name == literal_column(f"'{Plugin.TICKETING}'", Text)
TICKETING_OFF_REASON: Final[ScalarSelect[str | None]] = (
    select(_OFF_REASON).where(IS_TICKETING).scalar_subquery()
)
"""For the statements that change tickets; PostgreSQL evaluates it once in each statement."""
TICKETING_ENABLED: Final[ColumnElement[bool]] = TICKETING_OFF_REASON.is_(None)

_OFF_REASONS: Final = Statement.of(select(plugins.c.name, _OFF_REASON.label("off_reason")))
_SWITCHES: Final = Statement.of(
    select(plugins.c.declared, plugins.c.enabled, func.clock_timestamp().label("now")).where(
        IS_TICKETING
    )
)
_DECLARED_OFF: Final = Statement.of(
    select(plugins.c.name).where(plugins.c.name == bindparam("plugin"), ~plugins.c.declared)
)
_SET_ENABLED: Final = Statement.of(
    update(plugins)
    .where(plugins.c.name == bindparam("plugin"))
    .where(plugins.c.enabled != bindparam("is_enabled", type_=Boolean))
    .values(enabled=bindparam("is_enabled", type_=Boolean))
    .returning(plugins.c.name)
)


async def read_off_reasons(database: Database) -> Mapping[str, OffReason | None]:
    """Return why each plugin is off; None if it is on."""
    return {
        row["name"]: row["off_reason"] and OffReason(row["off_reason"])
        for row in await database.rows(_OFF_REASONS)
    }


@dataclass(frozen=True, slots=True)
class TicketingSwitches:
    """The two switches of ticketing, which is on while both are on.

    Attributes:
        declared: set by the declaration.
        enabled: set by admins.
        now: the time of the database.

    """

    declared: bool
    enabled: bool
    now: datetime


async def read_ticketing_switches(session: Session) -> TicketingSwitches:
    """Return the switches of ticketing."""
    [row] = await session.rows(_SWITCHES)
    return TicketingSwitches(row["declared"], row["enabled"], row["now"])


async def set_plugin_enabled(
    database: Database, actor: Actor, plugin: Plugin, *, enabled: bool
) -> None:
    """Switch a plugin on or off for all servers, and record it if it changes.

    The caller checks that the actor is allowed to do so.

    Raises:
        PluginDisabled: the declaration switches the plugin off, so it cannot be switched on.
        Unavailable: transactions that change tickets took too long.

    """
    values: dict[str, object] = {"plugin": plugin, "is_enabled": enabled}
    async with database.transaction() as session:
        await lock_tickets_exclusive(session)
        if enabled and await session.row(_DECLARED_OFF, plugin=plugin):
            raise plugin_off(plugin, OffReason.DECLARED_OFF)
        if await session.row(_SET_ENABLED, **values):
            change = {"plugin": plugin, "enabled": enabled, "changed_by": actor.id}
            await append_to_chain(session, PLUGIN_CHANGES, [change], time="changed_at")
            await notify(session, f"{plugin} is {'on' if enabled else 'off'}")
