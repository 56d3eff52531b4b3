"""`interlock history anchor`, `prove` and `keygen`."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.files import read_lines
from api.settings import Settings, environment_variable
from engine.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.sealing.anchor import Anchor


def read_anchors(file: Path) -> "list[Anchor]":
    """Return the anchors in a file, one in each line; `-` is standard input.

    Raises:
        InvalidInput: the file cannot be read, has no anchor, or has another line.

    """
    from engine.sealing.anchor import ANCHOR_CHARACTERS_MAX, Anchor

    anchors = [
        Anchor.parse(line, f"{file} line {number}")
        for number, line in enumerate(read_lines(file, ANCHOR_CHARACTERS_MAX + 1), 1)
        if line.strip()
    ]
    if not anchors:
        raise InvalidInput(f"{file}: has no anchor.")
    return anchors


def anchor() -> None:
    """Make an anchor, and print it.

    An anchor is a signed statement about everything that is recorded. Keep it outside the database:
    `verify --against` then finds each later change of these records. The command seals what is
    recorded, and also stores the anchor in the database.
    """
    made = asyncio.run(_make_anchor(Settings.from_env(os.environ)))
    typer.echo(made.text)


async def _make_anchor(settings: Settings) -> "Anchor":
    from api.bootstrap.anchors import require_anchor_key
    from api.bootstrap.engine import open_current
    from engine.storage.history.anchors import make_anchor
    from engine.storage.history.seals import seal_log

    key = require_anchor_key(settings)
    async with open_current(settings) as engine:
        await seal_log(engine.database, wait=True)
        return await make_anchor(engine.database, key)


def prove(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="The id of a ticket.")],
    anchor: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file of anchors, of which the last one is used; by default the last one in the "
            "database.",
        ),
    ] = None,
) -> None:
    """Print the history of a ticket, with a proof.

    The history ends at an anchor, and the proof shows that the anchor covers it.
    docs/verify_anchor.py verifies it without a database.
    """
    given = read_anchors(anchor)[-1] if anchor else None
    typer.echo(asyncio.run(_prove(Settings.from_env(os.environ), ticket, given)), nl=False)


async def _prove(settings: Settings, ticket: str, anchor: "Anchor | None") -> str:
    from api.bootstrap.engine import open_current
    from engine.storage.history.anchors import last_anchor
    from engine.storage.history.proofs import prove_ticket

    async with open_current(settings) as engine, engine.database.snapshot() as session:
        chosen = anchor or await last_anchor(session)
        if chosen is None:
            raise NotFound("The database has no anchor. `interlock history anchor` makes one.")
        return await prove_ticket(session, ticket, chosen)


def keygen() -> None:
    """Print a new private key for anchors to standard output.

    Prints its public key, as a setting, to standard error. Who has the private key can sign
    anchors: keep it away from those who can change the database.
    """
    from engine.sealing.anchor_key import AnchorKey

    key = AnchorKey.new()
    variable = environment_variable("anchor_public_keys")
    typer.echo(f"{variable}={key.public.text}", err=True)
    typer.echo(key.pem, nl=False)
