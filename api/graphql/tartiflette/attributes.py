"""How a field without a resolver is read from its parent."""

from collections.abc import Mapping
from functools import cache

from api.json_encoding import snake_case


@cache
def is_mapping(kind: type) -> bool:
    """Return whether the fields of a value of this class are keys, not attributes."""
    return issubclass(kind, Mapping)


def attribute(parent: object, field: str) -> object:
    """Return the value of a field of `parent`.

    A mapping has it under the name of the field, an object as the attribute with that name in
    snake_case.

    Raises:
        KeyError, AttributeError: the parent does not have it. This is a bug, never a silent null.

    """
    return parent[field] if isinstance(parent, Mapping) else getattr(parent, snake_case(field))
