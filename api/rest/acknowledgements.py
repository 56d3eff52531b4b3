"""Query parameters with which a machine acknowledges the hazards of a plan."""

from dataclasses import fields
from typing import Any, Final

from aiohttp import web
from pydantic.alias_generators import to_camel

from api.auth.api_keys import Scope
from api.http.access import require_scope
from api.rest.query_parameters import parse_number, parse_switch, read_parameters
from reconciler.allowances import BOUNDS, Allowances

_ATTRIBUTES: Final = {
    to_camel(f"max_{each.name}" if each.name in BOUNDS else f"allow_{each.name}"): each.name
    for each in fields(Allowances)
}
"""The attribute of `Allowances` for each parameter.

The names are those of the options of `interlock apply`: `maxClosed` is `--max-closed`.
"""
_PARSERS: Final = {
    parameter: parse_number if attribute in BOUNDS else parse_switch
    for parameter, attribute in _ATTRIBUTES.items()
}


def read_acknowledgements(request: web.Request) -> Allowances:
    """Return the hazards that the query of a request acknowledges; by default none.

    Raises:
        InvalidInput: a parameter is unknown, repeated or invalid.
        Forbidden: the API key cannot acknowledge hazards.

    """
    values = read_parameters(request, _PARSERS)
    allowed: dict[str, Any] = {_ATTRIBUTES[name]: value for name, value in values.items()}
    if any(allowed.values()):
        require_scope(request, Scope.ACKNOWLEDGE)
    return Allowances(**allowed)
