"""`interlock history verify`."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.audits import print_finding, progress_bar
from api.cli.exits import EXIT_ERROR
from api.cli.history_anchors import anchor, keygen, prove, read_anchors
from api.cli.verified import verified_lines
from api.settings import Settings
from engine.tickets.history import canonical_timestamp

if TYPE_CHECKING:
    from engine.sealing.anchor import Anchor
    from engine.sealing.seal import Seal
    from engine.storage.history.seals import Unsealed
    from engine.storage.postgres.database import Session
    from reconciler.record_audit import AuditedAnchors

history: Final = typer.Typer(help="Verify and prove what is recorded.", no_args_is_help=True)
history.command()(anchor)
history.command()(prove)
history.command()(keygen)


@history.callback()
def of_tickets() -> None:
    """Verify and prove what is recorded."""


@history.command()
def verify(
    against: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="A file of anchors that was kept outside the database; can be repeated.",
        ),
    ] = [],  # noqa: B006  # typer copies it
) -> None:
    """Report what contradicts the record. Exits with 1 if anything does."""
    from api.bootstrap.anchors import trusted_keys
    from reconciler.record_audit import AuditedAnchors

    settings = Settings.from_env(os.environ)
    given = [anchor for file in against for anchor in read_anchors(file)]
    anchors = AuditedAnchors(given, trusted_keys(settings))
    outcome = asyncio.run(_verify(settings, anchors))
    for line in outcome.lines(anchors):
        typer.echo(line)
    if outcome.flaws:
        raise typer.Exit(EXIT_ERROR)


@dataclass(slots=True)
class _Outcome:
    """What was verified.

    Attributes:
        flawed_tickets: the number of tickets with flaws.
        flaws: the number of all flaws.
        stored: the last anchor in the database.
        warnings: rights on the database that no server needs.

    """

    tickets: int = 0
    flawed_tickets: int = 0
    flaws: int = 0
    seal: "Seal" = field(init=False)
    unsealed: "Unsealed" = field(init=False)
    stored: "Anchor | None" = None
    warnings: list[str] = field(default_factory=list)

    def report(self, flaw: object) -> None:
        """Count a flaw, and print it."""
        self.flaws += 1
        print_finding(flaw)

    def lines(self, anchors: "AuditedAnchors") -> Iterator[str]:
        """Yield the summary: which facts were verified, and which were not."""
        from reconciler.plural import plural

        if self.flaws:
            yield (
                f"{plural(self.flaws, 'flaw')}; {self.flawed_tickets:,} of "
                f"{plural(self.tickets, 'ticket')} have a flaw of their own."
            )
        else:
            yield f"Verified {plural(self.tickets, 'ticket')}."
            yield from verified_lines(anchors, self.stored)
            yield (
                "Tables, constraints, unique indexes and triggers are those that the migrations "
                "create; none of the triggers is disabled."
            )
            yield from self._about_seals()
        yield from (f"Warning: {each}." for each in self.warnings)

    def _about_seals(self) -> Iterator[str]:
        from reconciler.plural import plural

        entries = plural(self.seal.counts.entries, "entry", "entries")
        if self.seal.number:
            sealed_at = canonical_timestamp(self.seal.sealed_at)
            yield (
                f"The seals up to number {self.seal.number:,}, of {sealed_at}, cover exactly the "
                f"first {entries} of the log, in this order."
            )
        if self.unsealed.oldest:
            rows = plural(self.unsealed.rows, "recorded row is", "recorded rows are")
            oldest = canonical_timestamp(self.unsealed.oldest)
            yield f"{rows} not sealed yet, the oldest of {oldest}."


async def _verify(settings: Settings, anchors: "AuditedAnchors") -> _Outcome:
    """Verify the database of the settings, and print each flaw."""
    from api.bootstrap.engine import open_current

    async with open_current(settings) as engine, engine.database.snapshot() as session:
        return await _verify_session(session, anchors)


async def _verify_session(session: "Session", anchors: "AuditedAnchors") -> _Outcome:
    from engine.storage.history.anchors import last_anchor
    from engine.storage.history.audit import count_tickets
    from engine.storage.history.seals import last_seal, read_unsealed
    from engine.storage.postgres.rights_audit import find_excess_rights
    from engine.storage.postgres.schema_audit import audit_schema
    from reconciler.record_audit import audit_record, audit_tickets

    outcome = _Outcome()
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=await count_tickets(session))
        async for _, flaws in audit_tickets(session):
            bar.advance(task)
            outcome.tickets += 1
            outcome.flawed_tickets += bool(flaws)
            for flaw in flaws:
                outcome.report(flaw)
        for audit in (audit_record(session, anchors), audit_schema(session)):
            async for record_flaw in audit:
                outcome.report(record_flaw)
    outcome.warnings = await find_excess_rights(session)
    if not outcome.flaws:
        outcome.stored = await last_anchor(session)
    outcome.seal = (await last_seal(session)).seal
    outcome.unsealed = await read_unsealed(session)
    return outcome
