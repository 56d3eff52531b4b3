"""JSON of the details of errors, and the names of fields in camelCase and snake_case."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]


def to_json(details: Mapping[str, object]) -> JsonObject:
    """Return details as a JSON object; its keys, and those of nested mappings, are camelCase."""
    return {_camel_case(str(key)): _to_json_value(value) for key, value in details.items()}


def _to_json_value(value: object) -> Json:
    """Return a value as JSON; values without an equivalent become text."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value).encode("utf-8", "replace").decode("utf-8")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Mapping():
            return to_json(value)
        case Iterable():
            ordered = sorted(value, key=str) if isinstance(value, AbstractSet) else value
            return [_to_json_value(each) for each in ordered]
        case _:
            return str(value)


def _camel_case(name: str) -> str:
    """Return a snake_case name in camelCase; names in capitals stay as they are."""
    return re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), name)


@cache
def snake_case(name: str) -> str:
    """Return the camelCase name of a schema field in snake_case."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)
