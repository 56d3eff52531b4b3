"""Counts with their nouns, for messages. Pure."""


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun, such as `1 ticket` or `1,234 tickets`.

    Args:
        count: how many there are.
        noun: the singular.
        nouns: the plural; by default, the singular with an `s`.

    """
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"
