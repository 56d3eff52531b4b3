"""Builds the sign-in of the web UI from the settings."""

from datetime import timedelta

from api.settings import Settings
from api.web.sessions import Cookies, WebSessions
from engine.storage.postgres.database import Database
from engine.storage.web_sessions import SessionLifetime, WebSessionStore


def session_lifetime(settings: Settings) -> SessionLifetime:
    """Return how long the sessions of the web UI last."""
    return SessionLifetime(
        timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes)
    )


def web_sessions(settings: Settings, database: Database) -> WebSessions:
    """Return the sessions of the web UI."""
    return WebSessions(WebSessionStore(database, session_lifetime(settings)), Cookies())
