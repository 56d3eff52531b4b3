"""`interlock api-key`."""

from typing import Annotated

import typer

from api.auth.api_keys import KeyEntry, Scope, new_key


def api_key(
    scopes: Annotated[
        list[Scope],
        typer.Option(
            "--scope", metavar="|".join(Scope), help="What it is good for; give it once a scope."
        ),
    ],
) -> None:
    """Print a new API key for a machine.

    Its entry for INTERLOCK_API_KEYS is printed on standard error. The entry holds a hash of the
    key, not the key: show the key to nobody but the machine that uses it. Several keys may have
    one scope: add the new one, change the machine, remove the old.
    """
    key = new_key()
    typer.echo(str(KeyEntry.of(key, scopes)), err=True)
    typer.echo(key)
