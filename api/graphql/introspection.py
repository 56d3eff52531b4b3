"""The introspection fields of a document, which graphql-core answers."""

from collections.abc import Iterator
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.language import REMOVE, SKIP, Visitor, VisitorAction, visit

SCHEMA_FIELDS: Final = frozenset({"__schema", "__type"})
"""The introspection fields; only the root of a query has them."""


def schema_part(document: DocumentNode) -> DocumentNode:
    """Return the document with only the introspection fields at the roots of its operations."""
    part: DocumentNode = visit(document, _SchemaPart())
    return part


def root_names(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """Return the response names of the root fields of an operation, in the order of the answer."""
    # Each fragment is read once, because spreading it again adds no name.
    fragments = {
        each.name.value: each.selection_set
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }

    def names(selection_set: SelectionSetNode) -> Iterator[str]:
        for selection in selection_set.selections:
            match selection:
                case FieldNode():
                    yield (selection.alias or selection.name).value
                case FragmentSpreadNode():
                    if fragment := fragments.pop(selection.name.value, None):
                        yield from names(fragment)
                case InlineFragmentNode():
                    yield from names(selection.selection_set)

    return tuple(dict.fromkeys(names(operation.selection_set)))


class _SchemaPart(Visitor):
    """Removes every field that is neither `__schema` or `__type` nor below one of them."""

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        return SKIP if node.name.value in SCHEMA_FIELDS else REMOVE

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> VisitorAction:
        """Keep fragments on the types of introspection."""
        return SKIP if node.type_condition.name.value.startswith("__") else None
