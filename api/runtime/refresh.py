"""Refreshes the caches of a server when a reconciliation or a plugin switch is notified."""

from collections.abc import Awaitable, Callable
from typing import Final

from api.limits import ESSENTIAL_RUN_SECONDS_MAX
from api.runtime.background_tasks import BackgroundTask
from engine.storage.postgres.notifications import Listener

REFRESH_SECONDS: Final = 30
"""The longest time between two refreshes."""


def refresh_task(
    listener: Listener,
    refresh: Callable[[], Awaitable[None]],
    on_long_failure: Callable[[], None],
) -> BackgroundTask:
    """Return the task that refreshes the caches whenever something can have changed.

    If the listener cannot connect, the supervisor runs the task again after each failure, so that
    the caches are refreshed nevertheless.

    Args:
        listener: waits for notifications.
        refresh: reads all caches again.
        on_long_failure: called if the caches cannot be refreshed for long.

    """
    return BackgroundTask(
        "caches",
        refresh,
        listener.wait,
        run_seconds_max=ESSENTIAL_RUN_SECONDS_MAX,
        is_essential=True,
        on_long_failure=on_long_failure,
    )
