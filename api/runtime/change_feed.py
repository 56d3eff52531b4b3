"""The change feed: the changes of all tickets, read once per process and passed to subscribers.

A new subscriber first reads the changes after its position by itself, page by page, at its own
pace. At the end of the log it joins the shared reader, which polls the log while there are
subscribers and puts new changes into a bounded queue for each. A subscriber whose queue overflows
is dropped, and can resume after the last change that it got.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge

from api.limits import STREAM_LIMITS
from api.runtime.loaders import TicketLoader
from api.runtime.single_flight import SingleFlight
from engine.errors import InterlockError, Unavailable
from engine.storage.history.changes import changes_after
from engine.storage.history.log import Position, log_end
from engine.storage.postgres.database import Database
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket

_PAGE_CHANGES: Final = 100
_NOTIFY_BATCH: Final = 20
_POLL_SECONDS: Final = 0.25
"""A poll without new changes is one read of an index."""

log: Final = structlog.get_logger(component="changes")


@dataclass(frozen=True, slots=True)
class FeedChange:
    """A change of a ticket, with everything that its subscribers share.

    Attributes:
        position: the position in the log after the change.
        before, after: the ticket right before and right after the entry; `before` is None for the
            entry that opens the ticket.
        ticket: the current ticket, which may be later than `after`.
        loader: loads what belongs to the ticket, once for all subscribers.
        answers: the answers to the change, by what subscribers select of it.

    """

    position: Position
    entry: Entry
    before: Ticket | None
    after: Ticket
    ticket: Ticket
    loader: TicketLoader
    answers: SingleFlight[Any] = field(default_factory=SingleFlight)


ChangePredicate = Callable[[FeedChange], bool]


class SubscriberTooSlow(InterlockError):
    """Changes came faster than they were read. Subscribe again after the position in `details`."""

    code = "subscriber_too_slow"
    status = 429


@dataclass(slots=True, eq=False)
class _Subscriber:
    """A subscriber at the end of the log.

    Attributes:
        selects: returns whether the subscriber gets a change.
        position: the position after the last change that it got.
        queue: the changes that it has not read yet, at most `queue_size`.
        overflowed: whether there were more; then it gets no further changes.

    """

    selects: ChangePredicate
    position: Position
    queue_size: int
    queue: deque[FeedChange] = field(default_factory=deque)
    overflowed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def notify(self, change: FeedChange) -> None:
        """Add a change to the queue if the subscriber gets it and the queue has room."""
        if self.overflowed or change.position <= self.position or not self.selects(change):
            return
        if len(self.queue) < self.queue_size:
            self.queue.append(change)
        else:
            self.overflowed = True
        self.changed.set()

    async def changes(self) -> AsyncGenerator[FeedChange, None]:
        """Yield the changes of the queue, and wait for more.

        Raises:
            SubscriberTooSlow: the queue overflowed, and all its changes were yielded.

        """
        while True:
            while self.queue:
                change = self.queue.popleft()
                self.position = change.position
                yield change
            if self.overflowed:
                raise SubscriberTooSlow(position=str(self.position))
            self.changed.clear()
            await self.changed.wait()


class ChangeFeed:
    """The changes of the tickets in one database.

    Args:
        database: the database.
        queue_size: how many changes can wait for a subscriber.

    """

    def __init__(self, database: Database, queue_size: int = STREAM_LIMITS.waiting_changes) -> None:
        self._database = database
        self._queue_size = queue_size
        self._position: Position | None = None
        self._subscribers: set[_Subscriber] = set()
        self._has_subscribers = asyncio.Event()
        self._dropped = Counter(
            "interlock_subscriptions_dropped",
            "Subscriptions that ended because changes came faster than they were read.",
            registry=None,
        )
        subscribers = Gauge(
            "interlock_subscribers", "Subscriptions that wait for changes.", registry=None
        )
        subscribers.set_function(lambda: self.subscribers)
        self.collectors = (self._dropped, subscribers)

    @property
    def subscribers(self) -> int:
        """The number of subscribers that wait for changes."""
        return len(self._subscribers)

    async def subscribe(
        self, position: Position | None, selects: ChangePredicate
    ) -> AsyncGenerator[FeedChange, None]:
        """Yield the selected changes after a position, or from now on, without end.

        Raises:
            SubscriberTooSlow: the changes were not read as fast as they came.

        """
        position = position or self._position or await log_end(self._database)
        while True:
            known = self._position
            page = await self._read(position)
            for change in page:
                position = change.position
                if selects(change):
                    yield change
            if not page and self._position in (None, known):  # the shared reader read nothing more
                break
        with self._joined(_Subscriber(selects, position, self._queue_size)) as subscriber:
            async with aclosing(subscriber.changes()) as changes:
                async for change in changes:
                    yield change

    @contextmanager
    def _joined(self, subscriber: _Subscriber) -> Iterator[_Subscriber]:
        """Let the shared reader notify a subscriber of all changes after its position."""
        self._position = self._position or subscriber.position
        self._subscribers.add(subscriber)
        self._has_subscribers.set()
        try:
            yield subscriber
        finally:
            self._dropped.inc(subscriber.overflowed)
            self._subscribers.remove(subscriber)
            if not self._subscribers:
                self._has_subscribers.clear()
                self._position = None

    async def follow(self) -> None:
        """Poll the log while there are subscribers, without end."""
        while True:
            await self._has_subscribers.wait()
            try:
                await self._poll()
            except Unavailable as error:
                log.warning("reading the log of changes failed", reason=error.message)
            await asyncio.sleep(_POLL_SECONDS)

    async def _poll(self) -> None:
        """Notify all subscribers of the changes since the last poll."""
        while (position := self._position) is not None:
            page = await self._read(position)
            if not page or self._position != position:
                break  # all subscribers left during the read; a new one can have another position
            self._position = page[-1].position
            await self._notify(page)

    async def _read(self, position: Position) -> list[FeedChange]:
        """Return the next changes after a position."""
        return [
            FeedChange(
                logged.position,
                logged.entry,
                before,
                after,
                logged.ticket,
                TicketLoader(self._database, [logged.ticket]),
            )
            for logged, before, after in await changes_after(
                self._database, position, _PAGE_CHANGES
            )
        ]

    async def _notify(self, page: Sequence[FeedChange]) -> None:
        """Notify subscribers in small batches, so that other tasks can run."""
        for count, subscriber in enumerate(tuple(self._subscribers), 1):
            for change in page:
                subscriber.notify(change)
            if count % _NOTIFY_BATCH == 0:
                await asyncio.sleep(0)
