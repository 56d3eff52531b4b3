"""Generated functions that return the plain fields of an object.

Plain fields need nothing but the value of their parent: they have no resolver, and are scalars,
enums, or lists and objects of these. If a value does not match its type, the function only raises
an exception. The caller then lets Tartiflette complete the same value, which raises the error that
the client gets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, Final, TypeAlias

from tartiflette.constants import UNDEFINED_VALUE
from tartiflette.types.helpers.definition import is_enum_type, is_scalar_type

from api.graphql.tartiflette.attributes import is_mapping
from api.json_encoding import snake_case

TartifletteType: TypeAlias = Any
"""A type of Tartiflette's schema, which has no type annotations."""
Complete: TypeAlias = Callable[[Any], Any]
"""Returns a value as the client gets it; raises if the value does not match its type."""

_SELECT: Final = """
def select(parent):
    if is_mapping(parent.__class__):
        {from_keys}
    else:
        {from_attributes}
    return {{{members}}}
"""
_UNCHANGED: Final = {
    "ID": "{value}.__class__ is str",
    "String": "{value}.__class__ is str",
    "Boolean": "{value}.__class__ is bool",
    "Int": f"{{value}}.__class__ is int and {-(2**31)} <= {{value}} < {2**31}",
}
"""Which values of a scalar the client gets unchanged, without a call."""


class _Fallback(Exception):
    """A value does not match its type, so Tartiflette completes it."""


@dataclass(frozen=True, slots=True)
class PlainField:
    """A plain field, and the function that completes its value."""

    name: str
    type: TartifletteType
    complete: Complete


def completer(kind: TartifletteType, select: Complete | None = None) -> Complete:
    """Return the function that completes the values of a type.

    Args:
        kind: the type.
        select: completes the objects of a type that is an object, or a list of objects.

    """
    required = kind.is_non_null_type
    convert = _converter(_nullable(kind), select)

    def complete(value: object) -> object:
        if isinstance(value, Exception):
            raise _Fallback
        completed = None if value is None else convert(value)
        if completed is UNDEFINED_VALUE or (required and completed is None):
            raise _Fallback
        return completed

    return complete


def _converter(kind: TartifletteType, select: Complete | None) -> Complete:
    """Return the function that completes the values of a nullable type other than null."""
    if kind.is_list_type:
        return _list_converter(completer(kind.wrapped_type, select))
    if is_scalar_type(kind):
        convert: Complete = kind.coerce_output
        return convert
    return select or _enum_converter(frozenset(_value_names(kind)))


def _list_converter(complete: Complete) -> Complete:
    def convert(values: object) -> list[object]:
        if not isinstance(values, list):
            raise _Fallback
        return [complete(value) for value in values]

    return convert


def _enum_converter(names: frozenset[str]) -> Complete:
    def convert(value: str) -> str:
        if value not in names:
            raise _Fallback
        return value

    return convert


def _value_names(kind: TartifletteType) -> list[str]:
    """Return the names of the values of an enum."""
    return [value.name for value in kind.values]


def selector(members: Mapping[str, PlainField | str | None]) -> Complete:
    """Generate the function that reads and completes the plain fields of an object.

    Args:
        members: the members of the result in their order: plain fields, or constants.

    """
    scope: dict[str, Any] = {"is_mapping": is_mapping}
    from_keys, from_attributes, results = [], [], []
    for number, (key, member) in enumerate(members.items()):
        if isinstance(member, PlainField):
            value = f"value_{number}"
            scope[f"complete_{value}"] = member.complete
            from_keys.append(f"{value} = parent[{member.name!r}]")
            from_attributes.append(f"{value} = {_attribute('parent', member.name)}")
            results.append(f"{key!r}: {_completion(member.type, value)}")
        else:
            results.append(f"{key!r}: {member!r}")
    source = _SELECT.format(
        from_keys="; ".join(from_keys) or "pass",
        from_attributes="; ".join(from_attributes) or "pass",
        members=", ".join(results),
    )
    exec(source, scope)  # noqa: S102  # names are the only input, and GraphQL restricts them
    select: Complete = scope["select"]
    return select


def _attribute(parent: str, field: str) -> str:
    """Return the expression that reads a field from an object."""
    name = snake_case(field)
    return f"getattr({parent}, {name!r})" if iskeyword(name) else f"{parent}.{name}"


def _completion(kind: TartifletteType, value: str) -> str:
    """Return the expression that completes a value."""
    call = f"complete_{value}({value})"
    core = _nullable(kind)
    unchanged = _unchanged(core, value)
    if unchanged and core is kind:
        unchanged = f"{value} is None or {unchanged}"
    return f"{value} if {unchanged} else {call}" if unchanged else call


def _unchanged(kind: TartifletteType, value: str) -> str | None:
    """Return the expression for whether the client gets a value unchanged, if there is one."""
    if is_enum_type(kind):
        return f"{value} in {{{', '.join(map(repr, _value_names(kind)))}}}"
    condition = _UNCHANGED.get(str(kind))
    return condition and condition.format(value=value)


def _nullable(kind: TartifletteType) -> TartifletteType:
    """Return a type without its `!`."""
    return kind.wrapped_type if kind.is_non_null_type else kind
