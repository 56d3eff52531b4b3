"""Builds the sign-in of the web UI from the settings."""

from datetime import timedelta

from api.settings import Settings
from engine.storage.web_sessions import SessionLifetime


def session_lifetime(settings: Settings) -> SessionLifetime:
    """Return how long the sessions of the web UI last."""
    return SessionLifetime(
        timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes)
    )
