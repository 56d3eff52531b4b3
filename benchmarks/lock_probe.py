"""Somebody who works on tickets all the while, to see how long another keeps them waiting."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import perf_counter
from typing import Final

import asyncpg

from benchmarks.timing import Seconds

BEGIN_CHANGE: Final = "BEGIN; LOCK TABLE tickets IN ROW EXCLUSIVE MODE; COMMIT"
"""What every change of a ticket begins with."""
PAUSE_SECONDS: Final = 0.002


@contextmanager
def longest_wait(url: str, seconds: Seconds, name: str) -> Iterator[None]:
    """Note the longest time that a change of a ticket had to wait during a block."""
    waits: list[float] = []
    is_ready, is_over = Event(), Event()
    # A thread of its own goes on when whoever is measured keeps the event loop busy.
    thread = Thread(target=lambda: asyncio.run(pass_by(url, waits, is_ready, is_over)))
    thread.start()
    is_ready.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    seconds[name] = max(waits)


async def pass_by(url: str, waits: list[float], is_ready: Event, is_over: Event) -> None:
    """Take the lock of a change again and again, and note how long each time took."""
    connection = await asyncpg.connect(url)
    try:
        while not is_over.is_set():
            start = perf_counter()
            await connection.execute(BEGIN_CHANGE)
            waits.append(perf_counter() - start)
            is_ready.set()
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        is_ready.set()
        await connection.close()
