"""The variables of a request, coerced by graphql-core before anything is executed.

The engine below coerces them once more for the resolvers. By then nothing is left to refuse, so an
error there is a fault of ours and never one of the client.
"""

from collections.abc import Collection, Mapping

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLSchema,
    VariableDefinitionNode,
    VariableNode,
    get_variable_values,
)
from graphql.language import Visitor, visit

from api.graphql.errors import InvalidVariables


def coerce_variables(
    schema: GraphQLSchema,
    declared: Collection[VariableDefinitionNode],
    given: Mapping[str, object],
    reported_errors: int,
) -> dict[str, object]:
    """Return the values of the declared variables, defaults included; else InvalidVariables."""
    result = get_variable_values(schema, declared, dict(given), reported_errors)
    if isinstance(result, list):
        raise InvalidVariables(*result)
    return result.coerced


def refuse_null_conditions(conditions: Collection[str], variables: Mapping[str, object]) -> None:
    """Refuse null for a variable that decides whether a field is answered.

    The types allow it where the variable has a default, and only the request shows it.
    """
    for name in conditions:
        if name in variables and variables[name] is None:
            raise InvalidVariables(f"Variable '${name}' decides a condition and can't be null.")


def condition_variables(document: DocumentNode) -> frozenset[str]:
    """Return the names of the variables that `@skip` and `@include` ask."""
    found = Conditions()
    visit(document, found)
    return frozenset(found.names)


class Conditions(Visitor):
    """Collects the variables in the arguments of directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Collect the variables of one directive."""
        values = [argument.value for argument in node.arguments or ()]
        self.names |= {value.name.value for value in values if isinstance(value, VariableNode)}
