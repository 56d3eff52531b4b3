"""Where keys come from: fixed in the settings, or refreshed from a file or URL."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog
from prometheus_client import Gauge
from prometheus_client.registry import Collector

from api import limits
from api.auth.hmac_secrets import parse_hmac_keys
from api.auth.jwks import KeySet, parse_jwks
from engine.errors import Misconfigured, Unavailable

log: Final = structlog.get_logger(component="auth")


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that never change; a `KeySource` that does nothing to refresh them."""

    keys: KeySet
    collectors: Sequence[Collector] = ()

    def check(self) -> None:
        """Do nothing."""

    async def start(self) -> None:
        """Do nothing."""

    async def refresh(self) -> None:
        """Do nothing."""


class RefreshedKeys:
    """Keys that are read repeatedly, so that they can be rotated without a restart.

    If they cannot be read, the current keys stay in use and the log says why. A new set of keys
    replaces the whole current set; keys that it lacks are no longer valid.

    Args:
        read: returns the document with the keys; raises Unavailable with the reason.
        origin: the file or URL, for messages.
        interval_seconds: the time between two refreshes.
        required_at_start: whether the server must have keys to start; otherwise it starts, and is
            not ready.
        clock: a monotonic clock in seconds.

    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        origin: str,
        interval_seconds: float = limits.KEYS_REFRESH_SECONDS,
        *,
        required_at_start: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._origin = origin
        self._interval_seconds = interval_seconds
        self._required_at_start = required_at_start
        self._clock = clock
        self._log = log.bind(origin=origin)
        self._document = b""
        self._keys: KeySet | None = None
        self._error = "they were not read yet"
        self._refreshing: asyncio.Task[None] | None = None
        self._next_refresh = 0.0
        self._read_at = Gauge(
            "interlock_token_keys_read_timestamp_seconds",
            "When the keys that verify tokens were last read, in seconds since 1970.",
            registry=None,
        )
        self.collectors = (self._read_at,)

    @property
    def keys(self) -> KeySet:
        """The current keys.

        Raises:
            Unavailable: none were read yet. The reason is only in the log.

        """
        if self._keys is None:
            raise Unavailable("Tokens cannot be verified: the server has no keys yet.")
        return self._keys

    def check(self) -> None:
        """Raise Unavailable, with the reason, if there are no keys."""
        if self._keys is None:
            raise Unavailable(f"The keys of {self._origin} cannot be used: {self._error}")

    async def start(self) -> None:
        """Read the keys for the first time.

        Raises:
            Misconfigured: they cannot be read, and the server must not start without them.

        """
        await self._refresh_shared()
        if self._keys is None and self._required_at_start:
            raise Misconfigured(f"The keys of {self._origin} cannot be used: {self._error}")

    async def refresh(self) -> None:
        """Read the keys again, at most every few seconds; join a refresh that is running."""
        if self._refreshing is None or self._refreshing.done():
            if self._clock() < self._next_refresh:
                return
            self._next_refresh = self._clock() + limits.UNKNOWN_KEY_REFRESH_SECONDS
        await self._refresh_shared()

    async def wait(self) -> None:
        """Wait until the keys have to be read again: sooner if they were never read."""
        retry_seconds = min(self._interval_seconds, limits.UNKNOWN_KEY_REFRESH_SECONDS)
        await asyncio.sleep(retry_seconds if self._keys is None else self._interval_seconds)

    async def read_again(self) -> None:
        """Read the keys again.

        Raises:
            Unavailable: they cannot be read, so the old ones stay in use.

        """
        await self._refresh_shared()
        if self._error:
            raise Unavailable(f"The keys of {self._origin} cannot be used: {self._error}")

    async def _refresh_shared(self) -> None:
        """Read the keys in a separate task, which continues if one of its callers is cancelled."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_now())
        await asyncio.shield(self._refreshing)

    async def _refresh_now(self) -> None:
        try:
            document = await self._read()
            if document != self._document or self._keys is None:
                self._replace_keys(self._parse(document))
        except Exception as error:  # noqa: BLE001  # after any error, the keys stay in use
            message = error.message if isinstance(error, Unavailable) else str(error)
            message = message or type(error).__name__
            if message != self._error:  # log the same error once
                self._log.error(
                    "token keys not read", reason=message, old_keys_in_use=self._keys is not None
                )
            self._error = message
        else:
            self._document, self._error = document, ""
            self._read_at.set_to_current_time()

    def _parse(self, document: bytes) -> KeySet:
        """Return the keys in a document; ValueError says why it has no usable keys."""
        return parse_jwks(document)

    def _replace_keys(self, keys: KeySet) -> None:
        self._keys = keys
        for reason in keys.ignored:
            self._log.warning("JWKS entry ignored", reason=reason)
        ids = [each.id for each in keys.keys if each.id is not None]
        self._log.info("token keys read", keys=len(keys.keys), ids=ids)


class RefreshedSecrets(RefreshedKeys):
    """Secrets in a file that is read repeatedly."""

    def _parse(self, document: bytes) -> KeySet:
        return parse_hmac_keys(document)


KeySource: TypeAlias = FixedKeys | RefreshedKeys
