"""The database itself: pool, statements, tables, locks and notifications."""
