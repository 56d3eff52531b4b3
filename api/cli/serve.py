"""`interlock serve`."""

import os

import typer

from api.settings import Settings


def serve() -> None:
    """Serve the API until SIGTERM. The settings are INTERLOCK_* environment variables."""
    from api.bootstrap.application import run_interlock

    run_interlock(
        Settings.from_env(os.environ),
        lambda url: typer.echo(f"Interlock is running at {url}/graphql"),
    )
