"""Plain data, answered by generated code: a value goes in, what the client sees comes out.

Plain is what a value tells by itself: fields without a resolver, scalars, enums, and lists and
objects of these. Where a value is not as its type says, an exception says no more than that: the
caller then goes Tartiflette's own way, which meets the same value and words the error.
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
"""A type of Tartiflette's schema, which has no types."""
Complete: TypeAlias = Callable[[Any], Any]
"""Returns what the client sees of a value; raises if the value is not as its type says."""

SOURCE: Final = """
def select(parent):
    if is_mapping(parent.__class__):
        {by_key}
    else:
        {by_attribute}
    return {{{answers}}}
"""
AS_IT_IS: Final = {
    "ID": "{value}.__class__ is str",
    "String": "{value}.__class__ is str",
    "Boolean": "{value}.__class__ is bool",
    "Int": f"{{value}}.__class__ is int and {-(2**31)} <= {{value}} < {2**31}",
}
"""Which values of a scalar are answered as they are, so that nothing has to be called for them."""


class Fallback(Exception):
    """A value is not as its type says."""


@dataclass(frozen=True, slots=True)
class PlainField:
    """A field that is read from its parent, and what completes its value."""

    name: str
    type: TartifletteType
    complete: Complete


def completer(kind: TartifletteType, select: Complete | None = None) -> Complete:
    """Return what completes the values of a type; `select` does so where it ends in an object."""
    required = kind.is_non_null_type
    convert = converter(nullable(kind), select)

    def complete(value: object) -> object:
        if isinstance(value, Exception):
            raise Fallback
        completed = None if value is None else convert(value)
        if completed is UNDEFINED_VALUE or (required and completed is None):
            raise Fallback
        return completed

    return complete


def converter(kind: TartifletteType, select: Complete | None) -> Complete:
    """Return what completes the values of a nullable type, as long as they are not null."""
    if kind.is_list_type:
        return list_converter(completer(kind.wrapped_type, select))
    if is_scalar_type(kind):
        convert: Complete = kind.coerce_output
        return convert
    return select or enum_converter(frozenset(names_of(kind)))


def list_converter(complete: Complete) -> Complete:
    """Return what completes lists, given what completes their items."""

    def convert(values: object) -> list[object]:
        if not isinstance(values, list):
            raise Fallback
        return [complete(value) for value in values]

    return convert


def enum_converter(names: frozenset[str]) -> Complete:
    """Return what completes the values of an enum: they are answered as they are."""

    def convert(value: str) -> str:
        if value not in names:
            raise Fallback
        return value

    return convert


def names_of(kind: TartifletteType) -> list[str]:
    """Return the names of the values of an enum."""
    return [value.name for value in kind.values]


def selector(entries: Mapping[str, PlainField | str | None]) -> Complete:
    """Return the generated function that reads and completes the fields of an object.

    Args:
        entries: what is answered by which key, in their order: a field or a constant.

    """
    scope: dict[str, Any] = {"is_mapping": is_mapping}
    by_key, by_attribute, answers = [], [], []
    for number, (key, entry) in enumerate(entries.items()):
        if isinstance(entry, PlainField):
            value = f"value_{number}"
            scope[f"complete_{value}"] = entry.complete
            by_key.append(f"{value} = parent[{entry.name!r}]")
            by_attribute.append(f"{value} = {attribute_of('parent', entry.name)}")
            answers.append(f"{key!r}: {completion(entry.type, value)}")
        else:
            answers.append(f"{key!r}: {entry!r}")
    source = SOURCE.format(
        by_key="; ".join(by_key) or "pass",
        by_attribute="; ".join(by_attribute) or "pass",
        answers=", ".join(answers),
    )
    exec(source, scope)  # noqa: S102  # its only foreign words are names as GraphQL has them
    select: Complete = scope["select"]
    return select


def attribute_of(parent: str, field: str) -> str:
    """Return the expression that reads a field from an object."""
    name = snake_case(field)
    return f"getattr({parent}, {name!r})" if iskeyword(name) else f"{parent}.{name}"


def completion(kind: TartifletteType, value: str) -> str:
    """Return the expression that completes a value."""
    call = f"complete_{value}({value})"
    core = nullable(kind)
    test = as_it_is(core, value)
    if test and core is kind:
        test = f"{value} is None or {test}"
    return f"{value} if {test} else {call}" if test else call


def as_it_is(kind: TartifletteType, value: str) -> str | None:
    """Return the expression that tells whether a value is answered as it is, if there is one."""
    if is_enum_type(kind):
        return f"{value} in {{{', '.join(map(repr, names_of(kind)))}}}"
    test = AS_IT_IS.get(str(kind))
    return test and test.format(value=value)


def nullable(kind: TartifletteType) -> TartifletteType:
    """Return a type without its `!`."""
    return kind.wrapped_type if kind.is_non_null_type else kind
