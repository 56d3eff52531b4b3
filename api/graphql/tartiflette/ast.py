"""graphql-core's tree -> Tartiflette's tree, node by node.

Only what execution reads is converted. The fields of introspection are left out here, and are all
that `schema_part` keeps: graphql-core answers them, because its own schema is complete. A document
is valid and its nesting is bounded, so the recursion is bounded too.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import graphql
from graphql import DocumentNode, FieldNode, NameNode, Node, OperationDefinitionNode
from tartiflette.language import ast

from api.graphql.introspection import SCHEMA_FIELDS

TartifletteNode: TypeAlias = Any
"""A node of Tartiflette's tree, which has no type annotations."""

_ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "OperationDefinitionNode": ("name", "variable_definitions", "selection_set"),
    "FragmentDefinitionNode": ("name", "type_condition", "selection_set"),
    "VariableDefinitionNode": ("variable", "type", "default_value"),
    "SelectionSetNode": ("selections",),
    "FieldNode": ("name", "alias", "arguments", "directives", "selection_set"),
    "FragmentSpreadNode": ("name", "directives"),
    "InlineFragmentNode": ("type_condition", "directives", "selection_set"),
    "DirectiveNode": ("name", "arguments"),
    "ArgumentNode": ("name", "value"),
    "ObjectFieldNode": ("name", "value"),
    "VariableNode": ("name",),
    "NamedTypeNode": ("name",),
    "ListTypeNode": ("type",),
    "NonNullTypeNode": ("type",),
    "IntValueNode": ("value",),
    "FloatValueNode": ("value",),
    "StringValueNode": ("value",),
    "BooleanValueNode": ("value",),
    "EnumValueNode": ("value",),
    "NullValueNode": (),
    "ListValueNode": ("values",),
    "ObjectValueNode": ("fields",),
}
"""The attributes to convert. Classes and attributes have the same names in both trees."""
_CLASSES: Final = {
    getattr(graphql, name): (getattr(ast, name), attributes)
    for name, attributes in _ATTRIBUTES.items()
}
_LISTS: Final = frozenset({"arguments", "directives", "variable_definitions"})
"""The attributes that are None in graphql-core if they are empty."""


def tartiflette_document(document: DocumentNode) -> TartifletteNode:
    """Return a valid document for Tartiflette."""
    return ast.DocumentNode(definitions=_convert_all(document.definitions))


def _convert(node: Node) -> TartifletteNode:
    """Return one node with everything below it."""
    if isinstance(node, NameNode):
        return ast.NameNode(node.value)
    kind, attributes = _CLASSES[type(node)]
    values = {name: _convert_value(name, getattr(node, name)) for name in attributes}
    if isinstance(node, OperationDefinitionNode):
        values["operation_type"] = node.operation.value
    start = node.loc.start_token if node.loc else None
    location = ast.Location(start.line, start.column) if start else None
    return kind(**values, location=location)


def _convert_value(attribute: str, value: Any) -> Any:  # noqa: ANN401  # any attribute
    if isinstance(value, Node):
        return _convert(value)
    if isinstance(value, tuple) or attribute in _LISTS:
        return _convert_all(value or ())
    return value  # the value of a leaf: numbers stay text, as written


def _convert_all(nodes: Iterable[Node]) -> list[TartifletteNode]:
    """Return nodes, without the fields of introspection."""
    return [
        _convert(node)
        for node in nodes
        if not (isinstance(node, FieldNode) and node.name.value in SCHEMA_FIELDS)
    ]
