"""`interlock schema`."""

import json

import typer

from api.cli.values import SubchartKey


def schema(key: SubchartKey = "") -> None:
    """Print the JSON Schema of values files, for editors and Helm."""
    from engine.declaration.json_schema import values_schema
    from reconciler.values import keys_of

    typer.echo(json.dumps(values_schema(keys_of(key)), indent=2))
