"""`interlock api-key`."""

from typing import Annotated

import typer

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key


def api_key(
    scopes: Annotated[
        list[Scope],
        typer.Option(
            "--scope", metavar="|".join(Scope), help="A scope of the key; repeat it for more."
        ),
    ],
) -> None:
    """Print a new API key for a machine.

    The key is printed on standard output, and its entry for INTERLOCK_API_KEYS on standard error.
    The entry contains a hash of the key, not the key. Give the key only to the machine that uses
    it. To rotate a key, add the entry of the new key, change the machine, and remove the old entry.
    """
    key = generate_api_key()
    typer.echo(str(ApiKeyEntry.for_key(key, scopes)), err=True)
    typer.echo(key)
