"""Admission: how many changes a process makes at a time, of one viewer and of one ticket.

A change waits for the lock of its ticket, and uses a connection meanwhile. Without a bound, a few
changes of one locked ticket would use all connections for changes.
"""

from dataclasses import dataclass
from sys import maxsize
from types import TracebackType
from typing import Final, Self

from engine.errors import Overloaded, TooManyRequests
from engine.storage.postgres.slots import KeyedSlots, NoFreeSlot, WaitBounds

TICKET_CHANGES: Final = 1
"""Changes of one ticket lock it one after the other, so more at a time would only wait."""
_NONE_WAITS: Final = WaitBounds(tasks=0, seconds=0)


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits changes in FIFO order.

    Attributes:
        viewers: the slots of each viewer, by user id.
        tickets: the slots of each ticket, by its id.

    """

    viewers: KeyedSlots
    tickets: KeyedSlots

    @classmethod
    def bounded(cls, viewer_changes: int, viewer: WaitBounds, ticket: WaitBounds) -> Self:
        """Return an admission with bounds.

        Args:
            viewer_changes: how many changes of one viewer are made at a time.
            viewer: bounds the changes of one viewer that wait for those.
            ticket: bounds the changes of one ticket that wait for the one that is being made.

        """
        return cls(KeyedSlots(viewer_changes, viewer), KeyedSlots(TICKET_CHANGES, ticket))

    @classmethod
    def unbounded(cls) -> Self:
        """Return an admission that admits every change at once."""
        return cls(KeyedSlots(maxsize, _NONE_WAITS), KeyedSlots(maxsize, _NONE_WAITS))

    def admit(self, viewer: str, ticket: str | None = None) -> "AdmittedChange":
        """Return a context manager that waits until a viewer can change, or create, a ticket.

        Its beginning raises `TooManyRequests` if too many changes of the viewer wait, or this one
        for too long, and `Overloaded` if that is so for the ticket.
        """
        return AdmittedChange(self, viewer, ticket)

    async def acquire_viewer(self, viewer: str) -> None:
        """Wait for a slot of a viewer."""
        try:
            await self.viewers.acquire(viewer)
        except NoFreeSlot:
            bound = self.viewers.size
            raise TooManyRequests(
                f"You have {bound} changes in progress: wait for one of them to finish.",
                limit="viewer_changes",
                bound=bound,
                retry_after=1,
            ) from None

    async def acquire_ticket(self, ticket: str) -> None:
        """Wait for a slot of a ticket."""
        bounds = self.tickets.bounds
        try:
            await self.tickets.acquire(ticket)
        except NoFreeSlot as refusal:
            if refusal.waited:
                text = f"The change waited {bounds.seconds:g} s for other changes of {ticket}."
                error = Overloaded(text, limit="wait_seconds", bound=bounds.seconds, ticket=ticket)
            else:
                text = f"{bounds.tasks} changes of {ticket} are waiting."
                error = Overloaded(text, limit="ticket_waiters", bound=bounds.tasks, ticket=ticket)
            raise error from None


@dataclass(slots=True)
class AdmittedChange:
    """A change that was admitted, for the length of a block.

    Attributes:
        ticket: None if the change creates one.

    """

    admission: Admission
    viewer: str
    ticket: str | None

    async def __aenter__(self) -> None:
        """Wait for the slot of the viewer first.

        In the other order, the changes of one viewer could fill the queues of many tickets.
        """
        await self.admission.acquire_viewer(self.viewer)
        if self.ticket is not None:
            try:
                await self.admission.acquire_ticket(self.ticket)
            except BaseException:
                self.admission.viewers.release(self.viewer)
                raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.ticket is not None:
            self.admission.tickets.release(self.ticket)
        self.admission.viewers.release(self.viewer)
