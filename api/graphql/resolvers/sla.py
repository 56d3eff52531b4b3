"""Resolvers: what was promised for a ticket, and how that stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.tickets.sla_explanation import SlaReason, explain_due_time
from engine.tickets.sla_timers import SlaTimers, Timer
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()


@dataclass(frozen=True, slots=True)
class SlaNow:
    """The timers of a ticket at a given time; the properties are the fields of `Sla`."""

    timers: SlaTimers
    now: datetime

    @property
    def response_due_at(self) -> datetime:
        """When somebody must have picked the ticket up."""
        return self.timers.response_due_at

    @property
    def resolution_due_at(self) -> datetime:
        """When it must be resolved."""
        return self.timers.resolution_due_at

    @property
    def response_breached(self) -> bool:
        """Whether it was picked up too late, or not at all."""
        return self.timers.breached_at(Timer.RESPONSE, self.now) is not None

    @property
    def resolution_breached(self) -> bool:
        """Whether it was resolved too late, or not at all."""
        return self.timers.breached_at(Timer.RESOLUTION, self.now) is not None

    @property
    def responded_at(self) -> datetime | None:
        """When it was first IN_PROGRESS."""
        return self.timers.responded_at

    @property
    def resolved_at(self) -> datetime | None:
        """Since when it is RESOLVED or CLOSED."""
        return self.timers.paused_at

    @property
    def response_remaining(self) -> timedelta | None:
        """How much time is left to pick it up."""
        return self.timers.remaining(Timer.RESPONSE, self.now)

    @property
    def resolution_remaining(self) -> timedelta | None:
        """How much time is left to resolve it."""
        return self.timers.remaining(Timer.RESOLUTION, self.now)

    @property
    def explanation(self) -> dict[str, list[SlaReason]]:
        """Why it is due then."""
        return {timer: list(explain_due_time(self.timers, timer)) for timer in Timer}


@resolvers.field("Ticket.sla")
async def sla(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> SlaNow | None:
    """Return what was promised for a ticket, as far as the version that was read."""
    batch = context.batch_of(ticket)
    timers = (await batch.timers())[ticket.id]
    return None if timers is None else SlaNow(timers, await batch.now())
