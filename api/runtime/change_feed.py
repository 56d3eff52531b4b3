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
from functools import partial
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge

from api.limits import ESSENTIAL_RUN_SECONDS_MAX, STREAM_LIMITS
from api.runtime.background_tasks import BackgroundTask
from api.runtime.loaders import TicketLoader
from api.runtime.log_watch import LogWatch
from api.runtime.single_flight import SingleFlight
from engine.errors import InterlockError, PositionLost, Unavailable
from engine.storage.history.changes import changes_after
from engine.storage.history.log import log_end
from engine.storage.history.position import Position
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


class ChangesUnavailable(Unavailable):
    """The changes cannot be read now. Subscribe again after the position in `details`."""


@dataclass(slots=True, eq=False)
class _Subscriber:
    """A subscriber at the end of the log.

    Attributes:
        selects: returns whether the subscriber gets a change.
        position: the position after the last change that it got.
        queue: the changes that it has not read yet, at most `queue_size`.
        end: why it gets no changes after those of the queue; None while it gets more.

    """

    selects: ChangePredicate
    position: Position
    queue_size: int
    queue: deque[FeedChange] = field(default_factory=deque)
    end: type[InterlockError] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def notify(self, page: Sequence[FeedChange]) -> None:
        """Add changes to the queue if the subscriber gets them and the queue has room."""
        for change in page:
            if self.end is not None or change.position <= self.position or not self.selects(change):
                continue
            if len(self.queue) < self.queue_size:
                self.queue.append(change)
                self.changed.set()
            else:
                self.end_with(SubscriberTooSlow)

    def end_with(self, error: type[InterlockError]) -> None:
        """End the changes with an error after those of the queue."""
        self.end = self.end or error
        self.changed.set()

    async def changes(self) -> AsyncGenerator[FeedChange, None]:
        """Yield the changes of the queue, and wait for more.

        Raises:
            SubscriberTooSlow: the queue overflowed, and all its changes were yielded.
            ChangesUnavailable: the log cannot be read.
            PositionLost: the database lost changes.

        """
        while True:
            while self.queue:
                change = self.queue.popleft()
                self.position = change.position
                yield change
            if self.end is PositionLost:  # there is no position from which to resume
                raise PositionLost
            if self.end is not None:
                raise self.end(position=str(self.position))
            self.changed.clear()
            await self.changed.wait()


class ChangeFeed:
    """The changes of the tickets in one database.

    Args:
        database: where the shared reader reads.
        requests: where each new subscriber reads.
        watch: reports changes that the database lost.
        queue_size: how many changes can wait for a subscriber.

    """

    def __init__(
        self,
        database: Database,
        requests: Database,
        watch: LogWatch,
        queue_size: int = STREAM_LIMITS.waiting_changes,
    ) -> None:
        self._database = database
        self._requests = requests
        self._watch = watch
        watch.on_loss.append(self._end_after_loss)
        self._queue_size = queue_size
        self._position: Position | None = None
        self._page: Sequence[FeedChange] = ()
        self._to_notify: list[_Subscriber] = []
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

    async def end(self) -> Position:
        """Return a position, at most the end of the log, from which a client can subscribe.

        A client that takes it before it reads tickets misses no change: see `log_end`. While there
        are subscribers, it is what the shared reader read last, so the database is not asked.
        """
        return self._position or await log_end(self._requests)

    async def subscribe(
        self, position: Position | None, selects: ChangePredicate
    ) -> AsyncGenerator[FeedChange, None]:
        """Yield the selected changes after a position, or from now on, without end.

        Raises:
            SubscriberTooSlow: the changes were not read as fast as they came.
            ChangesUnavailable: the log could not be read for too long.
            PositionLost: the database lost changes up to the position, or up to a later one that
                other subscribers got.

        """
        position = position or await self.end()
        while True:
            known = self._position
            page = await self._read(self._requests, position)
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
            self._dropped.inc(subscriber.end is SubscriberTooSlow)
            self._subscribers.remove(subscriber)
            if not self._subscribers:
                self._has_subscribers.clear()
                self._position = None

    @property
    def task(self) -> BackgroundTask:
        """The task that reads the log for all subscribers."""
        return BackgroundTask(
            "change_feed",
            self.poll,
            self._wait,
            run_seconds_max=ESSENTIAL_RUN_SECONDS_MAX,
            is_essential=True,
            on_long_failure=partial(self._end_subscriptions, ChangesUnavailable),
        )

    async def _wait(self) -> None:
        """Wait for a subscriber, and for the time of the next poll."""
        await self._has_subscribers.wait()
        if not self._page:
            await asyncio.sleep(_POLL_SECONDS)

    async def poll(self) -> None:
        """Notify all subscribers of the next page of changes.

        An interrupted poll is continued by the next one, so that no subscriber misses a change. A
        poll without subscribers follows a failure; it reads the log to find out whether it can.
        """
        await self._notify()
        position = self._position or await log_end(self._database)
        try:
            page = await self._read(self._database, position)
        except PositionLost:
            page = []
            if self._position == position:
                self._watch.report_loss(position)
        if self._position != position:
            page = []  # all subscribers left during the read; a new one can have another position
        elif page:
            self._position = page[-1].position
        self._page, self._to_notify = page, list(self._subscribers)
        await self._notify()

    async def _notify(self) -> None:
        """Notify subscribers of the page in small batches, so that other tasks can run."""
        while self._page and self._to_notify:
            for subscriber in self._to_notify[-_NOTIFY_BATCH:]:
                try:
                    subscriber.notify(self._page)
                except Exception:  # of one subscriber, which must not affect the others
                    log.exception("subscriber could not be notified")
                    subscriber.end_with(ChangesUnavailable)
            del self._to_notify[-_NOTIFY_BATCH:]
            await asyncio.sleep(0)

    def _end_subscriptions(self, error: type[InterlockError]) -> None:
        """End all subscriptions with an error instead of letting them wait for ever."""
        for subscriber in self._subscribers:
            subscriber.end_with(error)

    def _end_after_loss(self) -> None:
        """End all subscriptions; new ones begin at positions of their own."""
        self._position = None
        self._end_subscriptions(PositionLost)

    async def _read(self, database: Database, position: Position) -> list[FeedChange]:
        """Return the next changes after a position."""
        return [
            FeedChange(
                logged.position,
                logged.entry,
                before,
                after,
                logged.ticket,
                TicketLoader(self._requests, [logged.ticket]),
            )
            for logged, before, after in await changes_after(database, position, _PAGE_CHANGES)
        ]
