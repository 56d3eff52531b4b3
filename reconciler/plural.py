"""Counts with their nouns, for messages. Pure."""


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as `1 ticket` or `1,234 tickets`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
