"""Ways of tampering with a database, and the small database that they tamper with."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from engine.plugins import Plugin
from engine.resources.resource import Key, Kind, Resource
from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.postgres.chains import PLUGIN_CHANGES, RECONCILIATIONS, WORKFLOW_REVISIONS
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransferTicket,
    TransitionTicket,
)
from engine.vocabulary import Status
from tests.support.declared_resources import declare
from tests.support.forger import Forger
from tests.support.monitored_services import PATH, record
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.seals import seal_everything

CLOSED, RESOLVED, LIVE, LATE = "Card reader", "Login fails", "Payments fail", "Printer"
"""The titles of the tickets; the last one is opened after the anchor."""
CATALOG: Final = {
    "categories": [{"name": "hardware", "displayName": "Hardware"}],
    "items": [
        {
            "name": "card_reader",
            "category": "hardware",
            "displayName": "Card reader",
            "workflow": "incident_response",
            "sla": {"response": "10m", "resolution": "4h"},
        }
    ],
}
SERVICES: Final = [{"path": PATH, "slaGroup": "payment-team"}]
CLOSES_BY_ASSIGNEE: Final = {
    "name": "incident_response",
    "transitions": [
        {"from": "OPEN", "to": "IN_PROGRESS", "role": "assignee"},
        {"from": "IN_PROGRESS", "to": "RESOLVED", "role": "assignee"},
        {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
    ],
}


async def fill(database: Database, key: AnchorKey) -> Anchor:
    """Record a few rows of every kind, with some seals and an anchor; return the anchor."""
    store = TicketStore(database)
    await declare(database, catalog=CATALOG, services=SERVICES)
    await save_user(database, ANNA)
    await save_user(database, replace(MARTON, name="Marton"))
    closed = await store.create_from_catalog(
        ANNA, CreateTicketFromCatalog.parse(item="card_reader", title=CLOSED)
    )
    await store.assign(ANNA, AssignTicket.parse(ticket=closed.id, assignee=MARTON.id))
    await seal_everything(database)
    await save_user(database, MARTON)
    await _move(store, closed.id, Status.IN_PROGRESS, Status.RESOLVED)
    resolved = await _open(store, RESOLVED)
    await _move(store, resolved, Status.IN_PROGRESS, Status.RESOLVED)
    await declare(database, catalog=CATALOG, services=SERVICES, workflows=[CLOSES_BY_ASSIGNEE])
    for enabled in (False, True):
        await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=enabled)
    await seal_everything(database)
    await _record_statuses(database)
    command = TransitionTicket.parse(ticket=closed.id, to=Status.CLOSED)
    await store.transition(ANNA, command)
    live = await _open(store, LIVE)
    await store.comment(ANNA, CommentTicket.parse(ticket=live, text="Since this morning"))
    await store.comment(MARTON, CommentTicket.parse(ticket=live, text="I look into it"))
    await sweep_due_times(database)
    await seal_everything(database)
    anchor = await make_anchor(database, key)
    late = await _open(store, LATE)
    await store.start(MARTON, StartTicket(ticket=late, comment="It is mine", internal=True))
    await store.transfer(ANNA, TransferTicket(ticket=late, assignee_group="network-team"))
    await seal_everything(database)
    await store.comment(ANNA, CommentTicket.parse(ticket=live, text="It works again"))
    return anchor


async def _record_statuses(database: Database) -> None:
    for status in ("DOWN", "OPERATIONAL"):
        await record(database, status)


async def _open(store: TicketStore, title: str) -> str:
    command = CreateTicket.parse(title=title, workflow="incident_response", assignee=MARTON.id)
    return (await store.create(ANNA, command)).id


async def _move(store: TicketStore, ticket: str, *statuses: Status) -> None:
    for status in statuses:
        await store.transition(MARTON, TransitionTicket.parse(ticket=ticket, to=status))


Tampering = Callable[[Forger], Awaitable[None]]
CHAINS: Final = (RECONCILIATIONS, WORKFLOW_REVISIONS, PLUGIN_CHANGES)


def sql(*statements: str) -> Tampering:
    """Return the tampering that only runs these statements."""

    async def run(forger: Forger) -> None:
        await forger.execute(*statements)

    return run


def entry(change: str, seq: int = 2, title: str = LIVE) -> Tampering:
    """Return the tampering that changes an entry, and nothing else."""
    return sql(
        f"UPDATE ticket_status_history SET {change} WHERE seq = {seq} AND ticket ="  # noqa: S608
        f" (SELECT max(id) FROM tickets WHERE title = '{title}')"
    )


def of_ticket(change: str, title: str = LIVE) -> Tampering:
    """Return the tampering that changes the row of a ticket, and nothing else."""
    return sql(f"UPDATE tickets SET {change} WHERE title = '{title}'")  # noqa: S608


def rebuilt(*changes: Tampering, title: str = LIVE) -> Tampering:
    """Return changes of a history after which its digests and its ticket are made to fit."""

    async def run(forger: Forger) -> None:
        for change in changes:
            await change(forger)
        if ticket := await forger.ticket(title):
            await forger.rebuild_ticket(ticket)

    return run


def chained(*changes: Tampering) -> Tampering:
    """Return changes after which the digests of all chains are made to fit."""

    async def run(forger: Forger) -> None:
        for change in changes:
            await change(forger)
        for chain in CHAINS:
            await forger.chain_rows(chain)

    return run


def sealed(*changes: Tampering) -> Tampering:
    """Return changes after which all digests and seals are made to fit, and anchors deleted."""

    async def run(forger: Forger) -> None:
        await chained(*changes)(forger)
        await forger.seal_again()

    return run


def delete_tickets(condition: str = "true") -> Tampering:
    """Return the tampering that removes tickets with everything that refers to them."""
    found = f"(SELECT id FROM tickets WHERE {condition})"  # noqa: S608 - our own conditions
    return sql(
        f"DELETE FROM ticket_status_history WHERE ticket IN {found}",  # noqa: S608
        f"DELETE FROM ticket_search WHERE ticket IN {found}",  # noqa: S608
        f"DELETE FROM tickets WHERE {condition}",  # noqa: S608
    )


DELETE_ONE: Final = delete_tickets(f"title = '{RESOLVED}'")
UNDO: Final = rebuilt(
    sql(
        "DELETE FROM ticket_status_history WHERE seq > 1 AND ticket ="  # noqa: S608 - our own title
        f" (SELECT max(id) FROM tickets WHERE title = '{LIVE}')"
    )
)

MADE_UP: Final = "tk_00000000000000000000000000000001"
COPIED_TICKET: Final = """
INSERT INTO tickets SELECT copied.* FROM tickets, jsonb_populate_record(
    tickets,
    jsonb_build_object(
        'id', $2::text, 'status', 'OPEN', 'version', 1, 'auto_close_from', NULL,
        'created_at', created_at - interval '{age}', 'updated_at', created_at - interval '{age}'
    )
) AS copied WHERE tickets.id = $1
"""
COPIED_ENTRY: Final = """
INSERT INTO ticket_status_history OVERRIDING SYSTEM VALUE
SELECT copied.* FROM ticket_status_history, jsonb_populate_record(
    ticket_status_history,
    jsonb_build_object(
        'ticket', $2::text, 'at', at - interval '{age}',
        'transaction', {transaction}, 'entry', entry + 1000000
    )
) AS copied WHERE ticket_status_history.ticket = $1 AND ticket_status_history.seq = 1
"""
COPIED_WORDS: Final = """
INSERT INTO ticket_search (ticket, seq, internal, text)
SELECT $2, seq, internal, text FROM ticket_search WHERE ticket = $1 AND seq = 1
"""


def make_up_ticket(transaction: str, age: str = "1 year") -> Tampering:
    """Return the tampering that adds a copy of a ticket.

    Args:
        transaction: the column `transaction` of its entry, in SQL.
        age: how much older than the ticket the copy seems to be.

    """
    statements = (
        COPIED_TICKET.format(age=age),
        COPIED_ENTRY.format(transaction=transaction, age=age),
        COPIED_WORDS,
    )

    async def run(forger: Forger) -> None:
        source = await forger.ticket(RESOLVED)
        if source is None or await forger.value("SELECT 1 FROM tickets WHERE id = $1", MADE_UP):
            return
        for statement in statements:
            await forger.connection.execute(statement, source, MADE_UP)
        await forger.chain_history(MADE_UP)

    return run


def redeclare(*, in_plan: bool) -> Tampering:
    """Return the tampering that lets only requesters close incidents, as if declared so.

    Args:
        in_plan: also in the plan of the reconciliation.

    """

    async def run(forger: Forger) -> None:
        row = await forger.connection.fetchrow(
            "SELECT id, declaration::text, reconciliation FROM workflow_revisions"
            " WHERE workflow = 'incident_response' ORDER BY id DESC LIMIT 1"
        )
        declaration = json.loads(row["declaration"]) if row else {}
        if row is None or "transitions" not in declaration:
            return
        for transition in declaration["transitions"]:
            if transition["to"] == "CLOSED":
                transition["role"] = "requester"
        text = json.dumps(declaration, sort_keys=True, ensure_ascii=False)
        policy = Resource(Key(Kind.WORKFLOW, "incident_response"), text).compiled.policy
        await forger.connection.execute(
            "UPDATE workflow_revisions SET declaration = $2, policy = $3 WHERE id = $1",
            *(row["id"], text, policy),
        )
        await forger.connection.execute(
            "UPDATE workflows SET policy = $1 WHERE name = 'incident_response'", policy
        )
        if in_plan:
            await _redeclare_in_plan(forger, row["reconciliation"], declaration)

    return chained(run)


async def _redeclare_in_plan(
    forger: Forger, reconciliation: int, declaration: dict[str, object]
) -> None:
    text = await forger.value(
        "SELECT plan::text FROM reconciliations WHERE id = $1", reconciliation
    )
    plan = json.loads(text or '{"changes": []}')
    for change in plan["changes"]:
        if change["name"] == declaration["name"]:
            change["after"]["declaration"] = declaration
    await forger.connection.execute(
        "UPDATE reconciliations SET plan = $2 WHERE id = $1", reconciliation, json.dumps(plan)
    )


async def roll_back(forger: Forger) -> None:
    """Remove everything after the first seal, as if an old copy of the database was restored."""
    first = await forger.connection.fetchrow("SELECT * FROM seals WHERE number = 1")
    if first is None or first["log_entry"] is None:
        return
    place = f"({first['log_transaction']}, {first['log_entry']})"
    names_place = f"({first['names_transaction']}, {first['names_entry']})"
    await forger.execute(
        f"DELETE FROM ticket_status_history WHERE (transaction, entry) > {place}",  # noqa: S608
        "DELETE FROM tickets WHERE id NOT IN (SELECT ticket FROM ticket_status_history)",
        "DELETE FROM ticket_search WHERE ticket NOT IN (SELECT id FROM tickets)",
        f"DELETE FROM user_names WHERE (transaction, entry) > {names_place}",  # noqa: S608
        "UPDATE users SET name = 'Marton', name_seq = 1 WHERE name_seq = 2",
        "DELETE FROM plugin_changes",
        f"DELETE FROM reconciliations WHERE id > {first['reconciliations']}",  # noqa: S608
        f"DELETE FROM workflow_revisions WHERE id > {first['workflow_revisions']}",  # noqa: S608
        "UPDATE workflows SET policy = latest.policy, revision = latest.id,"
        " display_name = coalesce(latest.declaration ->> 'displayName', '') FROM ("
        "SELECT DISTINCT ON (workflow) *"
        " FROM workflow_revisions ORDER BY workflow, id DESC) latest"
        " WHERE latest.workflow = workflows.name",
        *(
            f"UPDATE {table} SET reconciliation = {first['reconciliations']}"  # noqa: S608
            for table in (
                "workflows",
                "catalog_categories",
                "catalog_items",
                "services",
                "settings",
            )
        ),
        "DELETE FROM seals WHERE number > 1",
        "DELETE FROM anchors",
    )
    for row in await forger.connection.fetch("SELECT id FROM tickets"):
        await forger.rebuild_ticket(row["id"])


NEXT_ENTRY: Final = """
INSERT INTO ticket_status_history OVERRIDING SYSTEM VALUE
SELECT copied.* FROM ticket_status_history, jsonb_populate_record(
    ticket_status_history,
    jsonb_build_object(
        'seq', ticket_status_history.seq + 1, 'kind', 'comment', 'new_value', 'Never written',
        'old_value', NULL, 'details', NULL, 'entry', ticket_status_history.entry + 1000000
    )
) AS copied WHERE ticket_status_history.ticket = (SELECT max(id) FROM tickets WHERE title = '{}')
ORDER BY copied.seq DESC LIMIT 1
"""
TRANSITION_BY_STRANGER: Final = f"""
INSERT INTO ticket_status_history OVERRIDING SYSTEM VALUE
SELECT copied.* FROM ticket_status_history, jsonb_populate_record(
    ticket_status_history,
    jsonb_build_object(
        'seq', ticket_status_history.seq + 1, 'actor', 'u_z9', 'actor_bits', 2,
        'old_value', 'RESOLVED', 'new_value', 'CLOSED',
        'entry', ticket_status_history.entry + 1000000
    )
) AS copied
WHERE ticket_status_history.ticket = (SELECT max(id) FROM tickets WHERE title = '{RESOLVED}')
ORDER BY copied.seq DESC LIMIT 1
"""  # noqa: S608 - our own title
REVISION_COPY: Final = """
INSERT INTO workflow_revisions SELECT copied.* FROM workflow_revisions, jsonb_populate_record(
    workflow_revisions, jsonb_build_object('id', workflow_revisions.id + 1)
) AS copied ORDER BY copied.id DESC LIMIT 1
"""

TAMPERINGS: Final[dict[str, Tampering]] = {
    # tickets
    "the status of a ticket": of_ticket("status = 'IN_PROGRESS'"),
    "the title of a ticket": of_ticket("title = 'Another'"),
    "the description of a ticket": of_ticket("description = 'Another'"),
    "the requester of a ticket": of_ticket("requester = 'u_z9'"),
    "the assignee of a ticket": of_ticket("assignee = NULL"),
    "the version of a ticket": of_ticket("version = version + 1"),
    "the head digest of a ticket": of_ticket("head_digest = sha256('x')"),
    "a due time": of_ticket("response_due_at = response_due_at + interval '1 hour'", CLOSED),
    "the start of a grace period": of_ticket("auto_close_from = created_at", RESOLVED),
    "the words of the search": sql("UPDATE ticket_search SET text = ' '"),
    "a ticket removed from the search": sql(
        "DELETE FROM ticket_search WHERE ticket IN (SELECT max(id) FROM tickets)"
    ),
    # entries
    "the actor of an entry": entry("actor = 'u_z9'"),
    "the time of an entry": entry("at = at - interval '1 microsecond'"),
    "the text of a comment": entry("new_value = 'Nothing'"),
    "the new status in an entry": entry("new_value = 'CLOSED'", title=RESOLVED),
    "the roles in an entry": entry("actor_bits = 7", title=RESOLVED),
    "the revision in an entry": entry("workflow_revision = 1", title=RESOLVED),
    "the details of an entry": entry("details = '{}'", seq=1),
    "the kind of an entry": entry("kind = 'note'"),
    "the digest of an entry": entry("digest = sha256('x')"),
    "an entry removed": sql("DELETE FROM ticket_status_history WHERE seq = 2"),
    "an entry added": sql(NEXT_ENTRY.format(LIVE)),
    # histories whose digests fit
    "the last entries undone": UNDO,
    "an entry changed, its history chained again": rebuilt(entry("new_value = 'Nothing'")),
    "an entry added, its history chained again": rebuilt(
        sql(NEXT_ENTRY.format(RESOLVED)), title=RESOLVED
    ),
    "a ticket deleted with its history": DELETE_ONE,
    "all tickets deleted": delete_tickets(),
    "a made-up ticket within the log": make_up_ticket("transaction"),
    "a made-up ticket at the end of the log": make_up_ticket("pg_current_xact_id()::text::bigint"),
    "a made-up ticket that follows the rules": make_up_ticket("transaction", age="0"),
    # order of the log
    "two entries swapped in the log": sql(
        "UPDATE ticket_status_history SET entry = DEFAULT WHERE kind = 'created'",
        "UPDATE ticket_status_history SET transaction = (SELECT max(transaction) FROM"
        " ticket_status_history) WHERE kind = 'created'",
    ),
    "an entry moved into the future": entry("transaction = 1000000000000", seq=3),
    # users
    "the name of a user": sql("UPDATE users SET name = 'Zoe R.' WHERE id = 'u_b1'"),
    "a recorded name removed": sql("DELETE FROM user_names WHERE seq = 1"),
    "the digest of a name": sql("UPDATE user_names SET digest = sha256('x')"),
    # workflows and reconciliations
    "the policy of a workflow": sql("UPDATE workflows SET policy = 281474976710655"),
    "the display name of a workflow": sql("UPDATE workflows SET display_name = 'Another'"),
    "an old revision made active": sql(
        "UPDATE workflows SET revision = 1, policy = (SELECT policy FROM workflow_revisions"
        " WHERE id = 1)"
    ),
    "a workflow retired": sql("UPDATE workflows SET retired_at = now()"),
    "the policy of a revision": sql("UPDATE workflow_revisions SET policy = 281474976710655"),
    "the declaration of a revision": sql("UPDATE workflow_revisions SET declaration = '{}'"),
    "a revision removed": sql(
        "DELETE FROM workflow_revisions WHERE id = (SELECT max(id) FROM workflow_revisions)"
    ),
    "a revision added, chained": chained(sql(REVISION_COPY)),
    "a revision and its workflow changed, chained": redeclare(in_plan=False),
    "a revision, its workflow and its plan changed, chained": redeclare(in_plan=True),
    "the plan of a reconciliation": sql("UPDATE reconciliations SET plan = '{\"changes\": []}'"),
    "the author of a reconciliation": sql("UPDATE reconciliations SET applied_by = 'u_z9'"),
    "the author of a reconciliation, chained": chained(
        sql("UPDATE reconciliations SET applied_by = 'u_z9'")
    ),
    "a reconciliation removed": sql("DELETE FROM reconciliations WHERE id = 2"),
    "a catalog item": sql("UPDATE catalog_items SET declaration = '{}'"),
    "a setting": sql("UPDATE settings SET retired_at = now()"),
    # plugins
    "a plugin switched without a record": sql("UPDATE plugins SET enabled = false"),
    "the author of a plugin change": sql("UPDATE plugin_changes SET changed_by = 'u_z9'"),
    "the author of a plugin change, chained": chained(
        sql("UPDATE plugin_changes SET changed_by = 'u_z9'")
    ),
    "the plugin changes removed": sql("DELETE FROM plugin_changes"),
    # the statuses of services
    "a past status of a service": sql("UPDATE health_intervals SET status = 'OPERATIONAL'"),
    "the past statuses of a service removed": sql("DELETE FROM health_intervals"),
    "the start of the current status of a service": sql(
        "UPDATE service_health SET since = since + interval '1 minute'"
    ),
    # seals and anchors
    "the digest of a seal": sql("UPDATE seals SET digest = sha256('x') WHERE number = 2"),
    "the time of a seal": sql("UPDATE seals SET sealed_at = now() WHERE number = 1"),
    "a seal removed": sql("DELETE FROM seals WHERE number = 2"),
    "the last seals removed": sql("DELETE FROM seals WHERE number > 1"),
    "all seals removed": sql("DELETE FROM seals"),
    "a stored anchor": sql(
        """UPDATE anchors SET document = replace(document, '"tickets":', '"tickets":1')"""
    ),
    # everything that the database has fits
    "an entry changed, everything sealed again": sealed(rebuilt(entry("new_value = 'Nothing'"))),
    "a transition by a stranger, everything sealed again": sealed(
        rebuilt(sql(TRANSITION_BY_STRANGER), title=RESOLVED)
    ),
    "the last entries undone, everything sealed again": sealed(UNDO),
    "a ticket deleted, everything sealed again": sealed(DELETE_ONE),
    "all tickets deleted, everything sealed again": sealed(delete_tickets()),
    "a made-up ticket, everything sealed again": sealed(make_up_ticket("transaction")),
    "a revision, its workflow and its plan changed, everything sealed again": sealed(
        redeclare(in_plan=True)
    ),
    "the author of a reconciliation, everything sealed again": sealed(
        sql("UPDATE reconciliations SET applied_by = 'u_z9'")
    ),
    "an old copy of the database restored": roll_back,
}
"""Each changes what was recorded before the anchor."""
