"""Query parameters with which a machine acknowledges the hazards of a plan."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from aiohttp import web
from pydantic.alias_generators import to_camel

from api.auth.api_keys import Scope
from api.http.access import require_scope
from engine.errors import InvalidInput
from engine.findings import did_you_mean
from reconciler.allowances import BOUNDS, Allowances

_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_SWITCHES: Final = {"true": True, "false": False}


def _parse_number(name: str, text: str) -> int:
    if _NUMBER.fullmatch(text):
        return int(text)
    raise InvalidInput(f"The parameter {name} must be a number, not {text!r}.")


def _parse_switch(name: str, text: str) -> bool:
    if text in _SWITCHES:
        return _SWITCHES[text]
    raise InvalidInput(f"The parameter {name} must be true or false, not {text!r}.")


_PARAMETERS: Final[Mapping[str, tuple[str, Callable[[str, str], int | bool]]]] = {
    to_camel(f"max_{each.name}" if each.name in BOUNDS else f"allow_{each.name}"): (
        each.name,
        _parse_number if each.name in BOUNDS else _parse_switch,
    )
    for each in fields(Allowances)
}
"""The attribute of `Allowances` for each parameter, and how its value is parsed.

The names are those of the options of `interlock apply`: `maxClosed` is `--max-closed`.
"""


def read_acknowledgements(request: web.Request) -> Allowances:
    """Return the hazards that the query of a request acknowledges; by default none.

    Raises:
        InvalidInput: a parameter is unknown, repeated or invalid.
        Forbidden: the API key cannot acknowledge hazards.

    """
    allowed: dict[str, Any] = {}
    for name, text in request.query.items():
        if name not in _PARAMETERS:
            hint = did_you_mean(name, _PARAMETERS)
            raise InvalidInput(f"There is no parameter {name!r}.{hint}")
        attribute, parse = _PARAMETERS[name]
        if attribute in allowed:
            raise InvalidInput(f"The parameter {name} is repeated.")
        allowed[attribute] = parse(name, text)
    if any(allowed.values()):
        require_scope(request, Scope.ACKNOWLEDGE)
    return Allowances(**allowed)
