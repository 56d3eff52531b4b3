"""Declared against live: plans what a declaration would change, then applies exactly that."""
