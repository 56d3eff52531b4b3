"""The introspection fields of a document, which graphql-core answers."""

from typing import Final

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode
from graphql.language import REMOVE, SKIP, Visitor, VisitorAction, visit

SCHEMA_FIELDS: Final = frozenset({"__schema", "__type"})
"""The introspection fields; only the root of a query has them."""


def schema_part(document: DocumentNode) -> DocumentNode:
    """Return the document with only the introspection fields at the roots of its operations."""
    part: DocumentNode = visit(document, _SchemaPart())
    return part


class _SchemaPart(Visitor):
    """Removes every field that is neither `__schema` or `__type` nor below one of them."""

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        return SKIP if node.name.value in SCHEMA_FIELDS else REMOVE

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> VisitorAction:
        """Keep fragments on the types of introspection."""
        return SKIP if node.type_condition.name.value.startswith("__") else None
