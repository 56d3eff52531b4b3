"""The arguments of a field, as one document states them, coerced once for all executions.

A variable stands for its value as it is: it was coerced before. Where an argument is wrong, or is
a list or an object that is spelt out, Tartiflette coerces all of them each time: so each execution
has its own, and takes turns with others as it does there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from tartiflette.coercers.common import CoercionResult
from tartiflette.language.ast import ListValueNode, ObjectValueNode, VariableNode
from tartiflette.utils.values import is_invalid_value

from api.graphql.tartiflette.ast import TartifletteNode

SPELT_OUT: Final = (ListValueNode, ObjectValueNode)
"""Tartiflette suspends while it coerces them: not even to find out what they are is it asked."""

TartifletteArgument: TypeAlias = Any
"""An argument of Tartiflette's schema."""


class Given(NamedTuple):
    """An argument whose value is that of a variable.

    Attributes:
        takes_null: whether null is a value of it.
        may_be_absent: whether the variable may have no value, as the argument has no default.

    """

    name: str
    variable: str
    takes_null: bool
    may_be_absent: bool


@dataclass(frozen=True, slots=True)
class KnownArguments:
    """The arguments of a field.

    Attributes:
        stated: the values that the document states, or the schema as defaults.
        given: those whose values are those of variables.

    """

    stated: Mapping[str, object]
    given: tuple[Given, ...]

    def values(self, variables: Mapping[str, object]) -> dict[str, object] | None:
        """Return the arguments for these variables; None if Tartiflette has to coerce them."""
        values = dict(self.stated)
        for name, variable, takes_null, may_be_absent in self.given:
            if variable in variables:
                value = values[name] = variables[variable]
                if value is None and not takes_null:
                    return None
            elif not may_be_absent:
                return None
        return values


async def known_arguments(
    declared: Mapping[str, TartifletteArgument], node: TartifletteNode
) -> KnownArguments | None:
    """Return the arguments of a node; None if they must be coerced each time."""
    asked = {each.name.value: each for each in node.arguments or ()}
    stated, given = {}, []
    for name, argument in declared.items():
        literal = asked[name].value if name in asked else argument.default_value
        if isinstance(literal, VariableNode):
            given.append(given_by(literal.name.value, name, argument))
            continue
        if isinstance(literal, SPELT_OUT):
            return None
        result = await stated_value(argument, node, asked.get(name))
        if result is None or result.errors or isinstance(result.value, list):
            return None
        if not is_invalid_value(result.value):
            stated[name] = result.value
    return KnownArguments(stated, tuple(given))


def given_by(variable: str, name: str, argument: TartifletteArgument) -> Given:
    """Return an argument whose value is that of a variable."""
    takes_null = not argument.graphql_type.is_non_null_type
    return Given(name, variable, takes_null, takes_null and argument.default_value is None)


async def stated_value(
    argument: TartifletteArgument, node: TartifletteNode, asked: TartifletteNode | None
) -> CoercionResult | None:
    """Return what Tartiflette makes of a literal or of a default; None if that is an error."""
    try:
        result = await argument.coercer(argument, node, asked, {}, None)
    except Exception:  # noqa: BLE001  # Tartiflette will meet the same
        return None
    return result if isinstance(result, CoercionResult) else CoercionResult(value=result)
