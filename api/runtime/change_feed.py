"""The changes of all tickets, followed once a process, and told to whoever listens.

A listener first reads what came after its position by itself, page by page, at its own pace. Once
nothing is left it joins the one reader, which looks for news while anybody listens, and puts them
into a queue of bounded length for each. Who lets its queue run full is let go, and can resume.
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
from engine.storage.history.changes import LoggedChange, changes_after
from engine.storage.history.log import Position, log_end
from engine.storage.postgres.database import Database

PAGE_CHANGES: Final = 100
NOTIFY_BATCH: Final = 20
LOOK_SECONDS: Final = 0.25
"""From one look for news to the next; a look without news is one read of an index."""

log: Final = structlog.get_logger(component="changes")

WantsChange = Callable[[LoggedChange], bool]


@dataclass(frozen=True, slots=True)
class News:
    """A change that somebody is told of.

    Attributes:
        batch: its ticket, and what belongs to it, for all who are told of it at the same time.
        answers: how they are told.

    """

    logged: LoggedChange
    batch: TicketLoader
    answers: SingleFlight[Any] = field(default_factory=SingleFlight)


class SubscriberTooSlow(InterlockError):
    """Changes came faster than they were taken: subscribe again after the position in `details`."""

    code = "subscriber_too_slow"
    status = 429


@dataclass(slots=True, eq=False)
class Subscriber:
    """Somebody who waits for changes.

    Attributes:
        wants: tells which.
        behind: what it knows already.
        waiting: changes that it has not taken yet.
        most: how many of them there may be.
        overrun: whether there were more; then it hears nothing any more.

    """

    wants: WantsChange
    behind: Position
    most: int
    waiting: deque[News] = field(default_factory=deque)
    overrun: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, news: News) -> None:
        """Put a change into the queue, if it is wanted and there is room."""
        logged = news.logged
        if self.overrun or logged.position <= self.behind or not self.wants(logged):
            return
        if len(self.waiting) < self.most:
            self.waiting.append(news)
        else:
            self.overrun = True
        self.news.set()

    async def heard(self) -> AsyncGenerator[News, None]:
        """Yield the changes as they come.

        Raises:
            SlowReader: too many waited; after the last one that was yielded.

        """
        while True:
            while self.waiting:
                news = self.waiting.popleft()
                self.behind = news.logged.position
                yield news
            if self.overrun:
                raise SubscriberTooSlow(position=str(self.behind))
            self.news.clear()
            await self.news.wait()


class ChangeFeed:
    """The changes of one database.

    Args:
        database: whose changes.
        most_waiting: how many a listener may let wait.

    """

    def __init__(
        self, database: Database, most_waiting: int = STREAM_LIMITS.waiting_changes
    ) -> None:
        self._database = database
        self._most_waiting = most_waiting
        self._position: Position | None = None
        self._listeners: set[Subscriber] = set()
        self._is_heard = asyncio.Event()
        self._slow_readers = Counter(
            "interlock_subscriptions_dropped",
            "Subscriptions that were ended because changes came faster than they were taken.",
            registry=None,
        )
        listening = Gauge(
            "interlock_subscribers", "Subscriptions that wait for changes.", registry=None
        )
        listening.set_function(lambda: self.listeners)
        self.collectors = (self._slow_readers, listening)

    @property
    def listeners(self) -> int:
        """How many listen right now."""
        return len(self._listeners)

    async def after(
        self, position: Position | None, wants: WantsChange
    ) -> AsyncGenerator[News, None]:
        """Yield the wanted changes that come after a position, or from now on, for ever.

        Raises:
            SlowReader: they were not taken as fast as they came.

        """
        position = position or self._position or await log_end(self._database)
        while True:
            told = self._position
            page = await changes_after(self._database, position, PAGE_CHANGES)
            for logged in page:
                position = logged.position
                if wants(logged):
                    yield self._news(logged)
            if not page and self._position in (None, told):  # else others heard of news meanwhile
                break
        with self._listening(Subscriber(wants, position, self._most_waiting)) as listener:
            async with aclosing(listener.heard()) as heard:
                async for news in heard:
                    yield news

    @contextmanager
    def _listening(self, listener: Subscriber) -> Iterator[Subscriber]:
        """Let the reader tell a listener everything that comes after what it knows."""
        self._position = self._position or listener.behind
        self._listeners.add(listener)
        self._is_heard.set()
        try:
            yield listener
        finally:
            self._slow_readers.inc(listener.overrun)
            self._listeners.remove(listener)
            if not self._listeners:
                self._is_heard.clear()
                self._position = None

    async def follow(self) -> None:
        """Look for news while anybody listens, for ever."""
        while True:
            await self._is_heard.wait()
            try:
                await self._look()
            except Unavailable as error:
                log.warning("the changes could not be followed", reason=error.message)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Tell everybody what has come since the last look."""
        while (position := self._position) is not None:
            page = await changes_after(self._database, position, PAGE_CHANGES)
            if not page or self._position != position:  # everybody left; who came, may know less
                break
            self._position = page[-1].position
            await self._tell([self._news(logged) for logged in page])

    def _news(self, logged: LoggedChange) -> News:
        return News(logged, TicketLoader(self._database, [logged.change.now]))

    async def _tell(self, page: Sequence[News]) -> None:
        """Tell everybody, a few at a time: whoever is told has work to do, and others wait, too."""
        for count, listener in enumerate(tuple(self._listeners), 1):
            for news in page:
                listener.tell(news)
            if count % NOTIFY_BATCH == 0:
                await asyncio.sleep(0)
