"""Anchors on a schedule: made by one server, and published outside the database."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from prometheus_client import Gauge

from api.runtime.background_tasks import BackgroundTask, every
from engine.errors import Unavailable
from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor_if_due
from engine.storage.postgres.database import Database

CHECK_SECONDS: Final = 15
"""How often a server checks whether an anchor is due."""
_RECEIVER_SECONDS: Final = 15


class AnchorPublisher(Protocol):
    """Stores anchors outside the database."""

    async def publish(self, anchor: Anchor) -> None:
        """Publish an anchor; Unavailable if that fails."""


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """Appends anchors to a file, one in each line."""

    file: Path

    async def publish(self, anchor: Anchor) -> None:
        """Append an anchor, and write it to the disk."""
        try:
            await asyncio.to_thread(self._append, f"{anchor.text}\n")
        except OSError as error:
            message = f"An anchor can't be written to {self.file}: {error.strerror}."
            raise Unavailable(message) from None

    def _append(self, line: str) -> None:
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())


@dataclass(frozen=True, slots=True)
class AnchorReceiver:
    """Sends anchors to a URL by POST. Redirects are not followed, because they change the URL."""

    url: str = field(repr=False)

    async def publish(self, anchor: Anchor) -> None:
        """Send an anchor; any status from 200 to 299 means that the receiver has stored it."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=_RECEIVER_SECONDS)) as session,
                session.post(
                    self.url,
                    data=anchor.text.encode(),
                    headers={"Content-Type": "application/json", "User-Agent": "Interlock"},
                    allow_redirects=False,
                ) as response,
            ):
                status = response.status
        except (ClientError, OSError, TimeoutError) as error:
            reason = type(error).__name__  # the text can contain the URL
            raise Unavailable(f"The receiver of anchors does not respond ({reason}).") from None
        if not 200 <= status < 300:
            raise Unavailable(f"The receiver of anchors responded with status {status}.")


@dataclass
class ScheduledAnchors:
    """Makes anchors, one by one server in each interval, and publishes them.

    An anchor that cannot be published is published again with the next run of the task. If the
    server ends before that, the next anchor covers everything that the lost one covered.

    Attributes:
        key: signs the anchors.
        publishers: where each anchor is published.
        interval_seconds: the time between two anchors.

    """

    database: Database
    key: AnchorKey
    publishers: Sequence[AnchorPublisher]
    interval_seconds: float
    _waiting: list[tuple[AnchorPublisher, Anchor]] = field(init=False, default_factory=list)
    _published_at: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self._published_at = Gauge(
            "interlock_anchor_timestamp_seconds",
            "When this server last published an anchor, in seconds since 1970.",
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Gauge, ...]:
        """The metrics."""
        return (self._published_at,)

    @property
    def task(self) -> BackgroundTask:
        """The task that makes and publishes anchors."""
        return BackgroundTask("anchors", self.run, every(CHECK_SECONDS))

    async def run(self) -> None:
        """Make an anchor if it is due, and publish the anchors of this server that wait for it."""
        interval = timedelta(seconds=self.interval_seconds)
        if anchor := await make_anchor_if_due(self.database, self.key, interval):
            self._waiting = [(publisher, anchor) for publisher in self.publishers]
        failures: list[Unavailable] = []
        for waiting in tuple(self._waiting):
            publisher, anchor = waiting
            try:
                await publisher.publish(anchor)
            except Unavailable as failure:
                failures.append(failure)
            else:
                self._waiting.remove(waiting)
                self._published_at.set_to_current_time()
        if failures:
            raise failures[0]
