"""The setting of limits, such as `depth_fields=20 viewer_rate=50`.

A limit has the same name in errors, so you know which one to raise.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from api.limits import (
    ConnectionLimits,
    GraphQLLimits,
    HttpLimits,
    Limits,
    ServerLimits,
    StreamLimits,
)
from engine.findings import did_you_mean
from engine.validation_messages import describe_error

_Group = TypeVar("_Group", HttpLimits, GraphQLLimits, StreamLimits, ServerLimits, ConnectionLimits)

_SEPARATORS: Final = re.compile(r"[\s,]+")
_HTTP: Final = TypeAdapter(HttpLimits)
_GRAPHQL: Final = TypeAdapter(GraphQLLimits)
_STREAM: Final = TypeAdapter(StreamLimits)
_SERVER: Final = TypeAdapter(ServerLimits)
_CONNECTION: Final = TypeAdapter(ConnectionLimits)
LIMIT_NAMES: Final = [
    each.name
    for group in (HttpLimits, GraphQLLimits, StreamLimits, ServerLimits, ConnectionLimits)
    for each in fields(group)
]


def read_limits(text: str) -> Limits:
    """Return the limits in `name=number` pairs, which commas or white space separate.

    Raises:
        ValueError: a limit is unknown, set twice, or has an invalid value; the message names it.

    """
    values: dict[str, str] = {}
    for word in filter(None, _SEPARATORS.split(text)):
        name, is_pair, number = word.partition("=")
        if not is_pair:
            raise ValueError(f"{word!r} has no '='")
        if name not in LIMIT_NAMES:
            raise ValueError(
                f"{name!r} is not a limit.{did_you_mean(name, LIMIT_NAMES)}".removesuffix(".")
            )
        if name in values:
            raise ValueError(f"{name} is set twice")
        values[name] = number
    return Limits(
        _parse(_HTTP, values),
        _parse(_GRAPHQL, values),
        _parse(_STREAM, values),
        _parse(_SERVER, values),
        _parse(_CONNECTION, values),
    )


def _parse(group: TypeAdapter[_Group], values: Mapping[str, str]) -> _Group:
    """Return a group of limits; ValueError names the first invalid one."""
    try:
        return group.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(
            f"{first['loc'][0]} is {first['input']!r}: it {describe_error(first)}"
        ) from None
