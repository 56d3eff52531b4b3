"""Where keys come from: they stand in the settings, or are read again and again while we run."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from prometheus_client import Gauge
from prometheus_client.registry import Collector

from api import limits
from api.auth.hmac_secrets import keys_of_secrets
from api.auth.jwks import KeySet, keys_in
from engine.errors import Misconfigured, Unavailable

log: Final = structlog.get_logger(component="identity")

Read = Callable[[], Awaitable[bytes]]
"""Returns a text with keys in it; raises Unavailable with why it can't."""


class KeySource(Protocol):
    """Keys that may be others tomorrow."""

    @property
    def keys(self) -> KeySet:
        """The keys that are in use; Unavailable if none were read yet."""

    @property
    def collectors(self) -> Sequence[Collector]:
        """What is measured of them."""

    def check(self) -> None:
        """Return if there are keys; Unavailable, with the reason, if there are not."""

    async def begin(self) -> None:
        """Read the keys for the first time."""

    async def renew(self) -> None:
        """Read the keys again, unless that was done a moment ago."""

    async def follow(self) -> None:
        """Read the keys again from time to time, for ever."""


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that never change."""

    keys: KeySet
    collectors: Sequence[Collector] = ()

    def check(self) -> None:
        """Do nothing: they are there."""

    async def begin(self) -> None:
        """Do nothing: they are there."""

    async def renew(self) -> None:
        """Do nothing: they stay."""

    async def follow(self) -> None:
        """Do nothing: they stay."""


class LiveKeys:
    """Keys that are read while the server runs, so that they can be rotated.

    What can't be read changes nothing: the keys that are known stay in use, and the log tells. Only
    a whole set of usable keys takes their place, and then the keys that it lacks are good no more.

    Args:
        read: reads them.
        origin: the file or address they are read from, for people.
        every: seconds between two readings.
        must_begin: without keys the server does not start; otherwise it starts and is not ready.
        clock: seconds that only ever grow.

    """

    def __init__(
        self,
        read: Read,
        origin: str,
        every: float = limits.KEYS_REFRESH_SECONDS,
        *,
        must_begin: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._origin = origin
        self._every = every
        self._must_begin = must_begin
        self._clock = clock
        self._log = log.bind(origin=origin)
        self._document = b""
        self._keys: KeySet | None = None
        self._flaw = "they were not read yet"
        self._reading: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._read_at = Gauge(
            "interlock_token_keys_read_timestamp_seconds",
            "When the keys that tokens are checked with could be read last, since 1970.",
            registry=None,
        )
        self.collectors = (self._read_at,)

    @property
    def keys(self) -> KeySet:
        """The keys that are in use.

        Raises:
            Unavailable: none were read yet.

        """
        if self._keys is None:
            raise Unavailable("Tokens can't be checked yet: the keys could not be read.")
        return self._keys

    def check(self) -> None:
        """Return if there are keys.

        Raises:
            Unavailable: there are none; with the reason, which is not for everybody.

        """
        if self._keys is None:
            raise Unavailable(f"The keys of {self._origin} can't be used: {self._flaw}")

    async def begin(self) -> None:
        """Read the keys for the first time.

        Raises:
            Misconfigured: they can't be read, and the server is not to start without them.

        """
        await self._read_once()
        if self._keys is None and self._must_begin:
            raise Misconfigured(f"The keys of {self._origin} can't be used: {self._flaw}")

    async def renew(self) -> None:
        """Read the keys again, unless somebody asked for it a moment ago; join whoever is at it."""
        if not self._is_reading:
            if self._clock() < self._next_at:
                return
            self._next_at = self._clock() + limits.UNKNOWN_KEY_REFRESH_SECONDS
        await self._read_once()

    async def follow(self) -> None:
        """Read the keys again from time to time, for ever; sooner while there are none."""
        while True:
            hurried = min(self._every, limits.UNKNOWN_KEY_REFRESH_SECONDS)
            await asyncio.sleep(hurried if self._keys is None else self._every)
            await self._read_once()

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read_once(self) -> None:
        """Read the keys in a task of its own: whoever waits may leave without ending it."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._take_over())
        await asyncio.shield(self._reading)

    async def _take_over(self) -> None:
        try:
            document = await self._read()
            if document != self._document or self._keys is None:
                self._use(self._keys_in(document))
        except Exception as error:  # noqa: BLE001  # whatever it is, the keys stay in use
            self._complain(error.message if isinstance(error, Unavailable) else str(error))
        else:
            self._document, self._flaw = document, ""
            self._read_at.set_to_current_time()

    def _keys_in(self, document: bytes) -> KeySet:
        """Return the keys in what was read; ValueError with why there are none."""
        return keys_in(document)

    def _use(self, keys: KeySet) -> None:
        self._keys = keys
        for complaint in keys.complaints:
            self._log.warning("a key was passed over", reason=complaint)
        names = [each.id for each in keys.keys if each.id is not None]
        self._log.info("the keys were read", keys=len(keys.keys), names=names)

    def _complain(self, flaw: str) -> None:
        """Tell of what is wrong, once while it is the same."""
        if flaw != self._flaw:
            still = self._keys is not None
            self._log.error("the keys could not be read", reason=flaw, old_keys_in_use=still)
        self._flaw = flaw


class LiveSecrets(LiveKeys):
    """Secrets that are read in the same way, one a line."""

    def _keys_in(self, document: bytes) -> KeySet:
        return keys_of_secrets(document)
