"""Declared resources: what is in force, its revisions and its reconciliations."""
