"""The list of tickets."""
