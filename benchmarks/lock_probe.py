"""Measure how long changes of tickets wait for the lock while something else runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import perf_counter
from typing import Final

import asyncpg

from benchmarks.timing import Seconds

_TAKE_LOCK: Final = "BEGIN; LOCK TABLE tickets IN ROW EXCLUSIVE MODE; COMMIT"
"""Every change of a ticket begins with this lock."""
_PAUSE_SECONDS: Final = 0.002


@contextmanager
def measure_longest_wait(url: str, seconds: Seconds, name: str) -> Iterator[None]:
    """Store the longest time that a change of a ticket waits during the block."""
    waits: list[float] = []
    is_ready, is_over = Event(), Event()
    # A thread, because the measured code can block the event loop.
    thread = Thread(
        target=lambda: asyncio.run(_take_lock_repeatedly(url, waits, is_ready, is_over))
    )
    thread.start()
    is_ready.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    seconds[name] = max(waits)


async def _take_lock_repeatedly(
    url: str, waits: list[float], is_ready: Event, is_over: Event
) -> None:
    """Take the lock again and again, and record how long each time takes."""
    connection = await asyncpg.connect(url)
    try:
        while not is_over.is_set():
            start = perf_counter()
            await connection.execute(_TAKE_LOCK)
            waits.append(perf_counter() - start)
            is_ready.set()
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        is_ready.set()
        await connection.close()
