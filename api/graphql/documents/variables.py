"""The variables of a request, coerced by graphql-core before anything is executed.

The engine below takes them as they are. By then nothing is left to refuse, so an error there is a
fault of ours and never one of the client.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLLeafType,
    GraphQLSchema,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    get_variable_values,
    is_leaf_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.language import Visitor, visit

from api.graphql.errors import InvalidVariables


@dataclass(frozen=True, slots=True)
class Variables:
    """What an operation declares; whatever no request can change is found out once.

    Attributes:
        leaves: the types of the variables that are scalars or enums and have no default.
        required: the names of those that must be given, and not as null.

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
            if (kind := leaf_type(schema, each)) is not None
        }
        required = frozenset(
            each.variable.name.value
            for each in declared
            if isinstance(each.type, NonNullTypeNode) and not each.default_value
        )
        return cls(schema, declared, leaves, required)

    def coerced(self, given: Mapping[str, object], reported_errors: int) -> dict[str, object]:
        """Return the values of the variables, defaults included; else raise InvalidVariables."""
        values = self._coerced_leaves(given) if len(self.leaves) == len(self.declared) else None
        return self._coerced_by_the_book(given, reported_errors) if values is None else values

    def _coerced_leaves(self, given: Mapping[str, object]) -> dict[str, object] | None:
        """Return the values; None if one of them is wrong."""
        values: dict[str, object] = {}
        try:
            for name, kind in self.leaves.items():
                value: Any = given.get(name)  # which the type knows to refuse
                if value is not None:
                    values[name] = kind.coerce_input_value(value)
                elif name in given:
                    values[name] = None
        except Exception:  # noqa: BLE001  # graphql-core will meet the same, and word it
            return None
        return None if any(values.get(name) is None for name in self.required) else values

    def _coerced_by_the_book(
        self, given: Mapping[str, object], reported_errors: int
    ) -> dict[str, object]:
        result = get_variable_values(self.schema, self.declared, dict(given), reported_errors)
        if isinstance(result, list):
            raise InvalidVariables(*result)
        return result.coerced


def leaf_type(schema: GraphQLSchema, declared: VariableDefinitionNode) -> GraphQLLeafType | None:
    """Return the type of a variable if that is a scalar or an enum without a default; else None."""
    kind = type_from_ast(schema, declared.type)
    core = kind.of_type if is_non_null_type(kind) else kind
    return core if is_leaf_type(core) and not declared.default_value else None


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


def telling_variables(document: DocumentNode, operation: OperationDefinitionNode) -> frozenset[str]:
    """Return the names of the variables that decide how a subscription tells of an event.

    Those in the arguments of its own field only decide of which events it tells.
    """
    if operation.operation is not OperationType.SUBSCRIPTION:
        return frozenset()
    return frozenset().union(*map(variables_in, parts_that_tell(document, operation)))


def parts_that_tell(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[Node]:
    """Yield everything that an answer depends on; a field of its own in a fragment is whole.

    Its own field has no directives: the specification forbids them there.
    """
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            yield from filter(None, [selection.selection_set])
        else:
            yield selection
    yield from (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))


def variables_in(node: Node) -> frozenset[str]:
    """Return the names of the variables that are used in a part of a document."""
    found = Uses()
    visit(node, found)
    return frozenset(found.names)


class Uses(Visitor):
    """Collects the variables that are used."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        """Collect one."""
        self.names.add(node.name.value)


class Conditions(Visitor):
    """Collects the variables in the arguments of directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Collect the variables of one directive."""
        self.names |= variables_in(node)
