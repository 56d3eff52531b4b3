"""The tables, in SQLAlchemy Core. `migrations` creates the same ones."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnClause,
    ColumnElement,
    Computed,
    Date,
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
    cast,
    false,
    func,
    literal_column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from engine.tickets.directory import WORD_SEPARATORS
from engine.tickets.history import EntryKind
from engine.user_settings import Theme
from engine.vocabulary import STATUSES, Priority, ServiceStatus
from engine.webhooks.retry_policy import DeliveryState
from engine.workflows.policy import POLICY_BITS

NAMING_CONVENTION: Final = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
ID: Final = Text(collation="C")
"""Compared as bytes, so ids have the same order here, in Python and on every machine."""
TIMESTAMP: Final = DateTime(timezone=True)
LAST_ENTRY: Final = 2**63 - 1
"""The greatest entry number: a position with it is behind all entries of its transaction."""


def _transaction_number(transaction: ColumnElement[object]) -> ColumnElement[int]:
    """Convert a transaction id; PostgreSQL can convert it only to text."""
    return cast(cast(transaction, Text), BigInteger)


THIS_TRANSACTION: Final = _transaction_number(func.pg_current_xact_id())
OLDEST_RUNNING: Final = _transaction_number(func.pg_snapshot_xmin(func.pg_current_snapshot()))
NEXT_TRANSACTION: Final = _transaction_number(func.pg_snapshot_xmax(func.pg_current_snapshot()))
LOG_ORDER: Final = ("transaction", "entry")
"""The columns that order the rows of the log."""
NOT_IN_BACKUPS: Final = "not_in_backups"
"""Marks columns whose values have no meaning in another database."""

DERIVED: Final = "derived"
"""Marks columns that follow from others: `interlock drift` compares them, `apply` repairs them."""

metadata: Final = MetaData(naming_convention=NAMING_CONVENTION)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_WORD_SEPARATORS: Final = WORD_SEPARATORS.replace("'", "''")
_WORDS_OF_USER: Final = (
    "array_to_tsvector(array_remove(string_to_array(translate("
    "lower(id COLLATE \"default\" || ' ' || name),"
    f" '{_WORD_SEPARATORS}', '{' ' * len(WORD_SEPARATORS)}'), ' '), ''))"
)
users: Final = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, comment="null until the user signs in for the first time"),
    Column("groups", ARRAY(Text), nullable=False, server_default="{}"),
    Column("seen_at", TIMESTAMP, comment="when a token last set name and groups"),
    Column(
        "name_seq",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="seq of the name in user_names; 0: no name yet",
    ),
    Column(
        "words",
        TSVECTOR,
        Computed(_WORDS_OF_USER, persisted=True),
        comment="of id and name, in lower case; null until the user signs in",
    ),
    Index("users_name_idx", "name", "id", postgresql_where=text("name IS NOT NULL")),
    Index("users_groups_idx", "groups", postgresql_using="gin"),
    Index("users_words_idx", "words", postgresql_using="gin"),
)

token_groups: Final = Table(
    "token_groups",
    metadata,
    Column("name", ID, primary_key=True),
    Column("first_seen_at", TIMESTAMP, nullable=False, server_default=func.clock_timestamp()),
)
"""The groups that tokens of users have named. A group stays known if its last member leaves it."""


def _log_position() -> tuple[Column[int], Column[int]]:
    """Return the columns that give each row its place in the log."""
    return (
        Column(
            "transaction",
            BigInteger,
            nullable=False,
            server_default=THIS_TRANSACTION,
            comment="the transaction that wrote the row; orders the log",
            info={NOT_IN_BACKUPS: True},
        ),
        Column(
            "entry",
            BigInteger,
            Identity(always=True),
            nullable=False,
            comment="orders the rows of one transaction",
            info={NOT_IN_BACKUPS: True},
        ),
    )


user_names: Final = Table(
    "user_names",
    metadata,
    Column("user_id", ID, ForeignKey("users.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="from 1, without gaps"),
    Column("recorded_at", TIMESTAMP, nullable=False, server_default=func.clock_timestamp()),
    Column("digest", LargeBinary, nullable=False, comment="covers the name, which is not stored"),
    *_log_position(),
    Index("user_names_log_idx", "transaction", "entry"),
)


def _chain_number() -> Column[int]:
    return Column(
        "id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="from 1, without gaps",
    )


def _chain_digest() -> Column[bytes]:
    return Column(
        "digest", LargeBinary, nullable=False, comment="covers the row and the digest before it"
    )


reconciliations: Final = Table(
    "reconciliations",
    metadata,
    _chain_number(),
    Column("plan_id", Text, nullable=False, unique=True, comment="SHA-256 of the plan"),
    Column("plan", JSON, nullable=False, comment="the whole plan"),
    Column("applied_at", TIMESTAMP, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("source", Text, nullable=False, comment="where the declaration came from"),
    _chain_digest(),
)


def _reconciliation() -> Column[int]:
    """Return the column that names the reconciliation which last wrote a row."""
    return Column("reconciliation", BigInteger, ForeignKey("reconciliations.id"), nullable=False)


workflows: Final = Table(
    "workflows",
    metadata,
    Column("name", ID, primary_key=True),
    Column("display_name", Text, nullable=False, info={DERIVED: True}),
    Column("policy", BigInteger, nullable=False, info={DERIVED: True}),
    Column(
        "revision",
        BigInteger,
        nullable=False,
        comment="id of the active workflow_revision",
        info={DERIVED: True},
    ),
    Column(
        "auto_close",
        Text,
        comment="own grace period; null: that of all workflows",
        info={DERIVED: True},
    ),
    Column("retired_at", TIMESTAMP),
    _reconciliation(),
    CheckConstraint(f"policy >= 0 AND policy < {1 << POLICY_BITS}", name="policy"),
)

workflow_revisions: Final = Table(
    "workflow_revisions",
    metadata,
    _chain_number(),
    Column("workflow", ID, nullable=False),
    Column("declaration", JSON, nullable=False, comment="canonical JSON"),
    Column("policy", BigInteger, nullable=False, info={DERIVED: True}),
    Column("file", Text, comment="the values file or argument; null if it was not read from one"),
    Column("line", Integer, comment="of the declaration in the file, from 1"),
    _reconciliation(),
    _chain_digest(),
    Index("workflow_revisions_workflow_idx", "workflow", "id"),
)


DECLARED_ITEM_GROUP: Final = "declaration #>> '{defaults,assigneeGroup}'"
DECLARED_SERVICE_GROUP: Final = "declaration ->> 'slaGroup'"


def _declared_table(name: str, key: str, *columns: Column[Any] | Index) -> Table:
    """Return the table of a kind of resource, with what only this kind has."""
    return Table(
        name,
        metadata,
        Column(key, ID, primary_key=True),
        *columns,
        Column("declaration", JSON, nullable=False, comment="canonical JSON"),
        Column("retired_at", TIMESTAMP),
        _reconciliation(),
    )


catalog_categories: Final = _declared_table("catalog_categories", "name")
catalog_items: Final = _declared_table(
    "catalog_items",
    "name",
    Column(
        "category",
        ID,
        ForeignKey("catalog_categories.name"),
        nullable=False,
        info={DERIVED: True},
    ),
    Column("workflow", ID, ForeignKey("workflows.name"), nullable=False, info={DERIVED: True}),
    Index(
        "catalog_items_group_idx",
        text(f"({DECLARED_ITEM_GROUP})"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)
calendars: Final = _declared_table("calendars", "name")
services: Final = _declared_table(
    "services",
    "path",
    Index(
        "services_group_idx",
        text(f"({DECLARED_SERVICE_GROUP})"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)
service_group: Final[ColumnClause[str]] = literal_column(
    f"(services.{DECLARED_SERVICE_GROUP})", Text
)
"""The group of a service, in the form in which `services_group_idx` has it."""
settings: Final = _declared_table("settings", "name")

webhooks: Final = _declared_table(
    "webhooks",
    "name",
    Column(
        "log_transaction",
        BigInteger,
        nullable=False,
        server_default=THIS_TRANSACTION,
        comment="position in the log up to which deliveries exist; at first, the declaration",
        info={NOT_IN_BACKUPS: True},
    ),
    Column(
        "log_entry",
        BigInteger,
        nullable=False,
        server_default=text(str(LAST_ENTRY)),
        info={NOT_IN_BACKUPS: True},
    ),
    Column(
        "paused_until",
        TIMESTAMP,
        comment="the receiver requested a pause until then",
        info={NOT_IN_BACKUPS: True},
    ),
    Column(
        "disabled_by_reconciliation",
        BigInteger,
        comment="id of the reconciliation that was active when the receiver answered Gone",
        info={NOT_IN_BACKUPS: True},
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
    Column("next_attempt_at", TIMESTAMP, nullable=False, server_default=func.clock_timestamp()),
    Column("claimed_until", TIMESTAMP, comment="a worker attempts the delivery until then"),
    Column("last_result", Text, comment="of the latest attempt: its HTTP status or failure"),
    Column("finished_at", TIMESTAMP, comment="null: pending"),
    _one_of("state", tuple(DeliveryState)),
    Index(
        "webhook_deliveries_next_attempt_idx",
        "webhook",
        "next_attempt_at",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "webhook_deliveries_ticket_idx",
        "webhook",
        "ticket",
        "seq",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "webhook_deliveries_dead_idx",
        "webhook",
        "finished_at",
        "ticket",
        "seq",
        postgresql_where=text("state = 'dead'"),
    ),
    Index(
        "webhook_deliveries_finished_idx",
        "state",
        "finished_at",
        postgresql_where=text("finished_at IS NOT NULL"),
    ),
)
"""Which entries of histories to send to which webhook. Each attempt reads the entry again."""

service_health: Final = Table(
    "service_health",
    metadata,
    Column("service", ID, ForeignKey("services.path"), primary_key=True),
    Column("status", Text, nullable=False, comment="the worst status that a source reports"),
    Column("since", TIMESTAMP, nullable=False, comment="since when it has this status"),
    Column("reported_at", TIMESTAMP, nullable=False, comment="time of the latest report"),
    Column("message", Text, nullable=False),
    Column("api_key", Text, comment="the API key whose report changed the status to this one"),
    Column("source", Text, comment="the source whose report changed the status to this one"),
    Column(
        "interval_seq",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="seq of the latest row in health_intervals; 0: none yet",
    ),
    Column(
        "interval_digest",
        LargeBinary,
        nullable=False,
        server_default="",
        comment="digest of the latest row in health_intervals",
    ),
    Column(
        "last_handled_status",
        Text,
        comment="the status for which outage tickets were last reconciled",
    ),
    _one_of("status", tuple(ServiceStatus)),
    _one_of("last_handled_status", (ServiceStatus.DOWN, ServiceStatus.OPERATIONAL)),
    Index(
        "service_health_maintenance_idx",
        "service",
        postgresql_where=text("status = 'MAINTENANCE'"),
    ),
    Index(
        "service_health_unhandled_idx",
        "service",
        postgresql_where=text(
            "status IN ('DOWN', 'OPERATIONAL') AND status IS DISTINCT FROM last_handled_status"
        ),
    ),
)

health_intervals: Final = Table(
    "health_intervals",
    metadata,
    Column("service", ID, ForeignKey("service_health.service"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="from 1, without gaps"),
    Column("status", Text, nullable=False),
    Column("started_at", TIMESTAMP, nullable=False),
    Column("ended_at", TIMESTAMP, nullable=False, comment="the next interval starts then"),
    Column("source", Text, comment="the source whose report changed the status to this one"),
    Column("digest", LargeBinary, nullable=False, comment="covers the row and the digest before"),
    _one_of("status", tuple(ServiceStatus)),
    CheckConstraint("started_at < ended_at", name="ended_at"),
    Index("health_intervals_ended_at_idx", "service", "ended_at"),
)
"""The past statuses of services. The current status of a service is in `service_health`."""

service_reports: Final = Table(
    "service_reports",
    metadata,
    Column("service", ID, ForeignKey("service_health.service"), primary_key=True),
    Column("source", ID, primary_key=True, comment="a health check or an alert"),
    Column("status", Text, nullable=False, comment="sources that report OPERATIONAL have no row"),
    Column("message", Text, nullable=False),
    Column("reported_at", TIMESTAMP, nullable=False),
    _one_of("status", tuple(ServiceStatus)),
)

maintenance_windows: Final = Table(
    "maintenance_windows",
    metadata,
    Column("id", ID, primary_key=True),
    Column("starts_at", TIMESTAMP, nullable=False),
    Column("ends_at", TIMESTAMP, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    Column("services", ARRAY(Text), nullable=False),
    Column("text", Text, nullable=False, comment="for the readers of the status page"),
    Column("requested_at", TIMESTAMP, nullable=False),
    Column("requested_by", ID, nullable=False, comment="the name of an API key"),
    Column("idempotency_key", ID, comment="of the request, if it had one"),
    Column("request", LargeBinary, nullable=False, comment="SHA-256 of the request"),
    Column("cancelled_at", TIMESTAMP, comment="null: not cancelled"),
    Column("cancelled_by", ID, comment="the name of an API key"),
    CheckConstraint("starts_at < ends_at", name="ends_at"),
    Index("maintenance_windows_ends_at_idx", "ends_at"),
    Index(
        "maintenance_windows_idempotency_key_idx", "requested_by", "idempotency_key", unique=True
    ),
)
"""Those that were requested with an API key; declared ones are in a setting."""

plugins: Final = Table(
    "plugins",
    metadata,
    Column("name", ID, primary_key=True),
    Column("enabled", Boolean, nullable=False, comment="set by admins"),
    Column(
        "declared",
        Boolean,
        nullable=False,
        server_default=true(),
        comment="set by the declaration",
        info={DERIVED: True},
    ),
)

plugin_changes: Final = Table(
    "plugin_changes",
    metadata,
    _chain_number(),
    Column("plugin", ID, ForeignKey("plugins.name"), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("changed_at", TIMESTAMP, nullable=False),
    Column("changed_by", ID, nullable=False, comment="a user id"),
    _chain_digest(),
)

BY_URGENCY: Final = ",".join(reversed(Priority))
URGENCY: Final[ColumnClause[int]] = literal_column(
    f"array_position('{{{BY_URGENCY}}}'::text[], priority)", Integer
)
"""The rank of a ticket's priority; without parameters, so that PostgreSQL can use its index."""

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
    Column("item", ID, ForeignKey("catalog_items.name"), comment="null: not from the catalog"),
    Column("service", ID, ForeignKey("services.path"), comment="null: opened by a user"),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Column("version", Integer, nullable=False, comment="seq of the latest entry"),
    Column("head_digest", LargeBinary, nullable=False, comment="digest of the latest entry"),
    # The remaining columns follow from the history as well. Those of the SLA targets are computed
    # for `sla_version`, which is behind `version` only after transitions.
    Column("response_due_at", TIMESTAMP, comment="null: no SLA targets"),
    Column("resolution_due_at", TIMESTAMP, comment="null: no SLA targets"),
    Column("response_breached", Boolean, nullable=False, server_default=false()),
    Column("resolution_breached", Boolean, nullable=False, server_default=false()),
    Column("next_due_at", TIMESTAMP, comment="when the next SLA target is missed"),
    Column("sla_version", Integer, comment="version of the SLA columns; null: no SLA targets"),
    Column("auto_close_from", TIMESTAMP, comment="start of the grace period; null: not RESOLVED"),
    _one_of("status", STATUSES),
    _one_of("priority", tuple(Priority)),
    # No upper bound: PostgreSQL checks the constraint with every change of a row, and a bound
    # makes that ten times slower.
    CheckConstraint("id ~ '^tk_[0-9a-f]{6,}$'", name="id"),
    CheckConstraint("version > 0", name="version"),
    # Every transition writes to each of these indexes, so there are few. PostgreSQL can read each
    # of them in both directions.
    Index("tickets_created_at_idx", text("created_at DESC"), text("id DESC")),
    Index("tickets_updated_at_idx", "updated_at", "id"),
    Index("tickets_priority_idx", URGENCY, "created_at", "id"),
    Index("tickets_assignee_idx", "assignee", "created_at", "id"),
    Index("tickets_requester_idx", "requester", "created_at", "id"),
    Index("tickets_assignee_group_idx", "assignee_group", "created_at", "id"),
    Index("tickets_unassigned_idx", "created_at", "id", postgresql_where=text("assignee IS NULL")),
    Index("tickets_live_idx", "created_at", "id", postgresql_where=text("status != 'CLOSED'")),
    Index(
        "tickets_live_by_workflow_idx",
        "workflow",
        "status",
        postgresql_where=text("status != 'CLOSED'"),
    ),
    Index(
        "tickets_next_due_at_idx",
        "next_due_at",
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
    Index(
        "tickets_stale_sla_idx",
        "updated_at",
        postgresql_where=text("sla_version != version"),
    ),
    Index(
        "tickets_auto_close_idx",
        "workflow",
        "auto_close_from",
        postgresql_where=text("auto_close_from IS NOT NULL"),
    ),
    Index(
        "tickets_service_idx",
        "service",
        text("created_at DESC"),
        text("id DESC"),
        postgresql_where=text("service IS NOT NULL"),
    ),
    Index(
        "tickets_one_live_outage_per_service_idx",
        "service",
        unique=True,
        postgresql_where=text("service IS NOT NULL AND status <> 'CLOSED'"),
    ),
)

_WORDS_OF_TEXT: Final = "array_to_tsvector(string_to_array(btrim(text), ' '))"
ticket_search: Final = Table(
    "ticket_search",
    metadata,
    Column("ticket", ID, ForeignKey("tickets.id"), primary_key=True),
    Column(
        "seq",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="1: title and description; otherwise the seq of a comment or internal note",
    ),
    Column("internal", Boolean, nullable=False, comment="an internal note"),
    Column("text", ID, nullable=False, comment="the words in order, a space around each"),
    Column("words", TSVECTOR, Computed(_WORDS_OF_TEXT, persisted=True), comment="each word once"),
    Index("ticket_search_words_idx", "words", postgresql_using="gin"),
)
"""Not a column of `tickets`: each transition would write every word into the index again."""

ticket_status_history: Final = Table(
    "ticket_status_history",
    metadata,
    Column("ticket", ID, ForeignKey("tickets.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False, comment="from 1, without gaps"),
    Column("at", TIMESTAMP, nullable=False),
    Column("actor", ID, nullable=False, comment="a user id, or system"),
    Column("kind", Text, nullable=False),
    Column("old_value", Text),
    Column("new_value", Text),
    Column("actor_bits", SmallInteger, nullable=False, comment="actor roles, as bits: 1, 2, 4"),
    # No foreign key: every transition would lock the row of its workflow's revision.
    Column("workflow_revision", BigInteger, nullable=False),
    Column("details", Text, comment="JSON, as the text that the digest covers"),
    Column("digest", LargeBinary, nullable=False),
    *_log_position(),
    Column(
        "oldest_running",
        BigInteger,
        nullable=False,
        server_default=OLDEST_RUNNING,
        comment="the oldest transaction that was running when the entry was written",
        info={NOT_IN_BACKUPS: True},
    ),
    _one_of("kind", tuple(EntryKind)),
    CheckConstraint("actor_bits BETWEEN 0 AND 7", name="actor_bits"),
    Index("ticket_status_history_log_idx", "transaction", "entry"),
    Index(
        "ticket_status_history_publications_idx",
        "at",
        postgresql_where=text("kind = 'publication'"),
    ),
)

seals: Final = Table(
    "seals",
    metadata,
    Column(
        "number", BigInteger, primary_key=True, autoincrement=False, comment="from 1, without gaps"
    ),
    Column("sealed_at", TIMESTAMP, nullable=False),
    Column("entries", BigInteger, nullable=False, comment="history entries sealed so far"),
    Column("user_names", BigInteger, nullable=False, comment="names of users sealed so far"),
    Column("reconciliations", BigInteger, nullable=False, comment="reconciliations sealed so far"),
    Column("workflow_revisions", BigInteger, nullable=False, comment="revisions sealed so far"),
    Column("plugin_changes", BigInteger, nullable=False, comment="plugin changes sealed so far"),
    Column(
        "digest",
        LargeBinary,
        nullable=False,
        comment="covers the sealed rows and the digest before",
    ),
    # Where the sealed rows end in the log of this database; null after a restore.
    *(
        Column(name, BigInteger, info={NOT_IN_BACKUPS: True})
        for name in ("log_transaction", "log_entry", "names_transaction", "names_entry")
    ),
)

anchors: Final = Table(
    "anchors",
    metadata,
    Column(
        "number", BigInteger, primary_key=True, autoincrement=False, comment="from 1, without gaps"
    ),
    Column("anchored_at", TIMESTAMP, nullable=False),
    Column("document", Text, nullable=False, comment="signed JSON"),
)

head_chunks: Final = Table(
    "head_chunks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="from 0"),
    Column(
        "first_transaction", BigInteger, nullable=False, comment="of the first ticket's entry 1"
    ),
    Column("first_entry", BigInteger, nullable=False, comment="of the first ticket's entry 1"),
    Column(
        "creations",
        ARRAY(BigInteger),
        nullable=False,
        comment="column entry of each ticket's entry 1, in the order of the log",
    ),
    Column(
        "leaves",
        LargeBinary,
        nullable=False,
        comment="hash of each ticket's head digest, 32 bytes each",
    ),
    Column("root", LargeBinary, nullable=False, comment="Merkle root over the leaves"),
)
"""A cache: the heads of all tickets at the seal of the last anchor."""

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("actor", ID, primary_key=True),
    Column("key", ID, primary_key=True),
    Column("request", LargeBinary, nullable=False, comment="SHA-256 of the request"),
    Column("ticket", ID, comment="null while the request is executed"),
    Column("version", Integer, comment="version of the ticket after the request"),
    Column("created_at", TIMESTAMP, nullable=False, server_default=func.clock_timestamp()),
    Index("idempotency_keys_created_at_idx", "created_at"),
)

web_sessions: Final = Table(
    "web_sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="SHA-256 of the id in the cookie"),
    Column("user_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False, server_default=func.now()),
    Column("used_at", TIMESTAMP, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMP, nullable=False),
    Column(
        "claims_at",
        TIMESTAMP,
        nullable=False,
        server_default=func.now(),
        comment="when the OpenID provider described the user",
    ),
    Column("id_token", Text, comment="names the session to the OpenID provider at sign-out"),
    Index("web_sessions_user_id_idx", "user_id"),
)

user_settings: Final = Table(
    "user_settings",
    metadata,
    Column("user_id", ID, ForeignKey("users.id"), primary_key=True),
    Column("theme", Text, nullable=False),
    Column("time_zone", Text, comment="null: that of the browser"),
    Column("shortcuts", Boolean, nullable=False),
    Column("start_path", Text, comment="where the home page leads; null: the default"),
    _one_of("theme", tuple(Theme)),
)
"""How the web UI is for a user. Users without a row have the default settings."""

saved_views: Final = Table(
    "saved_views",
    metadata,
    Column("user_id", ID, ForeignKey("users.id"), primary_key=True),
    Column("name", ID, primary_key=True),
    Column("query", Text, nullable=False, comment="of the URL of the list of tickets"),
)

refused_transitions: Final = Table(
    "refused_transitions",
    metadata,
    Column("day", Date, primary_key=True, comment="in UTC"),
    Column("workflow", ID, primary_key=True),
    Column("source", ID, primary_key=True),
    Column("target", ID, primary_key=True),
    Column("reason", ID, primary_key=True),
    Column("times", BigInteger, nullable=False),
)
"""No foreign key: the rows are numbers about the past, and no part of the record."""

servers: Final = Table(
    "servers",
    metadata,
    Column("id", ID, primary_key=True, comment="random; of the process"),
    Column("name", Text, nullable=False, comment="of the machine"),
    Column("version", Text, nullable=False),
    Column("declaration", Text, nullable=False, comment="the digest of the one it uses"),
    Column("reported_at", TIMESTAMP, nullable=False, server_default=func.clock_timestamp()),
)
"""The servers that use the database. No part of the record."""
