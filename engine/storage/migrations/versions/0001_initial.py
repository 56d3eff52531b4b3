"""Everything that the first release works on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "reconciliations",
    "workflow_revisions",
    "ticket_status_history",
    "plugin_changes",
)
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$
"""

URGENCY = "array_position('{LOW,MEDIUM,HIGH,CRITICAL}'::text[], priority)"
# By default no word beyond the thousand most frequent is known to be rare: each is then looked for
# as if it were in thousands of tickets, which can take a second where a millisecond would do.
TELL_WORDS_APART = "ALTER TABLE ticket_search ALTER COLUMN words SET STATISTICS 500"
NOTE_WORDS = """
CREATE FUNCTION note_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ticket_search (ticket, words)
        VALUES (NEW.id, to_tsvector('simple', NEW.title || ' ' || NEW.description))
        ON CONFLICT (ticket) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END
$$
"""
NOTE_WORDS_OF_NEW = """
CREATE TRIGGER tickets_note_words AFTER INSERT ON tickets
    FOR EACH ROW EXECUTE FUNCTION note_words()
"""
NOTE_WORDS_OF_EDITED = """
CREATE TRIGGER tickets_note_edited_words AFTER UPDATE OF title, description ON tickets
    FOR EACH ROW WHEN ((OLD.title, OLD.description) IS DISTINCT FROM (NEW.title, NEW.description))
    EXECUTE FUNCTION note_words()
"""


def upgrade() -> None:
    """Make the tables, and the triggers that keep what was recorded."""
    op.create_table(
        "idempotency_keys",
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "request", sa.LargeBinary(), nullable=False, comment="SHA-256 of the request it was for"
        ),
        sa.Column(
            "ticket",
            sa.Text(collation="C"),
            nullable=True,
            comment="null only while the request is being carried out",
        ),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=True,
            comment="the ticket's version that the request led to",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_index("idempotency_keys_oldest_first_idx", "idempotency_keys", ["created_at"])
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "plan_id", sa.Text(), nullable=False, comment="SHA-256 of the plan: applied once only"
        ),
        sa.Column("plan", sa.JSON(), nullable=False, comment="what was changed, whole"),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="where the declaration came from"),
        sa.PrimaryKeyConstraint("id", name=op.f("reconciliations_pkey")),
        sa.UniqueConstraint("plan_id", name=op.f("reconciliations_plan_id_key")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "name",
            sa.Text(),
            nullable=True,
            comment="null until the person signs in for the first time",
        ),
        sa.Column("groups", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when name and groups were last told by a token",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
    )
    op.create_table(
        "plugins",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "enabled",
            sa.Boolean(),
            nullable=False,
            comment="as an admin wishes, whatever the licence",
        ),
        sa.Column(
            "declared",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="as values say",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("plugins_pkey")),
    )
    op.execute("INSERT INTO plugins (name, enabled) VALUES ('ticketing', true)")
    op.create_table(
        "plugin_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("plugin", sa.Text(collation="C"), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("changed_by", sa.Text(collation="C"), nullable=False, comment="a user id"),
        sa.ForeignKeyConstraint(
            ["plugin"], ["plugins.name"], name=op.f("plugin_changes_plugin_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("plugin_changes_pkey")),
    )
    op.create_table(
        "catalog_categories",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"],
            ["reconciliations.id"],
            name=op.f("catalog_categories_reconciliation_fkey"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("catalog_categories_pkey")),
    )
    op.create_table(
        "calendars",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name=op.f("calendars_reconciliation_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("calendars_pkey")),
    )
    op.create_table(
        "services",
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name=op.f("services_reconciliation_fkey")
        ),
        sa.PrimaryKeyConstraint("path", name=op.f("services_pkey")),
    )
    op.create_table(
        "webhooks",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "log_transaction",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
            comment="how far in the log deliveries are made; at first, from its declaration on",
        ),
        sa.Column(
            "log_entry",
            sa.BigInteger(),
            server_default=sa.text("9223372036854775807"),
            nullable=False,
        ),
        sa.Column(
            "obstacle",
            sa.Text(),
            nullable=True,
            comment="why none of the servers attempts anything; null: one does",
        ),
        sa.Column(
            "block_checked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a server said last whether there is an obstacle",
        ),
        sa.Column(
            "paused_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the receiver asked to wait",
        ),
        sa.Column(
            "disabled_by_reconciliation",
            sa.BigInteger(),
            nullable=True,
            comment="the reconciliation.id under which the receiver said that it is gone",
        ),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name=op.f("webhooks_reconciliation_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("webhooks_pkey")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook", sa.Text(collation="C"), nullable=False),
        sa.Column("ticket", sa.Text(collation="C"), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "claimed_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="somebody attempts it; after that, another may",
        ),
        sa.Column(
            "last_answer",
            sa.Text(),
            nullable=True,
            comment="of the latest attempt: its HTTP status, or why none",
        ),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), nullable=True, comment="null: pending"
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'dead')", name=op.f("webhook_deliveries_state_check")
        ),
        sa.ForeignKeyConstraint(
            ["webhook"], ["webhooks.name"], name=op.f("webhook_deliveries_webhook_fkey")
        ),
        sa.PrimaryKeyConstraint("webhook", "ticket", "seq", name=op.f("webhook_deliveries_pkey")),
    )
    op.create_index(
        "webhook_deliveries_next_first_idx",
        "webhook_deliveries",
        ["webhook", "next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "webhook_deliveries_of_a_ticket_idx",
        "webhook_deliveries",
        ["webhook", "ticket", "seq"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "webhook_deliveries_dead_idx",
        "webhook_deliveries",
        ["webhook", "finished_at", "ticket", "seq"],
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "webhook_deliveries_settled_idx",
        "webhook_deliveries",
        ["state", "finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name=op.f("settings_reconciliation_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("settings_pkey")),
    )
    op.create_table(
        "workflow_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column("declaration", sa.JSON(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the canonical declaration",
        ),
        sa.Column("policy", sa.BigInteger(), nullable=False),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation"],
            ["reconciliations.id"],
            name=op.f("workflow_revisions_reconciliation_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workflow_revisions_pkey")),
    )
    op.create_index(
        "workflow_revisions_of_a_workflow_idx",
        "workflow_revisions",
        ["workflow", "id"],
        unique=False,
    )
    op.create_table(
        "workflows",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("policy", sa.BigInteger(), nullable=False),
        sa.Column(
            "revision",
            sa.BigInteger(),
            nullable=False,
            comment="workflow_revisions.id now in force",
        ),
        sa.Column(
            "auto_close",
            sa.Text(),
            nullable=True,
            comment="its own grace period; null: that of all workflows",
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "policy >= 0 AND policy < 281474976710656", name=op.f("workflows_policy_check")
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation"], ["reconciliations.id"], name=op.f("workflows_reconciliation_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("workflows_pkey")),
    )
    op.create_table(
        "catalog_items",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("category", sa.Text(collation="C"), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "declaration", sa.JSON(), nullable=False, comment="canonical; the row says nothing else"
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciliation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category"], ["catalog_categories.name"], name=op.f("catalog_items_category_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation"],
            ["reconciliations.id"],
            name=op.f("catalog_items_reconciliation_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow"], ["workflows.name"], name=op.f("catalog_items_workflow_fkey")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("catalog_items_pkey")),
    )
    op.create_table(
        "service_health",
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "status", sa.Text(), nullable=False, comment="the gravest that any source reports"
        ),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="since when it has this status",
        ),
        sa.Column(
            "reported_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when anything was reported last",
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column(
            "last_handled_status",
            sa.Text(),
            nullable=True,
            comment="the status that its tickets were brought in line with last",
        ),
        sa.CheckConstraint(
            "status IN ('OPERATIONAL', 'DEGRADED', 'DOWN', 'MAINTENANCE', 'UNKNOWN')",
            name=op.f("service_health_status_check"),
        ),
        sa.CheckConstraint(
            "last_handled_status IN ('DOWN', 'OPERATIONAL')",
            name=op.f("service_health_last_handled_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["service"], ["services.path"], name=op.f("service_health_service_fkey")
        ),
        sa.PrimaryKeyConstraint("service", name=op.f("service_health_pkey")),
    )
    op.create_index(
        "service_health_unhandled_idx",
        "service_health",
        ["service"],
        unique=False,
        postgresql_where=sa.text(
            "status IN ('DOWN', 'OPERATIONAL') AND status IS DISTINCT FROM last_handled_status"
        ),
    )
    op.create_table(
        "service_reports",
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "source",
            sa.Text(collation="C"),
            nullable=False,
            comment="who reports: a check, an alert",
        ),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="a source that says OPERATIONAL has no row",
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('OPERATIONAL', 'DEGRADED', 'DOWN', 'MAINTENANCE', 'UNKNOWN')",
            name=op.f("service_signals_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["service"], ["service_health.service"], name=op.f("service_signals_service_fkey")
        ),
        sa.PrimaryKeyConstraint("service", "source", name=op.f("service_signals_pkey")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "requester", sa.Text(collation="C"), nullable=True, comment="null: opened by system"
        ),
        sa.Column("assignee", sa.Text(collation="C"), nullable=True),
        sa.Column("assignee_group", sa.Text(), nullable=True),
        sa.Column(
            "item", sa.Text(collation="C"), nullable=True, comment="null: from no catalog item"
        ),
        sa.Column(
            "service", sa.Text(collation="C"), nullable=True, comment="null: opened by a person"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="the seq of its latest history entry"
        ),
        sa.Column(
            "head_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="the digest of its latest history entry",
        ),
        sa.Column(
            "response_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null: nothing was promised",
        ),
        sa.Column(
            "resolution_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null: nothing was promised",
        ),
        sa.Column(
            "response_breached", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "resolution_breached", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "next_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="after it a breach is to be noted",
        ),
        sa.Column(
            "sla_version",
            sa.Integer(),
            nullable=True,
            comment="the version that these tell of; null: no promise",
        ),
        sa.Column(
            "auto_close_from",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its grace period began; null: not RESOLVED",
        ),
        sa.CheckConstraint("id ~ '^tk_[0-9a-f]{6,}$'", name=op.f("tickets_id_check")),
        sa.CheckConstraint(
            "priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')", name=op.f("tickets_priority_check")
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'IN_PROGRESS', 'RESOLVED', 'CLOSED')",
            name=op.f("tickets_status_check"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("tickets_version_check")),
        sa.ForeignKeyConstraint(["assignee"], ["users.id"], name=op.f("tickets_assignee_fkey")),
        sa.ForeignKeyConstraint(["item"], ["catalog_items.name"], name=op.f("tickets_item_fkey")),
        sa.ForeignKeyConstraint(["requester"], ["users.id"], name=op.f("tickets_requester_fkey")),
        sa.ForeignKeyConstraint(["service"], ["services.path"], name=op.f("tickets_service_fkey")),
        sa.ForeignKeyConstraint(
            ["workflow"], ["workflows.name"], name=op.f("tickets_workflow_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tickets_pkey")),
    )
    op.create_index(
        "tickets_live_by_workflow_idx",
        "tickets",
        ["workflow", "status"],
        unique=False,
        postgresql_where=sa.text("status != 'CLOSED'"),
    )
    op.create_index(
        "tickets_one_live_outage_per_service_idx",
        "tickets",
        ["service"],
        unique=True,
        postgresql_where=sa.text("service IS NOT NULL AND status <> 'CLOSED'"),
    )
    op.create_index(
        "tickets_of_a_service_newest_first_idx",
        "tickets",
        ["service", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("service IS NOT NULL"),
    )
    op.create_index(
        "tickets_next_due_first_idx",
        "tickets",
        ["next_due_at"],
        unique=False,
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index(
        "tickets_of_a_stale_sla_idx",
        "tickets",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("sla_version != version"),
    )
    op.create_index(
        "tickets_auto_close_by_workflow_idx",
        "tickets",
        ["workflow", "auto_close_from"],
        unique=False,
        postgresql_where=sa.text("auto_close_from IS NOT NULL"),
    )
    op.create_index(
        "tickets_newest_first_idx",
        "tickets",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    for name, *columns in (
        ("tickets_by_last_change_idx", "updated_at", "id"),
        ("tickets_of_an_assignee_idx", "assignee", "created_at", "id"),
        ("tickets_of_a_requester_idx", "requester", "created_at", "id"),
        ("tickets_of_a_group_idx", "assignee_group", "created_at", "id"),
    ):
        op.create_index(name, "tickets", columns)
    op.create_index("tickets_by_urgency_idx", "tickets", [sa.text(URGENCY), "created_at", "id"])
    op.create_index(
        "tickets_unassigned_idx",
        "tickets",
        ["created_at", "id"],
        postgresql_where=sa.text("assignee IS NULL"),
    )
    op.create_index(
        "tickets_live_idx",
        "tickets",
        ["created_at", "id"],
        postgresql_where=sa.text("status != 'CLOSED'"),
    )
    op.create_table(
        "ticket_search",
        sa.Column("ticket", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "words",
            TSVECTOR(),
            nullable=False,
            comment="of title and description, by a trigger",
        ),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.id"], name=op.f("ticket_words_ticket_fkey")),
        sa.PrimaryKeyConstraint("ticket", name=op.f("ticket_words_pkey")),
    )
    op.create_index("ticket_search_words_idx", "ticket_search", ["words"], postgresql_using="gin")
    op.execute(TELL_WORDS_APART)
    op.execute(NOTE_WORDS)
    op.execute(NOTE_WORDS_OF_NEW)
    op.execute(NOTE_WORDS_OF_EDITED)
    op.create_table(
        "ticket_status_history",
        sa.Column("ticket", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "seq", sa.Integer(), autoincrement=False, nullable=False, comment="from 1, without gaps"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False, comment="a user id or system"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("old_value", sa.Text(), nullable=True),
        sa.Column("new_value", sa.Text(), nullable=True),
        sa.Column(
            "actor_bits", sa.SmallInteger(), nullable=False, comment="what the actor was: 1, 2, 4"
        ),
        sa.Column("workflow_revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "details",
            sa.Text(),
            nullable=True,
            comment="JSON; text, so that its digest never depends on a reader",
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "transaction",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
            comment="which wrote it: the log is read in the order of transactions",
        ),
        sa.Column(
            "entry",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="its place among those of its transaction",
        ),
        sa.CheckConstraint(
            "kind IN ('created', 'status', 'assignee', 'priority', 'title', 'description',"
            " 'comment', 'note', 'sla_breach')",
            name=op.f("ticket_status_history_kind_check"),
        ),
        sa.CheckConstraint(
            "actor_bits BETWEEN 0 AND 7", name=op.f("ticket_status_history_actor_bits_check")
        ),
        sa.ForeignKeyConstraint(
            ["ticket"], ["tickets.id"], name=op.f("ticket_status_history_ticket_fkey")
        ),
        sa.PrimaryKeyConstraint("ticket", "seq", name=op.f("ticket_status_history_pkey")),
    )
    op.create_index(
        "ticket_status_history_as_a_log_idx", "ticket_status_history", ["transaction", "entry"]
    )
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
