"""`interlock license`: keys, licences, and what a licence is worth."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.exits import EXIT_ERROR
from api.files import read_text
from api.settings import Settings, environment_variable
from engine.declaration.durations import parse_duration
from engine.errors import InvalidInput, PluginDisabled
from engine.plugins import Licence, Plugin

license_: Final = typer.Typer(no_args_is_help=True)


@license_.callback()
def of_a_server() -> None:
    """What a server may offer."""


@license_.command()
def keygen() -> None:
    """Print a new private key.

    Its public key is printed on standard error, as a setting. The private key issues licences:
    keep it away from servers, which check with the public one.
    """
    from api.licence import LicenceKey

    key = LicenceKey.new()
    typer.echo(f"{environment_variable('license_public_key')}={key.public_text}", err=True)
    typer.echo(key.private_text, nl=False)


@license_.command()
def issue(
    key: Annotated[Path, typer.Option(help="The file with the private key.")],
    customer: Annotated[str, typer.Option(help="Whom it is for.")],
    plugins: Annotated[
        list[Plugin], typer.Option("--plugin", help="What it includes; give it once a plugin.")
    ],
    expires: Annotated[
        str, typer.Option(help="How long it is good for from now on, e.g. 30d.")
    ] = "365d",
) -> None:
    """Print a licence, for INTERLOCK_LICENSE_KEY."""
    from api.licence import LicenceKey

    private = LicenceKey.private(read_text(key))
    typer.echo(private.issue(customer, plugins, end_of(expires)))


def end_of(text: str) -> datetime:
    """Return the moment at which a time from now on is over; InvalidInput if it is none."""
    try:
        return datetime.now(UTC) + parse_duration(text)
    except ValueError as error:
        raise InvalidInput(f"--expires {text!r} {error}.") from None


@license_.command()
def inspect() -> None:
    """Tell what the licence in the settings is worth now. Exits 1 if a plugin is off by it."""
    from api.licence import read_licence

    settings = Settings.from_env(os.environ)
    licence = read_licence(settings.license_public_key, settings.license_key)
    now = datetime.now(UTC)
    refusals = {plugin: licence.refusal(plugin, now) for plugin in Plugin}
    for line in told(licence, refusals):
        typer.echo(line)
    if any(refusals.values()):
        raise typer.Exit(EXIT_ERROR)


def told(licence: Licence, refusals: dict[Plugin, PluginDisabled | None]) -> Iterator[str]:
    """Yield what people want to know of a licence."""
    if licence.customer:
        yield f"Customer: {licence.customer}"
        yield f"Plugins: {', '.join(sorted(licence.plugins)) or 'none'}"
    if licence.expires_at:
        yield f"Expires: {licence.expires_at.isoformat()}"
    if not licence.customer and not licence.error:
        yield f"{environment_variable('license_public_key')} is not set: this is the open edition."
    for plugin, refusal in refusals.items():
        yield refusal.message if refusal else f"{plugin} may be on."
