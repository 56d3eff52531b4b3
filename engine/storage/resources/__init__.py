"""Declared resources: their state, their revisions and their reconciliations."""
