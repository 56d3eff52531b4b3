"""Tickets: reading, searching and changing them."""
