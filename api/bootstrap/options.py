"""How the server of the settings listens and stops."""

from api.http.server import ServerOptions
from api.settings import Settings
from engine.errors import Misconfigured


def server_options(settings: Settings) -> ServerOptions:
    """Return the options of the server.

    Raises:
        Misconfigured: the status page has no port of its own, but that of everything else.

    """
    if settings.status_page_port == settings.port:
        raise Misconfigured(
            f"INTERLOCK_STATUS_PAGE_PORT and INTERLOCK_PORT are both {settings.port}. "
            "Choose another port for the status page, or unset INTERLOCK_STATUS_PAGE_PORT."
        )
    return ServerOptions(
        settings.host,
        settings.port,
        settings.limits.stream.send_seconds,
        settings.drain_seconds,
        settings.status_page_port,
    )
