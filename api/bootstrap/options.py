"""How the server of the settings listens and stops."""

from api.http.server import ServerOptions
from api.settings import Settings


def server_options(settings: Settings) -> ServerOptions:
    """Return the options of the server."""
    return ServerOptions(
        settings.host,
        settings.port,
        settings.limits.stream.send_seconds,
        settings.drain_seconds,
        settings.status_page_port,
    )
