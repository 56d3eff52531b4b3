"""Maintenance windows around now."""

from datetime import UTC, datetime, timedelta

from engine.outages.maintenance import NewWindow


def window_from_now(hours: float = 1, **scope: object) -> NewWindow:
    """Return a window that starts now."""
    now = datetime.now(UTC)
    values = {"start": now, "end": now + timedelta(hours=hours), "text": "We upgrade"}
    return NewWindow.parse(**values | scope)
