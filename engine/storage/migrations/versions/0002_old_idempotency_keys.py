"""Idempotency keys by age, for forgetting the old ones."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index that finds the oldest keys."""
    op.create_index("idempotency_keys_oldest_first_idx", "idempotency_keys", ["created_at"])
