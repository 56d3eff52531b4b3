"""`interlock serve`."""

import os

import typer

from api.bootstrap import open_application
from api.http.server import run_server
from api.logs import configure_logging
from api.settings import Settings


def serve() -> None:
    """Serve the API until SIGTERM; the settings are INTERLOCK_* variables of the environment."""
    settings = Settings.from_env(os.environ)
    settings.demand_jwt_secret()
    configure_logging(settings.log_format, settings.log_level)
    application = open_application(settings)
    run_server(application, settings.host, settings.port, announce)


def announce(url: str) -> None:
    """Tell where the API is."""
    typer.echo(f"Interlock serves at {url}/graphql")
