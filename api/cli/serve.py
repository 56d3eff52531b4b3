"""`interlock serve`."""

import os

import typer

from api.settings import Settings


def serve() -> None:
    """Serve the API until SIGTERM. INTERLOCK_* environment variables are the settings."""
    from api.bootstrap.application import run_interlock

    run_interlock(
        Settings.from_env(os.environ),
        lambda url: typer.echo(f"Interlock serves at {url}/graphql"),
    )
