"""Saved views: names of a user for filters of the list of tickets."""
