"""The query parameters of a request: known names, each once unless it is a list."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from aiohttp import web

from api.timestamps import parse_timestamp
from engine.errors import InvalidInput
from engine.findings import did_you_mean

_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_SWITCHES: Final = {"true": True, "false": False}

Parser: TypeAlias = Callable[[str, str], object]
"""Returns the value of a parameter, given its name and its text; raises InvalidInput."""


def parse_text(_name: str, text: str) -> str:
    """Return the text itself."""
    return text


def parse_number(name: str, text: str) -> int:
    """Return the number in a text."""
    if _NUMBER.fullmatch(text):
        return int(text)
    raise _invalid(name, f"must be a number, not {text!r}")


def parse_switch(name: str, text: str) -> bool:
    """Return True or False for the text `true` or `false`."""
    if text in _SWITCHES:
        return _SWITCHES[text]
    raise _invalid(name, f"must be true or false, not {text!r}")


def parse_time(name: str, text: str) -> datetime:
    """Return the timestamp in a text."""
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise _invalid(name, str(error)) from None


def read_parameters(
    request: web.Request, parsers: Mapping[str, Parser], lists: Collection[str] = ()
) -> dict[str, object]:
    """Return the values of the query parameters that a request has, by name.

    Args:
        request: any request.
        parsers: the known parameters.
        lists: those that can be repeated; the value of each is a list.

    Raises:
        InvalidInput: a parameter is unknown, repeated or invalid.

    """
    values: dict[str, object] = {}
    for name in dict.fromkeys(request.query):
        if name not in parsers:
            hint = did_you_mean(name, parsers)
            raise InvalidInput(f"There is no parameter {name!r}.{hint}", parameter=name)
        parsed = [parsers[name](name, text) for text in request.query.getall(name)]
        if len(parsed) > 1 and name not in lists:
            raise _invalid(name, "is repeated")
        values[name] = parsed if name in lists else parsed[0]
    return values


def _invalid(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"The parameter {name} {problem}.", parameter=name)
