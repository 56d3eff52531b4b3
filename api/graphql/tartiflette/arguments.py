"""The arguments of a field, coerced once for all executions of a document.

The value of a variable is used as it is, because it is coerced already. If an argument is invalid,
or is a literal list or object, Tartiflette coerces all arguments of the field for each execution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from tartiflette.coercers.common import CoercionResult
from tartiflette.language.ast import ListValueNode, ObjectValueNode, VariableNode
from tartiflette.utils.values import is_invalid_value

from api.graphql.tartiflette.ast import TartifletteNode

_CONTAINERS: Final = (ListValueNode, ObjectValueNode)
"""Literals whose coercion suspends in Tartiflette, so that fields take turns at them."""

TartifletteArgument: TypeAlias = Any
"""An argument of Tartiflette's schema."""


class _VariableArgument(NamedTuple):
    """An argument whose value is that of a variable.

    Attributes:
        accepts_null: whether the argument is nullable.
        can_be_absent: whether the variable can have no value, because the argument is nullable
            and has no default.

    """

    name: str
    variable: str
    accepts_null: bool
    can_be_absent: bool


@dataclass(frozen=True, slots=True)
class StaticArguments:
    """The arguments of a field that Tartiflette does not have to coerce for each execution.

    Attributes:
        constants: the values of literals, and of defaults in the schema.
        variables: the arguments whose values are those of variables.

    """

    constants: Mapping[str, object]
    variables: tuple[_VariableArgument, ...]

    def values(self, variables: Mapping[str, object]) -> dict[str, object] | None:
        """Return the arguments for these variables; None if Tartiflette has to coerce them."""
        values = dict(self.constants)
        for name, variable, accepts_null, can_be_absent in self.variables:
            if variable in variables:
                value = values[name] = variables[variable]
                if value is None and not accepts_null:
                    return None
            elif not can_be_absent:
                return None
        return values


async def static_arguments(
    declared: Mapping[str, TartifletteArgument], node: TartifletteNode
) -> StaticArguments | None:
    """Return the arguments of a node; None if Tartiflette has to coerce them each time."""
    nodes = {each.name.value: each for each in node.arguments or ()}
    constants, variables = {}, []
    for name, argument in declared.items():
        literal = nodes[name].value if name in nodes else argument.default_value
        if isinstance(literal, VariableNode):
            nullable = not argument.graphql_type.is_non_null_type
            can_be_absent = nullable and argument.default_value is None
            variables.append(_VariableArgument(name, literal.name.value, nullable, can_be_absent))
            continue
        if isinstance(literal, _CONTAINERS):
            return None
        result = await _coerce_constant(argument, node, nodes.get(name))
        if result is None or result.errors or isinstance(result.value, list):
            return None
        if not is_invalid_value(result.value):
            constants[name] = result.value
    return StaticArguments(constants, tuple(variables))


async def _coerce_constant(
    argument: TartifletteArgument, node: TartifletteNode, argument_node: TartifletteNode | None
) -> CoercionResult | None:
    """Return a literal or a default as Tartiflette coerces it; None if it raises an error."""
    try:
        result = await argument.coercer(argument, node, argument_node, {}, None)
    except Exception:  # noqa: BLE001  # Tartiflette raises it again, for the client
        return None
    return result if isinstance(result, CoercionResult) else CoercionResult(value=result)
