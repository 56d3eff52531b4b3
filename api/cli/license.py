"""`interlock license`: create keys, and issue and inspect licences."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.exits import EXIT_ERROR
from api.files import read_text
from api.settings import Settings, environment_variable
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput
from engine.plugins import Plugin
from reconciler.report.escaping import visible

license_: Final = typer.Typer(no_args_is_help=True)


@license_.callback()
def _group() -> None:
    """Create keys, and issue and inspect licences."""


@license_.command()
def keygen() -> None:
    """Print a new private key to standard output.

    Prints its public key, as a setting, to standard error. The private key issues licences: keep it
    away from servers, which only need the public key.
    """
    from api.licence import LicenceKey

    key = LicenceKey.new()
    typer.echo(f"{environment_variable('license_public_key')}={key.public_text}", err=True)
    typer.echo(key.private_text, nl=False)


@license_.command()
def issue(
    key: Annotated[Path, typer.Option(help="The file with the private key.")],
    customer: Annotated[str, typer.Option(help="The licensee.")],
    plugins: Annotated[
        list[Plugin], typer.Option("--plugin", help="A licensed plugin; can be repeated.")
    ],
    expires: Annotated[
        str, typer.Option(help="How long the licence is valid from now, such as 30d.")
    ] = "365d",
    begins: Annotated[
        str | None,
        typer.Option(help="In how long the licence begins, such as 30d; by default now."),
    ] = None,
) -> None:
    """Print a licence for INTERLOCK_LICENSE_KEY."""
    from api.licence import LicenceKey

    private = LicenceKey.private(read_text(key))
    now = datetime.now(UTC)
    begins_at = now + _parse_option("--begins", begins) if begins else None
    expires_at = now + _parse_option("--expires", expires)
    typer.echo(private.issue(customer, plugins, expires_at, begins_at))


def _parse_option(name: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"{name} {text!r} {error}.") from None


@license_.command()
def inspect() -> None:
    """Show the licence in the settings. Exits with 1 if it does not allow a plugin."""
    from api.licence import read_licence

    settings = Settings.from_env(os.environ)
    licence = read_licence(settings.license_public_key, settings.license_key)
    now = datetime.now(UTC)
    refusals = {plugin: licence.refusal(plugin, now) for plugin in Plugin}
    if licence.customer:
        typer.echo(f"Customer: {visible(licence.customer)}")
        typer.echo(f"Plugins: {', '.join(sorted(licence.plugins)) or 'none'}")
    elif not licence.error:
        variable = environment_variable("license_public_key")
        typer.echo(f"{variable} is not set: this is the open edition.")
    if licence.begins_at:
        typer.echo(f"Begins: {licence.begins_at.isoformat()}")
    if licence.expires_at:
        typer.echo(f"Expires: {licence.expires_at.isoformat()}")
    for plugin, refusal in refusals.items():
        typer.echo(refusal.message if refusal else f"{plugin} is allowed.")
    if any(refusals.values()):
        raise typer.Exit(EXIT_ERROR)
