"""Create the schema of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001_initial"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.Text(collation="C")
TIMESTAMP = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
THIS_TRANSACTION = sa.text("pg_current_xact_id()::text::bigint")
OLDEST_RUNNING = sa.text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
SERVICE_STATUSES = "'OPERATIONAL', 'DEGRADED', 'DOWN', 'MAINTENANCE', 'UNKNOWN'"
ENTRY_KINDS = (
    "'created', 'status', 'assignee', 'assignee_group', 'priority', 'title', 'description',"
    " 'comment', 'note', 'sla_breach',"
    " 'publication'"
)
PRIORITY_RANK = "array_position('{LOW,MEDIUM,HIGH,CRITICAL}'::text[], priority)"

SEARCH_WORDS = "array_to_tsvector(string_to_array(btrim(text), ' '))"
WORD_SEPARATORS = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~\u00a0\u3000"  # two quotes are one character
WORDS_OF_USER = (
    "array_to_tsvector(array_remove(string_to_array(translate("
    "lower(id COLLATE \"default\" || ' ' || name),"
    f" '{WORD_SEPARATORS}', '{' ' * 34}'), ' '), ''))"
)
# By default only the thousand most frequent words have statistics. The planner assumes that any
# other word is in thousands of tickets, which can take a second instead of a millisecond.
SEARCH_STATISTICS = "ALTER TABLE ticket_search ALTER COLUMN words SET STATISTICS 500"
REJECT_CHANGE = """
CREATE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is rejected', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$
"""
APPEND_ONLY = (
    "reconciliations",
    "workflow_revisions",
    "ticket_status_history",
    "plugin_changes",
    "user_names",
    "seals",
    "anchors",
    "health_intervals",
)


def upgrade() -> None:
    """Create the tables, their indexes, and the triggers that protect recorded data."""
    create_users_and_plugins()
    create_declared_tables()
    create_webhook_deliveries()
    create_service_health()
    create_maintenance_windows()
    create_tickets()
    create_ticket_indexes()
    create_ticket_search()
    create_ticket_status_history()
    create_seals_and_anchors()
    create_idempotency_keys()
    create_web_sessions()
    create_user_settings()
    create_refused_transitions()
    create_servers()
    op.execute(REJECT_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION reject_change()"
        )


def create_users_and_plugins() -> None:
    """Create the tables that depend on no declaration."""
    op.create_table(
        "users",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, comment="null until the user signs in for the first time"),
        sa.Column("groups", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("seen_at", TIMESTAMP, comment="when a token last set name and groups"),
        sa.Column(
            "name_seq",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="seq of the name in user_names; 0: no name yet",
        ),
        sa.Column(
            "words",
            TSVECTOR,
            sa.Computed(WORDS_OF_USER, persisted=True),
            comment="of id and name, in lower case; null until the user signs in",
        ),
    )
    op.create_index(
        "users_name_idx", "users", ["name", "id"], postgresql_where=sa.text("name IS NOT NULL")
    )
    op.create_index("users_groups_idx", "users", ["groups"], postgresql_using="gin")
    op.create_index("users_words_idx", "users", ["words"], postgresql_using="gin")
    op.create_table(
        "token_groups",
        sa.Column("name", ID, primary_key=True),
        sa.Column("first_seen_at", TIMESTAMP, nullable=False, server_default=NOW),
    )
    op.create_table(
        "user_names",
        sa.Column("user_id", ID, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column(
            "seq",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="from 1, without gaps",
        ),
        sa.Column("recorded_at", TIMESTAMP, nullable=False, server_default=NOW),
        sa.Column(
            "digest",
            sa.LargeBinary,
            nullable=False,
            comment="covers the name, which is not stored",
        ),
        *log_position(),
    )
    op.create_index("user_names_log_idx", "user_names", ["transaction", "entry"])
    op.create_table(
        "plugins",
        sa.Column("name", ID, primary_key=True),
        sa.Column("enabled", sa.Boolean, nullable=False, comment="set by admins"),
        sa.Column(
            "declared",
            sa.Boolean,
            nullable=False,
            server_default=sa.true(),
            comment="set by the declaration",
        ),
    )
    op.execute("INSERT INTO plugins (name, enabled) VALUES ('ticketing', true)")
    op.create_table(
        "plugin_changes",
        chain_number(),
        sa.Column("plugin", ID, sa.ForeignKey("plugins.name"), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("changed_at", TIMESTAMP, nullable=False),
        sa.Column("changed_by", ID, nullable=False, comment="a user id"),
        chain_digest(),
    )


def log_position() -> tuple[sa.Column[int], sa.Column[int]]:
    """Return the columns that give each row its place in the log."""
    return (
        sa.Column(
            "transaction",
            sa.BigInteger,
            nullable=False,
            server_default=THIS_TRANSACTION,
            comment="the transaction that wrote the row; orders the log",
        ),
        sa.Column(
            "entry",
            sa.BigInteger,
            sa.Identity(always=True),
            nullable=False,
            comment="orders the rows of one transaction",
        ),
    )


def chain_number() -> sa.Column[int]:
    """Return the number of a row in its chain."""
    return sa.Column(
        "id",
        sa.BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="from 1, without gaps",
    )


def chain_digest() -> sa.Column[bytes]:
    """Return the digest of a row in its chain."""
    return sa.Column(
        "digest",
        sa.LargeBinary,
        nullable=False,
        comment="covers the row and the digest before it",
    )


def create_declared_tables() -> None:
    """Create the tables of declared resources and of the reconciliations that wrote them."""
    op.create_table(
        "reconciliations",
        chain_number(),
        sa.Column("plan_id", sa.Text, nullable=False, unique=True, comment="SHA-256 of the plan"),
        sa.Column("plan", sa.JSON, nullable=False, comment="the whole plan"),
        sa.Column("applied_at", TIMESTAMP, nullable=False),
        sa.Column("applied_by", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="where the declaration came from"),
        chain_digest(),
    )
    op.create_table(
        "workflows",
        sa.Column("name", ID, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("policy", sa.BigInteger, nullable=False),
        sa.Column(
            "revision", sa.BigInteger, nullable=False, comment="id of the active workflow_revision"
        ),
        sa.Column("auto_close", sa.Text, comment="own grace period; null: that of all workflows"),
        sa.Column("retired_at", TIMESTAMP),
        reconciliation(),
        sa.CheckConstraint("policy >= 0 AND policy < 281474976710656", name="policy"),
    )
    op.create_table(
        "workflow_revisions",
        chain_number(),
        sa.Column("workflow", ID, nullable=False),
        sa.Column("declaration", sa.JSON, nullable=False, comment="canonical JSON"),
        sa.Column("policy", sa.BigInteger, nullable=False),
        sa.Column(
            "file", sa.Text, comment="the values file or argument; null if it was not read from one"
        ),
        sa.Column("line", sa.Integer, comment="of the declaration in the file, from 1"),
        reconciliation(),
        chain_digest(),
    )
    op.create_index("workflow_revisions_workflow_idx", "workflow_revisions", ["workflow", "id"])
    create_declared_table("catalog_categories", "name")
    create_declared_table(
        "catalog_items",
        "name",
        sa.Column("category", ID, sa.ForeignKey("catalog_categories.name"), nullable=False),
        sa.Column("workflow", ID, sa.ForeignKey("workflows.name"), nullable=False),
    )
    for name, key in (("calendars", "name"), ("services", "path"), ("settings", "name")):
        create_declared_table(name, key)
    for table, group in (
        ("catalog_items", "declaration #>> '{defaults,assigneeGroup}'"),
        ("services", "declaration ->> 'slaGroup'"),
    ):
        op.create_index(
            f"{table}_group_idx",
            table,
            [sa.text(f"({group})")],
            postgresql_where=sa.text("retired_at IS NULL"),
        )
    create_declared_table(
        "webhooks",
        "name",
        sa.Column(
            "log_transaction",
            sa.BigInteger,
            nullable=False,
            server_default=THIS_TRANSACTION,
            comment="position in the log up to which deliveries exist; at first, the declaration",
        ),
        sa.Column(
            "log_entry",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("9223372036854775807"),
        ),
        sa.Column("paused_until", TIMESTAMP, comment="the receiver requested a pause until then"),
        sa.Column(
            "disabled_by_reconciliation",
            sa.BigInteger,
            comment="id of the reconciliation that was active when the receiver answered Gone",
        ),
    )


def reconciliation() -> sa.Column[int]:
    """Return the column that names the reconciliation which last wrote a row."""
    return sa.Column(
        "reconciliation", sa.BigInteger, sa.ForeignKey("reconciliations.id"), nullable=False
    )


def create_declared_table(name: str, key: str, *columns: sa.Column[object]) -> None:
    """Create the table of a kind of resource; `columns` are those that only this kind has."""
    op.create_table(
        name,
        sa.Column(key, ID, primary_key=True),
        *columns,
        sa.Column("declaration", sa.JSON, nullable=False, comment="canonical JSON"),
        sa.Column("retired_at", TIMESTAMP),
        reconciliation(),
    )


def create_webhook_deliveries() -> None:
    """Create the table of webhook deliveries."""
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook", ID, sa.ForeignKey("webhooks.name"), primary_key=True),
        sa.Column("ticket", ID, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("next_attempt_at", TIMESTAMP, nullable=False, server_default=NOW),
        sa.Column("claimed_until", TIMESTAMP, comment="a worker attempts the delivery until then"),
        sa.Column(
            "last_result", sa.Text, comment="of the latest attempt: its HTTP status or failure"
        ),
        sa.Column("finished_at", TIMESTAMP, comment="null: pending"),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state"),
    )
    for index, columns, condition in (
        ("next_attempt_idx", ["webhook", "next_attempt_at"], "state = 'pending'"),
        ("ticket_idx", ["webhook", "ticket", "seq"], "state = 'pending'"),
        ("dead_idx", ["webhook", "finished_at", "ticket", "seq"], "state = 'dead'"),
        ("finished_idx", ["state", "finished_at"], "finished_at IS NOT NULL"),
    ):
        op.create_index(
            f"webhook_deliveries_{index}",
            "webhook_deliveries",
            columns,
            postgresql_where=sa.text(condition),
        )


def create_service_health() -> None:
    """Create the tables of monitored services."""
    op.create_table(
        "service_health",
        sa.Column("service", ID, sa.ForeignKey("services.path"), primary_key=True),
        sa.Column(
            "status", sa.Text, nullable=False, comment="the worst status that a source reports"
        ),
        sa.Column("since", TIMESTAMP, nullable=False, comment="since when it has this status"),
        sa.Column("reported_at", TIMESTAMP, nullable=False, comment="time of the latest report"),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column(
            "api_key", sa.Text, comment="the API key whose report changed the status to this one"
        ),
        sa.Column(
            "source", sa.Text, comment="the source whose report changed the status to this one"
        ),
        sa.Column(
            "interval_seq",
            sa.Integer,
            nullable=False,
            server_default=sa.text("0"),
            comment="seq of the latest row in health_intervals; 0: none yet",
        ),
        sa.Column(
            "interval_digest",
            sa.LargeBinary,
            nullable=False,
            server_default="",
            comment="digest of the latest row in health_intervals",
        ),
        sa.Column(
            "last_handled_status",
            sa.Text,
            comment="the status for which outage tickets were last reconciled",
        ),
        sa.CheckConstraint(f"status IN ({SERVICE_STATUSES})", name="status"),
        sa.CheckConstraint(
            "last_handled_status IN ('DOWN', 'OPERATIONAL')", name="last_handled_status"
        ),
    )
    op.create_index(
        "service_health_unhandled_idx",
        "service_health",
        ["service"],
        postgresql_where=sa.text(
            "status IN ('DOWN', 'OPERATIONAL') AND status IS DISTINCT FROM last_handled_status"
        ),
    )
    op.create_index(
        "service_health_maintenance_idx",
        "service_health",
        ["service"],
        postgresql_where=sa.text("status = 'MAINTENANCE'"),
    )
    op.create_table(
        "health_intervals",
        sa.Column("service", ID, sa.ForeignKey("service_health.service"), primary_key=True),
        sa.Column(
            "seq",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="from 1, without gaps",
        ),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", TIMESTAMP, nullable=False),
        sa.Column("ended_at", TIMESTAMP, nullable=False, comment="the next interval starts then"),
        sa.Column(
            "source", sa.Text, comment="the source whose report changed the status to this one"
        ),
        sa.Column(
            "digest", sa.LargeBinary, nullable=False, comment="covers the row and the digest before"
        ),
        sa.CheckConstraint(f"status IN ({SERVICE_STATUSES})", name="status"),
        sa.CheckConstraint("started_at < ended_at", name="ended_at"),
    )
    op.create_index("health_intervals_ended_at_idx", "health_intervals", ["service", "ended_at"])
    op.create_table(
        "service_reports",
        sa.Column("service", ID, sa.ForeignKey("service_health.service"), primary_key=True),
        sa.Column("source", ID, primary_key=True, comment="a health check or an alert"),
        sa.Column(
            "status", sa.Text, nullable=False, comment="sources that report OPERATIONAL have no row"
        ),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("reported_at", TIMESTAMP, nullable=False),
        sa.CheckConstraint(f"status IN ({SERVICE_STATUSES})", name="status"),
    )


def create_maintenance_windows() -> None:
    """Create the table of the maintenance windows that were requested with an API key."""
    op.create_table(
        "maintenance_windows",
        sa.Column("id", ID, primary_key=True),
        sa.Column("starts_at", TIMESTAMP, nullable=False),
        sa.Column("ends_at", TIMESTAMP, nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("services", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("text", sa.Text, nullable=False, comment="for the readers of the status page"),
        sa.Column("requested_at", TIMESTAMP, nullable=False),
        sa.Column("requested_by", ID, nullable=False, comment="the name of an API key"),
        sa.Column("idempotency_key", ID, comment="of the request, if it had one"),
        sa.Column("request", sa.LargeBinary, nullable=False, comment="SHA-256 of the request"),
        sa.Column("cancelled_at", TIMESTAMP, comment="null: not cancelled"),
        sa.Column("cancelled_by", ID, comment="the name of an API key"),
        sa.CheckConstraint("starts_at < ends_at", name="ends_at"),
    )
    op.create_index("maintenance_windows_ends_at_idx", "maintenance_windows", ["ends_at"])
    op.create_index(
        "maintenance_windows_idempotency_key_idx",
        "maintenance_windows",
        ["requested_by", "idempotency_key"],
        unique=True,
    )


def create_tickets() -> None:
    """Create the table of tickets."""
    op.create_table(
        "tickets",
        sa.Column("id", ID, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("workflow", ID, sa.ForeignKey("workflows.name"), nullable=False),
        sa.Column("requester", ID, sa.ForeignKey("users.id"), comment="null: opened by system"),
        sa.Column("assignee", ID, sa.ForeignKey("users.id")),
        sa.Column("assignee_group", sa.Text),
        sa.Column(
            "item", ID, sa.ForeignKey("catalog_items.name"), comment="null: not from the catalog"
        ),
        sa.Column("service", ID, sa.ForeignKey("services.path"), comment="null: opened by a user"),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="seq of the latest entry"),
        sa.Column(
            "head_digest", sa.LargeBinary, nullable=False, comment="digest of the latest entry"
        ),
        sa.Column("response_due_at", TIMESTAMP, comment="null: no SLA targets"),
        sa.Column("resolution_due_at", TIMESTAMP, comment="null: no SLA targets"),
        sa.Column("response_breached", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("resolution_breached", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("next_due_at", TIMESTAMP, comment="when the next SLA target is missed"),
        sa.Column(
            "sla_version", sa.Integer, comment="version of the SLA columns; null: no SLA targets"
        ),
        sa.Column(
            "auto_close_from", TIMESTAMP, comment="start of the grace period; null: not RESOLVED"
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'IN_PROGRESS', 'RESOLVED', 'CLOSED')", name="status"
        ),
        sa.CheckConstraint("priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')", name="priority"),
        sa.CheckConstraint("id ~ '^tk_[0-9a-f]{6,}$'", name="id"),
        sa.CheckConstraint("version > 0", name="version"),
    )


def create_ticket_indexes() -> None:
    """Create the indexes of tickets."""
    for index, columns in (
        ("created_at_idx", "created_at DESC, id DESC"),
        ("updated_at_idx", "updated_at, id"),
        ("priority_idx", f"{PRIORITY_RANK}, created_at, id"),
        ("assignee_idx", "assignee, created_at, id"),
        ("requester_idx", "requester, created_at, id"),
        ("assignee_group_idx", "assignee_group, created_at, id"),
    ):
        op.create_index(f"tickets_{index}", "tickets", [sa.text(columns)])
    for index, columns, condition in (
        ("unassigned_idx", "created_at, id", "assignee IS NULL"),
        ("live_idx", "created_at, id", "status != 'CLOSED'"),
        ("live_by_workflow_idx", "workflow, status", "status != 'CLOSED'"),
        ("next_due_at_idx", "next_due_at", "next_due_at IS NOT NULL"),
        ("stale_sla_idx", "updated_at", "sla_version != version"),
        ("auto_close_idx", "workflow, auto_close_from", "auto_close_from IS NOT NULL"),
        ("service_idx", "service, created_at DESC, id DESC", "service IS NOT NULL"),
    ):
        op.create_index(
            f"tickets_{index}",
            "tickets",
            [sa.text(columns)],
            postgresql_where=sa.text(condition),
        )
    op.create_index(
        "tickets_one_live_outage_per_service_idx",
        "tickets",
        ["service"],
        unique=True,
        postgresql_where=sa.text("service IS NOT NULL AND status <> 'CLOSED'"),
    )


def create_ticket_search() -> None:
    """Create the texts that searches read, and their index."""
    op.create_table(
        "ticket_search",
        sa.Column("ticket", ID, sa.ForeignKey("tickets.id"), primary_key=True),
        sa.Column(
            "seq",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="1: title and description; otherwise the seq of a comment or internal note",
        ),
        sa.Column("internal", sa.Boolean, nullable=False, comment="an internal note"),
        sa.Column("text", ID, nullable=False, comment="the words in order, a space around each"),
        sa.Column(
            "words",
            TSVECTOR,
            sa.Computed(SEARCH_WORDS, persisted=True),
            comment="each word once",
        ),
    )
    op.create_index("ticket_search_words_idx", "ticket_search", ["words"], postgresql_using="gin")
    op.execute(SEARCH_STATISTICS)


def create_ticket_status_history() -> None:
    """Create the table of history entries."""
    op.create_table(
        "ticket_status_history",
        sa.Column("ticket", ID, sa.ForeignKey("tickets.id"), primary_key=True),
        sa.Column(
            "seq",
            sa.Integer,
            primary_key=True,
            autoincrement=False,
            comment="from 1, without gaps",
        ),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("actor", ID, nullable=False, comment="a user id, or system"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("old_value", sa.Text),
        sa.Column("new_value", sa.Text),
        sa.Column(
            "actor_bits", sa.SmallInteger, nullable=False, comment="actor roles, as bits: 1, 2, 4"
        ),
        sa.Column("workflow_revision", sa.BigInteger, nullable=False),
        sa.Column("details", sa.Text, comment="JSON, as the text that the digest covers"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *log_position(),
        sa.Column(
            "oldest_running",
            sa.BigInteger,
            nullable=False,
            server_default=OLDEST_RUNNING,
            comment="the oldest transaction that was running when the entry was written",
        ),
        sa.CheckConstraint(f"kind IN ({ENTRY_KINDS})", name="kind"),
        sa.CheckConstraint("actor_bits BETWEEN 0 AND 7", name="actor_bits"),
    )
    op.create_index(
        "ticket_status_history_log_idx", "ticket_status_history", ["transaction", "entry"]
    )
    op.create_index(
        "ticket_status_history_publications_idx",
        "ticket_status_history",
        ["at"],
        postgresql_where=sa.text("kind = 'publication'"),
    )


def create_seals_and_anchors() -> None:
    """Create the tables that prove the recorded data."""
    op.create_table(
        "seals",
        sa.Column(
            "number",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="from 1, without gaps",
        ),
        sa.Column("sealed_at", TIMESTAMP, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False, comment=f"{what} sealed so far")
            for name, what in (
                ("entries", "history entries"),
                ("user_names", "names of users"),
                ("reconciliations", "reconciliations"),
                ("workflow_revisions", "revisions"),
                ("plugin_changes", "plugin changes"),
            )
        ),
        sa.Column(
            "digest",
            sa.LargeBinary,
            nullable=False,
            comment="covers the sealed rows and the digest before",
        ),
        *(
            sa.Column(name, sa.BigInteger)
            for name in ("log_transaction", "log_entry", "names_transaction", "names_entry")
        ),
    )
    op.create_table(
        "anchors",
        sa.Column(
            "number",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="from 1, without gaps",
        ),
        sa.Column("anchored_at", TIMESTAMP, nullable=False),
        sa.Column("document", sa.Text, nullable=False, comment="signed JSON"),
    )
    op.create_table(
        "head_chunks",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False, comment="from 0"),
        sa.Column(
            "first_transaction",
            sa.BigInteger,
            nullable=False,
            comment="of the first ticket's entry 1",
        ),
        sa.Column(
            "first_entry", sa.BigInteger, nullable=False, comment="of the first ticket's entry 1"
        ),
        sa.Column(
            "creations",
            sa.ARRAY(sa.BigInteger),
            nullable=False,
            comment="column entry of each ticket's entry 1, in the order of the log",
        ),
        sa.Column(
            "leaves",
            sa.LargeBinary,
            nullable=False,
            comment="hash of each ticket's head digest, 32 bytes each",
        ),
        sa.Column("root", sa.LargeBinary, nullable=False, comment="Merkle root over the leaves"),
    )


def create_idempotency_keys() -> None:
    """Create the table of idempotency keys."""
    op.create_table(
        "idempotency_keys",
        sa.Column("actor", ID, primary_key=True),
        sa.Column("key", ID, primary_key=True),
        sa.Column("request", sa.LargeBinary, nullable=False, comment="SHA-256 of the request"),
        sa.Column("ticket", ID, comment="null while the request is executed"),
        sa.Column("version", sa.Integer, comment="version of the ticket after the request"),
        sa.Column("created_at", TIMESTAMP, nullable=False, server_default=NOW),
    )
    op.create_index("idempotency_keys_created_at_idx", "idempotency_keys", ["created_at"])


def create_web_sessions() -> None:
    """Create the table of the sessions of the web UI."""
    op.create_table(
        "web_sessions",
        sa.Column(
            "digest", sa.LargeBinary, primary_key=True, comment="SHA-256 of the id in the cookie"
        ),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("used_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("expires_at", TIMESTAMP, nullable=False),
        sa.Column(
            "claims_at",
            TIMESTAMP,
            nullable=False,
            server_default=sa.text("now()"),
            comment="when the OpenID provider described the user",
        ),
        sa.Column(
            "id_token", sa.Text, comment="names the session to the OpenID provider at sign-out"
        ),
    )
    op.create_index("web_sessions_user_id_idx", "web_sessions", ["user_id"])


def create_user_settings() -> None:
    """Create the tables of what users set in the web UI."""
    op.create_table(
        "user_settings",
        sa.Column("user_id", ID, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, comment="null: that of the browser"),
        sa.Column("shortcuts", sa.Boolean, nullable=False),
        sa.Column("start_path", sa.Text, comment="where the home page leads; null: the default"),
        sa.CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme"),
    )
    op.create_table(
        "saved_views",
        sa.Column("user_id", ID, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("name", ID, primary_key=True),
        sa.Column("query", sa.Text, nullable=False, comment="of the URL of the list of tickets"),
    )


def create_refused_transitions() -> None:
    """Create the table of the numbers of refused transitions."""
    op.create_table(
        "refused_transitions",
        sa.Column("day", sa.Date, primary_key=True, comment="in UTC"),
        sa.Column("workflow", ID, primary_key=True),
        sa.Column("source", ID, primary_key=True),
        sa.Column("target", ID, primary_key=True),
        sa.Column("reason", ID, primary_key=True),
        sa.Column("times", sa.BigInteger, nullable=False),
    )


def create_servers() -> None:
    """Create the table of the servers that use the database."""
    op.create_table(
        "servers",
        sa.Column("id", ID, primary_key=True, comment="random; of the process"),
        sa.Column("name", sa.Text, nullable=False, comment="of the machine"),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("declaration", sa.Text, nullable=False, comment="the digest of the one it uses"),
        sa.Column("reported_at", TIMESTAMP, nullable=False, server_default=NOW),
    )
