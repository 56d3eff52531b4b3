"""The details of a refusal as every door tells them: JSON, with keys in camelCase."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]


def to_json(details: Mapping[str, object]) -> JsonObject:
    """Return details, and all mappings in them, as a JSON object."""
    return {camel_case(str(key)): to_json_value(value) for key, value in details.items()}


def to_json_value(value: object) -> Json:
    """Return a value in JSON; what has no form of its own there is told as text."""
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
            return [to_json_value(each) for each in ordered]
        case _:
            return str(value)


def camel_case(name: str) -> str:
    """Return a snake_case name as JSON has it; STATUS_NAMES and other text stay."""
    return re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), name)


@cache
def snake_case(name: str) -> str:
    """Return the camelCase name of a field of the schema as Python writes it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)
