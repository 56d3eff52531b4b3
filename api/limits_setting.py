"""Limits as an operator writes them: `depth_fields=20 viewer_rate=50`.

A limit is called what the refusal calls it, so that whoever is refused can tell what to ask for.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from api.limits import GraphQLLimits, HttpLimits, Limits, StreamLimits
from engine.findings import did_you_mean
from engine.validation_messages import describe_error

Group = TypeVar("Group", HttpLimits, GraphQLLimits, StreamLimits)

SEPARATORS: Final = re.compile(r"[\s,]+")

HTTP: Final = TypeAdapter(HttpLimits)
GRAPHQL: Final = TypeAdapter(GraphQLLimits)
STREAM: Final = TypeAdapter(StreamLimits)
GROUPS: Final = (HttpLimits, GraphQLLimits, StreamLimits)
LIMIT_NAMES: Final = [each.name for group in GROUPS for each in fields(group)]
"""Of every limit that can be set."""


def read_limits(text: str) -> Limits:
    """Return the limits of a text of `name=number` pairs, separated by commas or white space.

    Raises:
        ValueError: one of them is unknown, given twice or no number that it can be; it says which.

    """
    given: dict[str, str] = {}
    for word in filter(None, SEPARATORS.split(text)):
        name, is_pair, number = word.partition("=")
        if not is_pair:
            raise ValueError(f"{word!r} has no '='")
        if name not in LIMIT_NAMES:
            raise ValueError(
                f"{name!r} is no limit.{did_you_mean(name, LIMIT_NAMES)}".removesuffix(".")
            )
        if name in given:
            raise ValueError(f"{name} is given twice")
        given[name] = number
    return Limits(group_of(HTTP, given), group_of(GRAPHQL, given), group_of(STREAM, given))


def group_of(model: TypeAdapter[Group], given: Mapping[str, str]) -> Group:
    """Return a group of limits; ValueError names the first that is wrong."""
    try:
        return model.validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{first['loc'][0]} is {first['input']!r}: it {describe_error(first)}"
        raise ValueError(wrong) from None
