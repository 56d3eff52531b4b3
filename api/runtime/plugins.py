"""The plugins that are on: by the switches in the database and the licence of this server."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from engine.errors import PluginDisabled
from engine.plugins import Licence, OffReason, Plugin, check_switch, plugin_off
from engine.storage.postgres.databases import Databases
from engine.storage.resources.plugins import read_off_reasons, set_plugin_enabled
from engine.tickets.actor import Actor

log: Final = structlog.get_logger(component="plugins")

Clock = Callable[[], float]
"""Returns the seconds since 1970."""


@dataclass(slots=True)
class PluginCache:
    """The plugins of a running server.

    Attributes:
        licence: what this server can offer. It can expire while the server runs.
        switches: by plugin, why it is off in the database; None if it is on. As last read:
            statements that change tickets read it again.

    """

    databases: Databases
    licence: Licence
    switches: Mapping[str, OffReason | None]
    clock: Clock = time.time

    @classmethod
    async def read(
        cls, databases: Databases, licence: Licence, clock: Clock = time.time
    ) -> "PluginCache":
        """Return the plugins of a database under a licence."""
        return cls(databases, licence, await read_off_reasons(databases.essential), clock)

    @property
    def now(self) -> datetime:
        """The time at which the licence is checked."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def licence_error(self, plugin: Plugin) -> PluginDisabled | None:
        """Return the reason that the licence does not allow a plugin now; None if it does."""
        return self.licence.refusal(plugin, self.now)

    def error(self, plugin: Plugin) -> PluginDisabled | None:
        """Return the reason that a plugin is off now; None if it is on."""
        reason = self.switches[plugin]
        by_switch = None if reason is None else plugin_off(plugin, reason)
        return self.licence_error(plugin) or by_switch

    def is_on(self, plugin: Plugin) -> bool:
        """Return whether a plugin is on now."""
        return self.error(plugin) is None

    def require(self, plugin: Plugin) -> None:
        """Raise PluginDisabled if a plugin is off."""
        if error := self.error(plugin):
            raise error

    async def toggle(self, actor: Actor, plugin: Plugin, *, enabled: bool) -> None:
        """Switch a plugin on or off, for all servers.

        Raises:
            Forbidden, PluginDisabled: see `check_switch` and `set_plugin_enabled`.

        """
        check_switch(actor, plugin, self.licence, self.now, enabled=enabled)
        await set_plugin_enabled(self.databases.administration, actor, plugin, enabled=enabled)
        await self.refresh()

    def log_disabled(self) -> None:
        """Log each plugin that is off, with the reason."""
        for error in filter(None, map(self.error, Plugin)):
            log.warning(error.message, **error.details)

    async def refresh(self) -> None:
        """Read the switches again."""
        self.switches = await read_off_reasons(self.databases.essential)
