"""`interlock serve`."""

import os

import typer

from api.settings import Settings


def serve() -> None:
    """Serve the API until SIGTERM. The settings are INTERLOCK_* variables."""
    from api.bootstrap.application import run_interlock

    run_interlock(Settings.from_env(os.environ), announce)


def announce(url: str) -> None:
    """Tell where the API is."""
    typer.echo(f"Interlock serves at {url}/graphql")
