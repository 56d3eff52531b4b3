"""Alembic's entry point: it runs on the connection that `engine.storage.migrate` hands in."""

from alembic import context

from engine.storage.postgres.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
