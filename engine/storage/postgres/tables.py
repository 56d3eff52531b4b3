"""The tables (design section 5). Everything else in this folder is written in their terms."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnClause,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    cast,
    false,
    func,
    literal_column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from engine.tickets.history import EntryKind
from engine.vocabulary import STATUSES, Priority, ServiceStatus
from engine.webhooks.retry_policy import DeliveryState
from engine.workflows.policy import POLICY_BITS

NAMES: Final = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}
ID: Final = Text(collation="C")
"""Ids are compared as bytes: the same order here, in Python and on every machine."""
MOMENT: Final = DateTime(timezone=True)
LAST_OF_TRANSACTION: Final = 2**63 - 1
"""The place behind every entry of a transaction in the log of all histories."""
OF_THIS_DATABASE: Final = "of_this_database"
"""Marks columns whose values mean nothing in another database, so no backup holds them."""

metadata: Final = MetaData(naming_convention=NAMES)


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Return the constraint that holds a column to the vocabulary."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


users: Final = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, comment="null until the person signs in for the first time"),
    Column("groups", ARRAY(Text), nullable=False, server_default="{}"),
    Column("seen_at", MOMENT, comment="when name and groups were last told by a token"),
)

reconciliations: Final = Table(
    "reconciliations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("plan_id", Text, nullable=False, comment="SHA-256 of the plan: applied once only"),
    Column("plan", JSON, nullable=False, comment="what was changed, whole"),
    Column("applied_at", MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Column("applied_by", Text, nullable=False),
    Column("source", Text, nullable=False, comment="where the declaration came from"),
    UniqueConstraint("plan_id"),
)


def reconciled_by() -> Column[int]:
    """Return the column that names the reconciliation which last wrote a row."""
    return Column("reconciliation", BigInteger, ForeignKey("reconciliations.id"), nullable=False)


workflows: Final = Table(
    "workflows",
    metadata,
    Column("name", ID, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("policy", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False, comment="workflow_revisions.id now in force"),
    Column("auto_close", Text, comment="its own grace period; null: that of all workflows"),
    Column("retired_at", MOMENT),
    reconciled_by(),
    CheckConstraint(f"policy >= 0 AND policy < {1 << POLICY_BITS}", name="policy"),
)

workflow_revisions: Final = Table(
    "workflow_revisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("workflow", ID, nullable=False),
    Column("declaration", JSON, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the canonical declaration"),
    Column("policy", BigInteger, nullable=False),
    reconciled_by(),
    Index("workflow_revisions_of_a_workflow_idx", "workflow", "id"),
)


def declared_table(name: str, key: str, *columns: Column[Any]) -> Table:
    """Return the table of a kind of resource; `columns` are what it holds beside all others do."""
    return Table(
        name,
        metadata,
        Column(key, ID, primary_key=True),
        *columns,
        Column("declaration", JSON, nullable=False, comment="canonical; the row says nothing else"),
        Column("retired_at", MOMENT),
        reconciled_by(),
    )


THIS_TRANSACTION: Final = cast(cast(func.pg_current_xact_id(), Text), BigInteger)
"""Its number, as the log of all histories has it."""


catalog_categories: Final = declared_table("catalog_categories", "name")
catalog_items: Final = declared_table(
    "catalog_items",
    "name",
    Column("category", ID, ForeignKey("catalog_categories.name"), nullable=False),
    Column("workflow", ID, ForeignKey("workflows.name"), nullable=False),
)
calendars: Final = declared_table("calendars", "name")
services: Final = declared_table("services", "path")
settings: Final = declared_table("settings", "name")

webhooks: Final = declared_table(
    "webhooks",
    "name",
    Column(
        "log_transaction",
        BigInteger,
        nullable=False,
        server_default=THIS_TRANSACTION,
        comment="how far in the log deliveries are made; at first, from its declaration on",
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "log_entry",
        BigInteger,
        nullable=False,
        server_default=text(str(LAST_OF_TRANSACTION)),
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "obstacle",
        Text,
        comment="why none of the servers attempts anything; null: one does",
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "block_checked_at",
        MOMENT,
        comment="when a server said last whether there is an obstacle",
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "paused_until",
        MOMENT,
        comment="the receiver asked to wait",
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "disabled_by_reconciliation",
        BigInteger,
        comment="the reconciliation.id under which the receiver said that it is gone",
        info={OF_THIS_DATABASE: True},
    ),
)

webhook_deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    Column("webhook", ID, ForeignKey("webhooks.name"), primary_key=True),
    Column("ticket", ID, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False, server_default=DeliveryState.PENDING),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Column("claimed_until", MOMENT, comment="somebody attempts it; after that, another may"),
    Column("last_answer", Text, comment="of the latest attempt: its HTTP status, or why none"),
    Column("finished_at", MOMENT, comment="null: pending"),
    one_of("state", tuple(DeliveryState)),
)
"""What is to be told to whom: an entry of a history, which is read again for each attempt."""

Index(
    "webhook_deliveries_next_first_idx",
    webhook_deliveries.c.webhook,
    webhook_deliveries.c.next_attempt_at,
    postgresql_where=webhook_deliveries.c.state == literal_column("'pending'"),
)
Index(
    "webhook_deliveries_of_a_ticket_idx",
    webhook_deliveries.c.webhook,
    webhook_deliveries.c.ticket,
    webhook_deliveries.c.seq,
    postgresql_where=webhook_deliveries.c.state == literal_column("'pending'"),
)
Index(
    "webhook_deliveries_dead_idx",
    webhook_deliveries.c.webhook,
    webhook_deliveries.c.finished_at,
    webhook_deliveries.c.ticket,
    webhook_deliveries.c.seq,
    postgresql_where=webhook_deliveries.c.state == literal_column("'dead'"),
)
Index(
    "webhook_deliveries_settled_idx",
    webhook_deliveries.c.state,
    webhook_deliveries.c.finished_at,
    postgresql_where=webhook_deliveries.c.finished_at.is_not(None),
)

service_health: Final = Table(
    "service_health",
    metadata,
    Column("service", ID, ForeignKey("services.path"), primary_key=True),
    Column("status", Text, nullable=False, comment="the gravest that any source reports"),
    Column("since", MOMENT, nullable=False, comment="since when it has this status"),
    Column("reported_at", MOMENT, nullable=False, comment="when anything was reported last"),
    Column("message", Text, nullable=False),
    Column(
        "last_handled_status",
        Text,
        comment="the status that its tickets were brought in line with last",
    ),
    one_of("status", tuple(ServiceStatus)),
    one_of("last_handled_status", (ServiceStatus.DOWN, ServiceStatus.OPERATIONAL)),
)
Index(
    "service_health_unhandled_idx",
    service_health.c.service,
    postgresql_where=text(
        "status IN ('DOWN', 'OPERATIONAL') AND status IS DISTINCT FROM last_handled_status"
    ),
)

service_reports: Final = Table(
    "service_reports",
    metadata,
    Column("service", ID, ForeignKey("service_health.service"), primary_key=True),
    Column("source", ID, primary_key=True, comment="who reports: a check, an alert"),
    Column("status", Text, nullable=False, comment="a source that says OPERATIONAL has no row"),
    Column("message", Text, nullable=False),
    Column("reported_at", MOMENT, nullable=False),
    one_of("status", tuple(ServiceStatus)),
)

plugins: Final = Table(
    "plugins",
    metadata,
    Column("name", ID, primary_key=True),
    Column("enabled", Boolean, nullable=False, comment="as an admin wishes, whatever the licence"),
    Column("declared", Boolean, nullable=False, server_default=true(), comment="as values say"),
)

plugin_changes: Final = Table(
    "plugin_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("plugin", ID, ForeignKey("plugins.name"), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("changed_at", MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Column("changed_by", ID, nullable=False, comment="a user id"),
)

tickets: Final = Table(
    "tickets",
    metadata,
    Column("id", ID, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("workflow", ID, ForeignKey("workflows.name"), nullable=False),
    Column("requester", ID, ForeignKey("users.id"), comment="null: opened by system"),
    Column("assignee", ID, ForeignKey("users.id")),
    Column("assignee_group", Text),
    Column("item", ID, ForeignKey("catalog_items.name"), comment="null: from no catalog item"),
    Column("service", ID, ForeignKey("services.path"), comment="null: opened by a person"),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    Column("version", Integer, nullable=False, comment="the seq of its latest history entry"),
    Column(
        "head_digest", LargeBinary, nullable=False, comment="the digest of its latest history entry"
    ),
    # These follow from the history too; at `sla_version`, which lags only after transitions.
    Column("response_due_at", MOMENT, comment="null: nothing was promised"),
    Column("resolution_due_at", MOMENT, comment="null: nothing was promised"),
    Column("response_breached", Boolean, nullable=False, server_default=false()),
    Column("resolution_breached", Boolean, nullable=False, server_default=false()),
    Column("next_due_at", MOMENT, comment="after it a breach is to be noted"),
    Column("sla_version", Integer, comment="the version that these tell of; null: no promise"),
    Column("auto_close_from", MOMENT, comment="when its grace period began; null: not RESOLVED"),
    one_of("status", STATUSES),
    one_of("priority", tuple(Priority)),
    # Every change of a row checks it again, which an upper bound would make ten times slower.
    CheckConstraint("id ~ '^tk_[0-9a-f]{6,}$'", name="id"),
    CheckConstraint("version > 0", name="version"),
)
BY_URGENCY: Final = ",".join(reversed(Priority))
URGENCY: Final[ColumnClause[int]] = literal_column(
    f"array_position('{{{BY_URGENCY}}}'::text[], priority)", Integer
)
"""The urgency of a ticket's priority; without parameters, so that its index is recognised."""

# Each serves its order both ways. Every transition writes to every one of them, so they are few.
Index("tickets_newest_first_idx", tickets.c.created_at.desc(), tickets.c.id.desc())
Index("tickets_by_last_change_idx", tickets.c.updated_at, tickets.c.id)
Index("tickets_by_urgency_idx", URGENCY, tickets.c.created_at, tickets.c.id)
Index("tickets_of_an_assignee_idx", tickets.c.assignee, tickets.c.created_at, tickets.c.id)
Index("tickets_of_a_requester_idx", tickets.c.requester, tickets.c.created_at, tickets.c.id)
Index("tickets_of_a_group_idx", tickets.c.assignee_group, tickets.c.created_at, tickets.c.id)
Index(
    "tickets_unassigned_idx",
    tickets.c.created_at,
    tickets.c.id,
    postgresql_where=tickets.c.assignee.is_(None),
)
Index(
    "tickets_live_idx",
    tickets.c.created_at,
    tickets.c.id,
    postgresql_where=tickets.c.status != "CLOSED",
)
Index(
    "tickets_next_due_first_idx",
    tickets.c.next_due_at,
    postgresql_where=tickets.c.next_due_at.is_not(None),
)
Index(
    "tickets_of_a_stale_sla_idx",
    tickets.c.updated_at,
    postgresql_where=tickets.c.sla_version != tickets.c.version,
)
Index(
    "tickets_auto_close_by_workflow_idx",
    tickets.c.workflow,
    tickets.c.auto_close_from,
    postgresql_where=tickets.c.auto_close_from.is_not(None),
)
Index(
    "tickets_live_by_workflow_idx",
    tickets.c.workflow,
    tickets.c.status,
    postgresql_where=tickets.c.status != "CLOSED",
)

ticket_search: Final = Table(
    "ticket_search",
    metadata,
    Column("ticket", ID, ForeignKey("tickets.id"), primary_key=True),
    Column("words", TSVECTOR, nullable=False, comment="of title and description, by a trigger"),
    Index("ticket_search_words_idx", "words", postgresql_using="gin"),
)
"""Beside the tickets: a transition would write every word into the index again."""

Index(
    "tickets_one_live_outage_per_service_idx",
    tickets.c.service,
    unique=True,
    postgresql_where=text("service IS NOT NULL AND status <> 'CLOSED'"),
)
Index(
    "tickets_of_a_service_newest_first_idx",
    tickets.c.service,
    tickets.c.created_at.desc(),
    tickets.c.id.desc(),
    postgresql_where=tickets.c.service.is_not(None),
)

ticket_status_history: Final = Table(
    "ticket_status_history",
    metadata,
    Column("ticket", ID, ForeignKey("tickets.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="from 1, without gaps"),
    Column("at", MOMENT, nullable=False),
    Column("actor", ID, nullable=False, comment="a user id or system"),
    Column("kind", Text, nullable=False),
    Column("old_value", Text),
    Column("new_value", Text),
    Column("actor_bits", SmallInteger, nullable=False, comment="what the actor was: 1, 2, 4"),
    # No foreign key: every transition would lock the one row of its workflow's revision.
    Column("workflow_revision", BigInteger, nullable=False),
    Column("details", Text, comment="JSON; text, so that its digest never depends on a reader"),
    Column("digest", LargeBinary, nullable=False),
    Column(
        "transaction",
        BigInteger,
        nullable=False,
        server_default=THIS_TRANSACTION,
        comment="which wrote it: the log is read in the order of transactions",
        info={OF_THIS_DATABASE: True},
    ),
    Column(
        "entry",
        BigInteger,
        Identity(always=True),
        nullable=False,
        comment="its place among those of its transaction",
        info={OF_THIS_DATABASE: True},
    ),
    one_of("kind", tuple(EntryKind)),
    CheckConstraint("actor_bits BETWEEN 0 AND 7", name="actor_bits"),
    Index("ticket_status_history_as_a_log_idx", "transaction", "entry"),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("actor", ID, primary_key=True),
    Column("key", ID, primary_key=True),
    Column("request", LargeBinary, nullable=False, comment="SHA-256 of the request it was for"),
    Column("ticket", ID, comment="null only while the request is being carried out"),
    Column("version", Integer, comment="the ticket's version that the request led to"),
    Column("created_at", MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Index("idempotency_keys_oldest_first_idx", "created_at"),
)
