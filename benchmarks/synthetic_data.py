"""Generate tickets inside the database. A million tickets are three years of a service desk.

They have no history, because searches do not read it.
"""

from typing import Final

from benchmarks.databases import VACUUM, unchecked

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
_INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('tickets', 'ticket_search') AND indexname NOT LIKE '%_pkey'
"""


async def insert_tickets(url: str, tickets: int) -> None:
    """Insert tickets into a database with schema and default workflows, and update statistics."""
    async with unchecked(url) as connection:
        indexes = await connection.fetch(_INDEXES)
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        await connection.execute(_SEED)
        await connection.execute(_INSERT_USERS)
        await connection.execute(_INSERT_TICKETS, tickets)
        await connection.execute(_INSERT_WORDS)
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute(VACUUM)
