"""Which plugins are on: as admins wish, and as the licence of this server allows."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from engine.errors import PluginDisabled
from engine.plugins import Licence, OffReason, Plugin, check_switch, plugin_off
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import read_switches, turn_switch
from engine.tickets.actor import Actor

log: Final = structlog.get_logger(component="plugins")

Clock = Callable[[], float]
"""The seconds since 1970."""


@dataclass(slots=True)
class LivePlugins:
    """The plugins of a running server.

    Attributes:
        licence: what this server may offer; it ends while the server runs.
        switches: why each is off, None if it is on, in the database; as it was last read: what
            changes tickets reads it again.

    """

    database: Database
    licence: Licence
    switches: Mapping[str, OffReason | None]
    clock: Clock = time.time

    @classmethod
    async def read(
        cls, database: Database, licence: Licence, clock: Clock = time.time
    ) -> "LivePlugins":
        """Return the plugins of a database under a licence."""
        return cls(database, licence, await read_switches(database), clock)

    @property
    def now(self) -> datetime:
        """The moment by which the licence is judged."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def refusal_by_licence(self, plugin: Plugin) -> PluginDisabled | None:
        """Return why the licence does not allow a plugin now; None if it does."""
        return self.licence.refusal(plugin, self.now)

    def refusal(self, plugin: Plugin) -> PluginDisabled | None:
        """Return why a plugin is off now; None if it is on."""
        reason = self.switches[plugin]
        by_switch = None if reason is None else plugin_off(plugin, reason)
        return self.refusal_by_licence(plugin) or by_switch

    def is_on(self, plugin: Plugin) -> bool:
        """Tell whether a plugin is on now."""
        return self.refusal(plugin) is None

    def require(self, plugin: Plugin) -> None:
        """Return if a plugin is on.

        Raises:
            PluginDisabled: it is off.

        """
        if refusal := self.refusal(plugin):
            raise refusal

    async def toggle(self, actor: Actor, plugin: Plugin, *, enabled: bool) -> None:
        """Switch a plugin on or off, for every server.

        Raises:
            Forbidden, PluginDisabled: see `check_switch` and `turn_switch`.

        """
        check_switch(actor, plugin, self.licence, self.now, enabled=enabled)
        await turn_switch(self.database, actor, plugin, enabled=enabled)
        await self.refresh()

    def tell(self) -> None:
        """Write into the log what is off, and why."""
        for refusal in filter(None, map(self.refusal, Plugin)):
            log.warning(refusal.message, **refusal.details)

    async def refresh(self) -> None:
        """Read the switches again."""
        self.switches = await read_switches(self.database)
