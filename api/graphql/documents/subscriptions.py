"""What subscriptions have in addition to other operations: event sources and shared answers."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    get_argument_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues
from graphql.language import Visitor, visit

from api.graphql.documents.depth import operation_name
from api.graphql.documents.variables import variables_in
from api.graphql.errors import RequestError

_RESUME_ARGUMENT: Final = "after"

_Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """The root field of a subscription, and what the answers to its events depend on.

    Attributes:
        source: the name of the event source, such as `Subscription.ticketsChanged`.
        answer_variables: the names of the variables that answers depend on. The arguments of the
            root field do not count, because they only select events.
        reads_viewer: whether an answer can depend on the viewer.

    """

    source: str
    answer_variables: frozenset[str]
    reads_viewer: bool
    _definition: GraphQLField
    _node: FieldNode

    def arguments(self, variables: VariableValues, resume_after: str | None) -> dict[str, Any]:
        """Return the arguments of the event source.

        Args:
            variables: the coerced variables of the request.
            resume_after: replaces the argument `after`, if the field has one.

        Raises:
            RequestError: an argument does not accept the value of its variable.

        """
        try:
            arguments = get_argument_values(self._definition, self._node, variables)
        except GraphQLError as error:
            raise RequestError(error) from None
        if resume_after is not None and _RESUME_ARGUMENT in self._definition.args:
            arguments[_RESUME_ARGUMENT] = resume_after
        return arguments

    def answer_key(self, variables: Mapping[str, object]) -> str:
        """Return the variables that answers depend on, as text that is equal for equal values."""
        used = self.answer_variables & variables.keys()
        return json.dumps({name: variables[name] for name in used}, sort_keys=True)


def prepare_subscriptions(
    schema: GraphQLSchema, document: DocumentNode, viewer_fields: Collection[str]
) -> dict[str | None, PreparedSubscription]:
    """Return the subscriptions of a valid document by name; None is the one without a name.

    Args:
        schema: the schema that the document is valid for.
        document: the document.
        viewer_fields: the fields whose resolvers read the viewer, such as `Ticket.transitions`.

    """
    operations = [
        each
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
        and each.operation is OperationType.SUBSCRIPTION
    ]
    root = schema.subscription_type
    if root is None or not operations:
        return {}
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    # Once per document: a document can have many operations that spread the same fragments.
    fragment_variables = variables_in(*fragments.values())
    reads_viewer = _selects_any(schema, document, viewer_fields)
    prepared = {}
    for operation in operations:
        node = next(_root_fields(operation.selection_set, fragments))
        prepared[operation_name(operation)] = PreparedSubscription(
            source=f"{root.name}.{node.name.value}",
            answer_variables=fragment_variables | _variables_below_root(operation),
            reads_viewer=reads_viewer,
            _definition=root.fields[node.name.value],
            _node=FieldNode(name=node.name, arguments=node.arguments, loc=node.loc),
        )
    return prepared


def _root_fields(selection_set: SelectionSetNode, fragments: _Fragments) -> Iterator[FieldNode]:
    """Yield the fields at the root of an operation; a valid subscription has the same one only."""
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _root_fields(selection.selection_set, fragments)
            case FragmentSpreadNode():
                fragment = fragments[selection.name.value]
                yield from _root_fields(fragment.selection_set, fragments)


def _variables_below_root(operation: OperationDefinitionNode) -> frozenset[str]:
    """Return the variables of an operation, without those in the arguments of its root field.

    The root field has no directives: the specification forbids them there.
    """
    below = (
        selection.selection_set if isinstance(selection, FieldNode) else selection
        for selection in operation.selection_set.selections
    )
    return variables_in(*filter(None, below))


def _selects_any(schema: GraphQLSchema, document: DocumentNode, fields: Collection[str]) -> bool:
    """Return whether a document selects one of the fields, named like `Ticket.transitions`."""
    types = TypeInfo(schema)
    search = _FieldSearch(schema, types, fields)
    visit(document, TypeInfoVisitor(types, search))
    return search.found


class _FieldSearch(Visitor):
    def __init__(self, schema: GraphQLSchema, types: TypeInfo, fields: Collection[str]) -> None:
        super().__init__()
        self.found = False
        self._schema = schema
        self._types = types
        self._fields = fields

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._types.get_parent_type()
        possible = self._schema.get_possible_types(parent) if is_abstract_type(parent) else [parent]
        self.found |= any(f"{each}.{node.name.value}" in self._fields for each in possible)
