"""Parts of the product that an admin, the declaration or the licence can switch off."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.errors import NotFound, PluginDisabled
from engine.findings import did_you_mean
from engine.permissions import require_admin
from engine.tickets.actor import Actor


class Plugin(StrEnum):
    """A part of the product that can be switched off."""

    TICKETING = "ticketing"

    @classmethod
    def named(cls, name: str) -> "Plugin":
        """Return a plugin by name; raise NotFound, with similar names, if it is unknown."""
        try:
            return cls(name)
        except ValueError:
            message = f"There is no plugin named {name!r}.{did_you_mean(name, cls)}"
            raise NotFound(message, plugin=name) from None


class OffReason(StrEnum):
    """Why a plugin is off; the `reason` in the details of `PluginDisabled`."""

    NOT_LICENSED = "not_licensed"
    LICENCE_NOT_YET_VALID = "licence_not_yet_valid"
    LICENCE_EXPIRED = "licence_expired"
    DECLARED_OFF = "declared_off"
    SWITCHED_OFF = "switched_off"


OFF_MESSAGES: Final = {
    OffReason.DECLARED_OFF: "the applied values contain `ticketing.enabled: false`",
    OffReason.SWITCHED_OFF: "an admin switched it off, and an admin can switch it on",
}
"""The messages for the reasons that the database stores."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Which plugins a server can offer, and when.

    Attributes:
        customer: the licensee; empty if the licence names none.
        plugins: the names of the licensed plugins.
        expires_at: when the licence ends; None if it does not expire.
        begins_at: when the licence begins; None if it has begun.
        error: why the licence is invalid; empty if it is valid.

    """

    customer: str = ""
    plugins: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    begins_at: datetime | None = None
    error: str = ""

    def refusal(self, plugin: Plugin, now: datetime) -> PluginDisabled | None:
        """Return why the licence does not allow a plugin now; None if it does."""
        if plugin not in self.plugins:
            why = self.error or f"the licence of {self.customer} does not include it"
            return plugin_off(plugin, OffReason.NOT_LICENSED, why)
        if self.begins_at is not None and now < self.begins_at:
            at = self.begins_at.isoformat(timespec="seconds")
            why = f"the licence of {self.customer} begins at {at}"
            return plugin_off(plugin, OffReason.LICENCE_NOT_YET_VALID, why)
        if self.expires_at is not None and self.expires_at <= now:
            at = self.expires_at.isoformat(timespec="seconds")
            why = f"the licence of {self.customer} expired at {at}"
            return plugin_off(plugin, OffReason.LICENCE_EXPIRED, why)
        return None


OPEN_EDITION = Licence(plugins=frozenset(Plugin))
"""The licence of a server that checks no licences: all plugins, without an end."""


def check_switch(
    actor: Actor, plugin: Plugin, licence: Licence, now: datetime, *, enabled: bool
) -> None:
    """Check that the actor can switch a plugin on or off now.

    Raises:
        Forbidden: the actor is not an admin.
        PluginDisabled: the plugin is switched on, but the licence does not allow it.

    """
    require_admin(actor, "switch plugins on and off")
    if enabled and (refusal := licence.refusal(plugin, now)):
        raise refusal


def plugin_off(plugin: Plugin, reason: OffReason, why: str = "") -> PluginDisabled:
    """Return the error for a use of a plugin that is off; by default `OFF_MESSAGES` says why."""
    message = f"{plugin} is off: {why or OFF_MESSAGES[reason]}."
    return PluginDisabled(message, reason=reason, plugin=plugin)
