"""Resolvers: the SLA targets of a ticket and their current state."""

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
class _Sla:
    """The timers of a ticket at a given time; the properties are the fields of the type `Sla`."""

    timers: SlaTimers
    now: datetime

    @property
    def response_due_at(self) -> datetime:
        return self.timers.due_at(Timer.RESPONSE)

    @property
    def resolution_due_at(self) -> datetime:
        return self.timers.due_at(Timer.RESOLUTION)

    @property
    def response_breached(self) -> bool:
        return self.timers.breached_at(Timer.RESPONSE, self.now) is not None

    @property
    def resolution_breached(self) -> bool:
        return self.timers.breached_at(Timer.RESOLUTION, self.now) is not None

    @property
    def responded_at(self) -> datetime | None:
        return self.timers.responded_at

    @property
    def resolved_at(self) -> datetime | None:
        return self.timers.paused_at

    @property
    def response_remaining(self) -> timedelta | None:
        return self.timers.remaining(Timer.RESPONSE, self.now)

    @property
    def resolution_remaining(self) -> timedelta | None:
        return self.timers.remaining(Timer.RESOLUTION, self.now)

    @property
    def explanation(self) -> dict[str, list[SlaReason]]:
        return {timer: list(explain_due_time(self.timers, timer)) for timer in Timer}


@resolvers.field("Ticket.sla")
async def sla(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> _Sla | None:
    """Return the SLA of a ticket, as of the version that was read."""
    loader = context.loader_of(ticket)
    timers = (await loader.timers())[ticket.id]
    return None if timers is None else _Sla(timers, await loader.now())
