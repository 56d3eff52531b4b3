"""The variables of a request, coerced by graphql-core before anything is executed.

Tartiflette gets coerced values and uses them as they are.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, Self

import orjson
from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLSchema,
    Node,
    NonNullTypeNode,
    VariableDefinitionNode,
    VariableNode,
    get_variable_values,
    is_leaf_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import inspect

from api.graphql.errors import InvalidVariables

_SHOWN_CHARACTERS: Final = 200
_COMPARED_VALUES: Final = 1_000
"""Among which the value of an error is searched."""


@dataclass(frozen=True, slots=True)
class VariableDefinitions:
    """The variables of an operation, with everything that is the same for all requests.

    Attributes:
        leaves: the types of the variables that are scalars or enums and have no default.
        required: the names of the variables that must have a value other than null.

    """

    schema: GraphQLSchema
    declared: Sequence[VariableDefinitionNode]
    leaves: Mapping[str, GraphQLLeafType]
    required: frozenset[str]

    @classmethod
    def of(cls, schema: GraphQLSchema, declared: Sequence[VariableDefinitionNode]) -> Self:
        """Return the variables that a valid operation declares."""
        leaves = {
            each.variable.name.value: kind
            for each in declared
            if (kind := _leaf_type(schema, each)) is not None
        }
        required = frozenset(
            each.variable.name.value
            for each in declared
            if isinstance(each.type, NonNullTypeNode) and not each.default_value
        )
        return cls(schema, declared, leaves, required)

    def coerce(self, given: Mapping[str, object], reported_errors: int) -> dict[str, object]:
        """Return the values of the variables, with defaults.

        Raises:
            InvalidVariables: a value is not of its type; with at most `reported_errors` errors.

        """
        values = self._coerce_leaves(given) if len(self.leaves) == len(self.declared) else None
        return (
            self.coerce_with_sources(given, reported_errors).coerced if values is None else values
        )

    def coerce_with_sources(
        self, given: Mapping[str, object], reported_errors: int
    ) -> VariableValues:
        """Return the values as `coerce` does, as graphql-core describes them."""
        result = get_variable_values(self.schema, self.declared, dict(given), reported_errors)
        if isinstance(result, list):
            raise InvalidVariables(*(_with_json(error, given) for error in result))
        return result

    def _coerce_leaves(self, given: Mapping[str, object]) -> dict[str, object] | None:
        """Return the values of variables that are all leaves; None if one of them is invalid."""
        values: dict[str, object] = {}
        try:
            for name, kind in self.leaves.items():
                value: Any = given.get(name)  # the type refuses what is not a value of it
                if value is not None:
                    values[name] = kind.coerce_input_value(value)
                elif name in given:
                    values[name] = None
        except Exception:  # noqa: BLE001  # graphql-core raises it again, with a message
            return None
        return None if any(values.get(name) is None for name in self.required) else values


def _leaf_type(schema: GraphQLSchema, declared: VariableDefinitionNode) -> GraphQLLeafType | None:
    """Return the type of a variable if that is a scalar or an enum without a default; else None."""
    kind = type_from_ast(schema, declared.type)
    core = kind.of_type if is_non_null_type(kind) else kind
    return core if is_leaf_type(core) and not declared.default_value else None


def _with_json(error: GraphQLError, given: Mapping[str, object]) -> GraphQLError:
    """Return an error of graphql-core with the value in it as JSON, as the client sent it."""
    error.message = error.message.replace("not to be None.", "not to be null.")
    message = error.message.removesuffix(".")
    for value in islice(_values_in(given), _COMPARED_VALUES):
        with suppress(RecursionError, orjson.JSONEncodeError):  # nested too deeply, or too large
            beginning = message.removesuffix(f": {inspect(value)}")
            if beginning != message:
                error.message = f"{beginning}: {_shown(value)}."
                break
    return error


def _values_in(value: object) -> Iterator[object]:
    """Yield a JSON value and all values in it, however deep they are."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _shown(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def refuse_null_conditions(conditions: Collection[str], variables: Mapping[str, object]) -> None:
    """Refuse null for a variable in the condition of a directive.

    The types allow null where the variable has a default, so only the request shows it.

    Raises:
        InvalidVariables: one of the variables is null.

    """
    for name in conditions:
        if name in variables and variables[name] is None:
            raise InvalidVariables(f"Variable '${name}' decides a condition and can't be null.")


def condition_variables(document: DocumentNode) -> frozenset[str]:
    """Return the names of the variables in the arguments of `@skip` and `@include`."""
    return variables_in(*(node for node in _walk(document) if isinstance(node, DirectiveNode)))


def variables_in(*nodes: Node) -> frozenset[str]:
    """Return the names of the variables that parts of a document use."""
    below = chain.from_iterable(map(_walk, nodes))
    return frozenset(node.name.value for node in below if isinstance(node, VariableNode))


def _walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it."""
    waiting = [node]
    while waiting:
        yield (each := waiting.pop())
        for key in each.keys:
            value = getattr(each, key)
            if isinstance(value, Node):
                waiting.append(value)
            elif isinstance(value, tuple):
                waiting += value
