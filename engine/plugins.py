"""Parts of the product that can be switched off, and by what: an admin, or the licence. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.errors import Forbidden, NotFound, PluginDisabled
from engine.findings import did_you_mean
from engine.tickets.actor import Actor


class Plugin(StrEnum):
    """A part of the product that can be switched off."""

    TICKETING = "ticketing"

    @classmethod
    def named(cls, name: str) -> "Plugin":
        """Return the plugin of that name.

        Raises:
            NotFound: there is none; the near names are offered.

        """
        try:
            return cls(name)
        except ValueError:
            message = f"There is no plugin named {name!r}.{did_you_mean(name, cls)}"
            raise NotFound(message, plugin=name) from None


class OffReason(StrEnum):
    """Why a plugin is off; the `reason` in the details of `PluginDisabled`."""

    NOT_LICENSED = "not_licensed"
    LICENCE_EXPIRED = "licence_expired"
    DECLARED_OFF = "declared_off"
    SWITCHED_OFF = "switched_off"


OFF_MESSAGES: Final = {
    OffReason.DECLARED_OFF: "the values that are in force say `ticketing.enabled: false`",
    OffReason.SWITCHED_OFF: "an admin switched it off, and can switch it on",
}
"""Of the reasons that stand in the database, for people."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What a server may offer, and until when.

    Attributes:
        customer: whom it was issued to; empty if it was issued to nobody.
        plugins: the names of what it includes.
        expires_at: from when on it is worth nothing; None for never.
        flaw: why it is worth nothing from the start, for people; empty if it is worth something.

    """

    customer: str = ""
    plugins: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    flaw: str = ""

    def refusal(self, plugin: Plugin, now: datetime) -> PluginDisabled | None:
        """Return why a plugin can't be used under this licence now; None if it can."""
        if plugin not in self.plugins:
            why = self.flaw or f"the licence of {self.customer} does not include it"
            return off(plugin, OffReason.NOT_LICENSED, why)
        if self.expires_at is not None and self.expires_at <= now:
            at = self.expires_at.isoformat(timespec="seconds")
            why = f"the licence of {self.customer} expired at {at}"
            return off(plugin, OffReason.LICENCE_EXPIRED, why)
        return None


OPEN_EDITION = Licence(plugins=frozenset(Plugin))
"""What holds where licences are not checked: everything, for ever."""


def check_switch(
    actor: Actor, plugin: Plugin, licence: Licence, now: datetime, *, enabled: bool
) -> None:
    """Return if the actor may switch a plugin on or off now.

    Raises:
        Forbidden: they are not an admin.
        PluginDisabled: the licence does not allow that it is on.

    """
    if not actor.is_admin:
        raise Forbidden("Only admins switch plugins: ask one of them.", reason="admin_required")
    if enabled and (refusal := licence.refusal(plugin, now)):
        raise refusal


def plugin_off(plugin: Plugin, reason: OffReason) -> PluginDisabled:
    """Return the refusal of what belongs to a plugin that is off for a reason of `OFF_MESSAGES`."""
    return off(plugin, reason, OFF_MESSAGES[reason])


def off(plugin: Plugin, reason: OffReason, why: str) -> PluginDisabled:
    """Return the refusal of what belongs to a plugin that is off."""
    return PluginDisabled(f"{plugin} is off: {why}.", reason=reason, plugin=plugin)
