"""Transitions of several tickets: a preview, and the outcome per ticket."""
