"""How a field without a resolver of its own is read from its parent."""

from collections.abc import Mapping
from functools import cache

from api.json_encoding import snake_case


@cache
def is_mapping(kind: type) -> bool:
    """Return whether the fields of a value of this class are keys; else they are attributes."""
    return issubclass(kind, Mapping)


def attribute(parent: object, field: str) -> object:
    """Return what the parent of a field has for it.

    A mapping is read by the name of the field, an object by the attribute of that name in
    snake_case. What is not there is a fault (KeyError, AttributeError), never a silent null.
    """
    return parent[field] if isinstance(parent, Mapping) else getattr(parent, snake_case(field))
