"""The part of a document that asks for the schema, which graphql-core answers."""

from typing import Final

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode
from graphql.language import REMOVE, SKIP, Visitor, VisitorAction, visit

SCHEMA_FIELDS: Final = frozenset({"__schema", "__type"})
"""The fields that ask for the schema; only the root of a query has them."""


def schema_part(document: DocumentNode) -> DocumentNode:
    """Return the document with nothing at its roots but the fields that ask for the schema."""
    part: DocumentNode = visit(document, SchemaPart())
    return part


class SchemaPart(Visitor):
    """Removes every field that is neither `__schema` or `__type` nor below one of them."""

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        """Keep what asks for the schema, whole."""
        return SKIP if node.name.value in SCHEMA_FIELDS else REMOVE

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> VisitorAction:
        """Keep the fragments that select from the schema, whole."""
        return SKIP if node.type_condition.name.value.startswith("__") else None
