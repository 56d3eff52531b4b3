"""Tickets: how they are created, changed, timed and closed. Pure."""
