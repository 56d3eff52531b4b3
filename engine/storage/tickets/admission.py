"""Admission: how many changes a process makes at a time, of one viewer and of one subject.

The subject of a change is a ticket, or a service. A change waits for the lock of its subject, and
uses a connection meanwhile. Without a bound, a few changes of one locked ticket would use all
connections for changes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from sys import maxsize
from time import monotonic
from types import TracebackType
from typing import Final, Self

from engine.errors import Overloaded, TooManyRequests
from engine.storage.postgres.slots import KeyedSlots, NoFreeSlot, WaitBounds

QUICK_SECONDS: Final = 0.5
"""A change that takes longer has waited for a lock, or the database is overloaded."""
SUBJECT_CHANGES: Final = 1
"""Changes of one subject lock it one after the other, so more at a time would only wait."""
_NONE_WAITS: Final = WaitBounds(tasks=0, seconds=0)


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits changes in FIFO order.

    Attributes:
        viewers: the slots of each viewer, by user id.
        subjects: the slots of each subject, by the id of the ticket or the path of the service.
        clock: measures how long changes take, in seconds.

    """

    viewers: KeyedSlots
    subjects: KeyedSlots
    clock: Callable[[], float] = monotonic

    @classmethod
    def bounded(cls, connections: int, viewer: WaitBounds, subject: WaitBounds) -> Self:
        """Return an admission with bounds.

        One viewer uses a third of the connections at first, and all but one as long as the changes
        are quick.

        Args:
            connections: how many changes can be made at a time.
            viewer: bounds the changes of one viewer that wait for those.
            subject: bounds the changes of one subject that wait for the one that is being made.

        """
        viewers = KeyedSlots(max(1, connections // 3), viewer, max(1, connections - 1))
        return cls(viewers, KeyedSlots(SUBJECT_CHANGES, subject))

    @classmethod
    def unbounded(cls) -> Self:
        """Return an admission that admits every change at once."""
        return cls(KeyedSlots(maxsize, _NONE_WAITS), KeyedSlots(maxsize, _NONE_WAITS))

    def admit(self, viewer: str, subject: str | None = None) -> "AdmittedChange":
        """Return a context manager that waits until a viewer can make a change.

        Its beginning raises `TooManyRequests` if too many changes of the viewer wait, or this one
        for too long, and `Overloaded` if that is so for the subject.

        Args:
            viewer: a user id, or the name of another source of changes.
            subject: what is changed; None for a new ticket.

        """
        return AdmittedChange(self, viewer, subject)

    async def acquire_viewer(self, viewer: str) -> None:
        """Wait for a slot of a viewer."""
        try:
            await self.viewers.acquire(viewer)
        except NoFreeSlot:
            bound = self.viewers.size
            raise TooManyRequests(
                "Your other changes take too long. Wait for one of them to finish.",
                limit="viewer_changes",
                bound=bound,
                retry_after=1,
            ) from None

    async def acquire_subject(self, subject: str) -> None:
        """Wait for a slot of a subject."""
        bounds = self.subjects.bounds
        try:
            await self.subjects.acquire(subject)
        except NoFreeSlot as refusal:
            if refusal.waited:
                text = f"The change waited {bounds.seconds:g} s for other changes of {subject}."
                error = Overloaded(text, limit="wait_seconds", bound=bounds.seconds)
            else:
                text = f"{bounds.tasks} changes of {subject} are waiting."
                error = Overloaded(text, limit="ticket_waiters", bound=bounds.tasks)
            raise error from None


@dataclass(slots=True)
class AdmittedChange:
    """A change that was admitted, for the length of a block."""

    admission: Admission
    viewer: str
    subject: str | None
    _since: float = field(init=False)

    async def __aenter__(self) -> None:
        """Wait for the slot of the viewer first.

        In the other order, the changes of one viewer could fill the queues of many subjects.
        """
        await self.admission.acquire_viewer(self.viewer)
        if self.subject is not None:
            try:
                await self.admission.acquire_subject(self.subject)
            except BaseException:
                self.admission.viewers.release(self.viewer)
                raise
        self._since = self.admission.clock()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.subject is not None:
            self.admission.subjects.release(self.subject)
        is_quick = self.admission.clock() - self._since < QUICK_SECONDS
        self.admission.viewers.release(self.viewer, is_quick=is_quick)
