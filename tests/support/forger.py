"""A superuser who changes recorded rows, and computes digests again so that they fit.

The only thing that a forger lacks is the private key of the installation.
"""

from contextlib import suppress
from typing import Any, Final

import asyncpg

from engine.sealing.seal import (
    NO_SEAL,
    ChainHeads,
    Seal,
    SealedContent,
    SealedCounts,
    content_digest,
    next_seal,
)
from engine.storage.history.seals import seal_of
from engine.storage.postgres.chains import CHAINS, Chain, last_link
from engine.storage.postgres.database import Session
from engine.storage.postgres.rows import entry_of
from engine.storage.tickets.search_texts import repair_texts
from engine.storage.tickets.sla_columns import sla_columns
from engine.tickets.auto_close import auto_close_from
from engine.tickets.history import GENESIS, Entry
from engine.tickets.ticket import rebuild_ticket

ROWS_TO: Final = "(transaction, entry) <= ($1, $2)"


class Forger:
    """Changes a database in a transaction without triggers and foreign keys."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.connection: asyncpg.Connection = session.connection

    async def execute(self, *statements: str) -> None:
        for statement in statements:
            await self.connection.execute(statement)

    async def value(self, query: str, *arguments: object) -> Any:  # noqa: ANN401 - of any column
        return await self.connection.fetchval(query, *arguments)

    async def ticket(self, title: str) -> str | None:
        """Return the id of a ticket; None if the other tampering has removed it."""
        found: str | None = await self.value("SELECT max(id) FROM tickets WHERE title = $1", title)
        return found

    async def chain_history(self, ticket: str) -> None:
        """Compute the digests of a history again, and the head of its ticket."""
        digest = GENESIS
        rows = await self.connection.fetch(
            "SELECT * FROM ticket_status_history WHERE ticket = $1 ORDER BY seq", ticket
        )
        for row in rows:
            digest = entry_of(row).digest(digest)
            await self.connection.execute(
                "UPDATE ticket_status_history SET digest = $3 WHERE ticket = $1 AND seq = $2",
                *(ticket, row["seq"], digest),
            )
        await self.connection.execute(
            "UPDATE tickets SET head_digest = $2 WHERE id = $1", ticket, digest
        )

    async def rebuild_ticket(self, ticket: str) -> None:
        """Write a ticket and its texts as they follow from its history, if that is possible."""
        await self.chain_history(ticket)
        rows = await self.connection.fetch(
            "SELECT * FROM ticket_status_history WHERE ticket = $1 ORDER BY seq", ticket
        )
        history = [entry_of(row) for row in rows]
        with suppress(KeyError):
            await self._write(ticket, history)
            await repair_texts(self.session, [ticket])

    async def _write(self, ticket: str, history: list[Entry]) -> None:
        rebuilt = rebuild_ticket(history)
        columns = (
            rebuilt._asdict()
            | sla_columns(history)
            | {"auto_close_from": auto_close_from(rebuilt, history)}
        )
        values = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 1))
        await self.connection.execute(
            f"UPDATE tickets SET {values} WHERE id = '{ticket}'",  # noqa: S608 - our own names
            *columns.values(),
        )

    async def chain_rows(self, chain: Chain) -> None:
        """Compute the digests of a chain again."""
        table, digest = chain.table.name, GENESIS
        columns = ", ".join(
            f"{name}::text" if name in {"plan", "declaration"} else name for name in chain.content
        )
        for row in await self.connection.fetch(f"SELECT {columns} FROM {table} ORDER BY id"):  # noqa: S608
            digest = chain.digest_of(row, digest)
            await self.connection.execute(
                f"UPDATE {table} SET digest = $2 WHERE id = $1",  # noqa: S608 - our own names
                *(row["id"], digest),
            )

    async def seal_again(self) -> None:
        """Compute all seals again, each for the rows up to its end, and delete the anchors."""
        await self.execute("DELETE FROM anchors")
        before = NO_SEAL
        links = {name: await last_link(self.session, chain) for name, chain in CHAINS.items()}
        for row in await self.connection.fetch("SELECT * FROM seals ORDER BY number"):
            stored = seal_of(row)
            entries = await self._digests("ticket_status_history", row, "log")
            names = await self._digests("user_names", row, "names")
            numbers = {name: min(getattr(stored.counts, name), links[name].id) for name in CHAINS}
            heads = {
                name: await self.value(f"SELECT digest FROM {name} WHERE id = $1", number)  # noqa: S608
                for name, number in numbers.items()
            }
            counts = SealedCounts(len(entries), len(names), **numbers)
            content = SealedContent(
                content_digest(entries[before.counts.entries :]),
                content_digest(names[before.counts.user_names :]),
                ChainHeads(**{name: head or GENESIS for name, head in heads.items()}),
            )
            before = next_seal(before, stored.sealed_at, counts, content)
            await self._replace(before)

    async def _replace(self, seal: Seal) -> None:
        """Replace the seal with the same number, without saying where its rows end."""
        columns = seal.counts._asdict() | {"digest": seal.digest}
        ends = ("log_transaction", "log_entry", "names_transaction", "names_entry")
        values = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
        await self.connection.execute(
            f"UPDATE seals SET {values}, {', '.join(f'{end} = NULL' for end in ends)}"  # noqa: S608
            " WHERE number = $1",
            *(seal.number, *columns.values()),
        )

    async def _digests(self, table: str, seal: asyncpg.Record, end: str) -> list[bytes]:
        rows = await self.connection.fetch(
            f"SELECT digest FROM {table} WHERE {ROWS_TO} ORDER BY transaction, entry",  # noqa: S608
            *(seal[f"{end}_transaction"], seal[f"{end}_entry"]),
        )
        return [row["digest"] for row in rows]
