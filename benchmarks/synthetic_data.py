"""Generate tickets inside the database. A million tickets are three years of a service desk.

They have no history unless it is inserted too, because searches do not read it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from benchmarks.databases import VACUUM, execute_unchecked, unchecked
from engine.tickets.search_texts import stored_words
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.ticket import Opening
from engine.vocabulary import Priority

_SEED: Final = "SELECT setseed(0.5)"
_INSERT_USERS: Final = (
    "INSERT INTO users (id, name) SELECT 'u_' || n, 'Person ' || n FROM generate_series(0, 19999) n"
)
# The last twentieth can be live, and one in a hundred of the others. Word n is about n times rarer
# than word 1. The term `n * 0` makes PostgreSQL evaluate random() for each ticket.
_INSERT_TICKETS: Final = """
INSERT INTO tickets (id, title, description, status, priority, workflow, requester, assignee,
                     assignee_group, created_at, updated_at, version, head_digest)
SELECT 'tk_' || md5(n::text), title, description, status,
       ('{CRITICAL,HIGH,MEDIUM,MEDIUM,MEDIUM,LOW,LOW,LOW}'::text[])[ceil(random() * 8)],
       ('{incident_response,service_request,access_request,change_request,problem_investigation}'
        ::text[])[ceil(random() * 5)],
       'u_' || floor(random() * 20000),
       CASE WHEN status <> 'OPEN' OR random() < 0.5 THEN 'u_' || floor(random() * 500) END,
       'group-' || floor(random() * 50),
       at, least(at + random() * interval '6 days', now()), 3, '\\x00'
FROM (
    SELECT n, now() - ($1 - n) * interval '95 seconds' AS at,
           CASE WHEN n < $1 * 0.95 AND random() > 0.01 THEN 'CLOSED'
                ELSE ('{OPEN,IN_PROGRESS,IN_PROGRESS,RESOLVED,CLOSED}'::text[])[ceil(random() * 5)]
           END AS status
    FROM generate_series(1, $1::int) n OFFSET 0
) AS numbered
CROSS JOIN LATERAL (
    SELECT string_agg(word, ' ') FILTER (WHERE place <= 5) AS title,
           string_agg(word, ' ') FILTER (WHERE place > 5) AS description
    FROM (SELECT place, 'word' || floor(exp(random() * ln(20000) + n * 0))::int AS word
          FROM generate_series(1, 30) place) AS words
) AS texts
"""
_INSERT_WORDS: Final = """
INSERT INTO ticket_search (ticket, seq, internal, text)
SELECT id, 1, false, ' ' || title || ' ' || description || ' ' FROM tickets
"""
_INSERT_COMMENTS: Final = """
INSERT INTO ticket_search (ticket, seq, internal, text)
SELECT id, 4, n % 10 = 0, CASE WHEN n % 33 = 0 THEN $1 ELSE ' ' || words || ' ' END
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tickets WHERE id < 'tk_555') AS numbered
CROSS JOIN LATERAL (
    SELECT string_agg('word' || floor(exp(random() * ln(20000) + n * place * 0))::int, ' ') AS words
    FROM generate_series(1, 12) place
) AS texts
"""
_OPENING: Final = Opening(
    *("", "", Priority.HIGH, "incident_response", "u_1"),
    sla=targets_for(Priority.HIGH, SlaTerms()),
)
# Opened, started and commented on; those that are still OPEN have two comments.
_INSERT_ENTRIES: Final = """
INSERT INTO ticket_status_history
SELECT id, seq, created_at + seq * interval '1 hour', coalesce(assignee, requester), kind,
       CASE kind WHEN 'status' THEN 'OPEN' END,
       CASE kind WHEN 'created' THEN 'OPEN' WHEN 'status' THEN 'IN_PROGRESS' ELSE description END,
       2, 1, CASE seq WHEN 1 THEN $1 END, '\\x00'
FROM (
    SELECT *, CASE WHEN seq = 1 THEN 'created' WHEN seq = 2 AND status <> 'OPEN' THEN 'status'
                   ELSE 'comment' END AS kind
    FROM tickets CROSS JOIN generate_series(1, 3) seq
    WHERE (created_at > now() - interval '1 day') = $2
    ORDER BY created_at, seq
) AS numbered
"""
_CHINESE: Final = "订单支付失败请处理"
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = ANY($1) AND indexname NOT LIKE '%_pkey'
"""
_TICKETS, _SEARCH = "tickets", "ticket_search"


async def insert_tickets(url: str, tickets: int) -> None:
    """Insert tickets into a database with schema and default workflows, and update statistics."""
    async with unchecked(url) as connection, _without_indexes(connection, _TICKETS, _SEARCH):
        await connection.execute(_SEED)
        await connection.execute(_INSERT_USERS)
        await connection.execute(_INSERT_TICKETS, tickets)
        await connection.execute(_INSERT_WORDS)


async def insert_comments(url: str) -> None:
    """Insert the texts of comments into the search, and update statistics.

    They have no entries in the history, because searches do not read it.
    """
    async with unchecked(url) as connection, _without_indexes(connection, _SEARCH):
        await connection.execute(_SEED)
        await connection.execute(_INSERT_COMMENTS, stored_words(_CHINESE))


async def insert_entries(url: str) -> None:
    """Insert three entries for each ticket, in two transactions.

    Their digests are not valid, because nothing that the benchmarks time reads them.
    """
    for is_newest in (False, True):  # the log is never one transaction
        await execute_unchecked(url, _INSERT_ENTRIES, _OPENING.details, is_newest)


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """Drop the indexes of tables during the block, because to create them again is faster."""
    indexes = await connection.fetch(_INDEXES, tables)
    for name, _ in indexes:
        await connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        await connection.execute(definition)
    await connection.execute(VACUUM)
