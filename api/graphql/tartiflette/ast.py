"""graphql-core's tree -> Tartiflette's tree, node by node.

Only what execution reads is converted. The fields of introspection are left out here, and are all
that `schema_part` keeps: graphql-core answers them, because its own schema is complete. A document
is valid and its nesting is bounded, so the recursion is bounded too.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    Node,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
)
from tartiflette.language import ast

from api.graphql.introspection import SCHEMA_FIELDS

TartifletteNode: TypeAlias = Any
"""A node of Tartiflette's tree, which has no type annotations."""


def tartiflette_document(document: DocumentNode) -> TartifletteNode:
    """Return a valid document for Tartiflette."""
    return ast.DocumentNode(definitions=_convert_all(document.definitions))


def _convert(node: Node) -> TartifletteNode:
    """Return one node with everything below it."""
    return _CONVERTERS[type(node)](node)


def _convert_optional(node: Node | None) -> TartifletteNode:
    return None if node is None else _convert(node)


def _convert_all(nodes: Iterable[Node] | None) -> list[TartifletteNode]:
    return [_convert(node) for node in nodes or ()]


def _location(node: Node) -> TartifletteNode:
    """Return where a node begins, for errors of the field."""
    start = node.loc.start_token if node.loc else None
    return ast.Location(start.line, start.column) if start else None


def _operation(node: OperationDefinitionNode) -> TartifletteNode:
    """Return an operation, without its directives, which do not affect execution."""
    return ast.OperationDefinitionNode(
        operation_type=node.operation.value,
        name=_convert_optional(node.name),
        variable_definitions=_convert_all(node.variable_definitions),
        selection_set=_convert(node.selection_set),
        location=_location(node),
    )


def _fragment(node: FragmentDefinitionNode) -> TartifletteNode:
    return ast.FragmentDefinitionNode(
        name=_convert(node.name),
        type_condition=_convert(node.type_condition),
        selection_set=_convert(node.selection_set),
        location=_location(node),
    )


def _variable_definition(node: VariableDefinitionNode) -> TartifletteNode:
    return ast.VariableDefinitionNode(
        variable=_convert(node.variable),
        type=_convert(node.type),
        default_value=_convert_optional(node.default_value),
        location=_location(node),
    )


def _selection_set(node: SelectionSetNode) -> TartifletteNode:
    """Return selections, without the fields of introspection."""
    selections = [
        each
        for each in node.selections
        if not (isinstance(each, FieldNode) and each.name.value in SCHEMA_FIELDS)
    ]
    return ast.SelectionSetNode(selections=_convert_all(selections))


def _field(node: FieldNode) -> TartifletteNode:
    return ast.FieldNode(
        name=_convert(node.name),
        alias=_convert_optional(node.alias),
        arguments=_convert_all(node.arguments),
        directives=_convert_all(node.directives),
        selection_set=_convert_optional(node.selection_set),
        location=_location(node),
    )


def _fragment_spread(node: FragmentSpreadNode) -> TartifletteNode:
    return ast.FragmentSpreadNode(
        name=_convert(node.name),
        directives=_convert_all(node.directives),
        location=_location(node),
    )


def _inline_fragment(node: InlineFragmentNode) -> TartifletteNode:
    return ast.InlineFragmentNode(
        selection_set=_convert(node.selection_set),
        type_condition=_convert_optional(node.type_condition),
        directives=_convert_all(node.directives),
        location=_location(node),
    )


def _directive(node: DirectiveNode) -> TartifletteNode:
    return ast.DirectiveNode(
        name=_convert(node.name),
        arguments=_convert_all(node.arguments),
        location=_location(node),
    )


def _with_value(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes with one value; numbers stay text, as written."""
    return lambda node: kind(value=node.value, location=_location(node))


def _with_name(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes with one name."""
    return lambda node: kind(name=_convert(node.name), location=_location(node))


def _with_type(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of types that wrap another type."""
    return lambda node: kind(type=_convert(node.type), location=_location(node))


def _with_name_and_value(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes with a name and the node of its value."""
    return lambda node: kind(
        name=_convert(node.name), value=_convert(node.value), location=_location(node)
    )


_CONVERTERS: Final[Mapping[type[Node], Callable[[Any], TartifletteNode]]] = {
    NameNode: lambda node: ast.NameNode(node.value),
    OperationDefinitionNode: _operation,
    FragmentDefinitionNode: _fragment,
    VariableDefinitionNode: _variable_definition,
    SelectionSetNode: _selection_set,
    FieldNode: _field,
    FragmentSpreadNode: _fragment_spread,
    InlineFragmentNode: _inline_fragment,
    DirectiveNode: _directive,
    ArgumentNode: _with_name_and_value(ast.ArgumentNode),
    ObjectFieldNode: _with_name_and_value(ast.ObjectFieldNode),
    VariableNode: _with_name(ast.VariableNode),
    NamedTypeNode: _with_name(ast.NamedTypeNode),
    ListTypeNode: _with_type(ast.ListTypeNode),
    NonNullTypeNode: _with_type(ast.NonNullTypeNode),
    IntValueNode: _with_value(ast.IntValueNode),
    FloatValueNode: _with_value(ast.FloatValueNode),
    StringValueNode: _with_value(ast.StringValueNode),
    BooleanValueNode: _with_value(ast.BooleanValueNode),
    EnumValueNode: _with_value(ast.EnumValueNode),
    NullValueNode: lambda node: ast.NullValueNode(location=_location(node)),
    ListValueNode: lambda node: ast.ListValueNode(
        values=_convert_all(node.values), location=_location(node)
    ),
    ObjectValueNode: lambda node: ast.ObjectValueNode(
        fields=_convert_all(node.fields), location=_location(node)
    ),
}
