"""Workflows as values: read, checked, compiled, explained and drawn. No I/O, no SQL."""
