"""graphql-core's tree -> Tartiflette's, node by node.

Only what execution reads is carried over. The fields that ask for the schema are left out here and
are all that `schema_part` keeps: graphql-core answers them, because its own schema is complete.
The document is valid and its nesting bounded, so the recursion is bounded too.
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
"""A node of Tartiflette's tree, which has no types."""


def tartiflette_document(document: DocumentNode) -> TartifletteNode:
    """Return a valid document as Tartiflette executes it."""
    return ast.DocumentNode(definitions=convert_all(document.definitions))


def convert(node: Node) -> TartifletteNode:
    """Return one node, and all that is below it."""
    return CONVERTERS[type(node)](node)


def convert_optional(node: Node | None) -> TartifletteNode:
    """Return a node that may be absent."""
    return None if node is None else convert(node)


def convert_all(nodes: Iterable[Node] | None) -> list[TartifletteNode]:
    """Return nodes in their order."""
    return [convert(node) for node in nodes or ()]


def location(node: Node) -> TartifletteNode:
    """Return where a node begins; an error of the field there names it."""
    start = node.loc.start_token if node.loc else None
    return ast.Location(start.line, start.column) if start else None


def name(node: NameNode) -> TartifletteNode:
    """Return a name."""
    return ast.NameNode(node.value)


def operation(node: OperationDefinitionNode) -> TartifletteNode:
    """Return an operation. Its own directives say nothing to the execution."""
    return ast.OperationDefinitionNode(
        operation_type=node.operation.value,
        name=convert_optional(node.name),
        variable_definitions=convert_all(node.variable_definitions),
        selection_set=convert(node.selection_set),
        location=location(node),
    )


def fragment(node: FragmentDefinitionNode) -> TartifletteNode:
    """Return a fragment."""
    return ast.FragmentDefinitionNode(
        name=convert(node.name),
        type_condition=convert(node.type_condition),
        selection_set=convert(node.selection_set),
        location=location(node),
    )


def variable_definition(node: VariableDefinitionNode) -> TartifletteNode:
    """Return a variable's type and default."""
    return ast.VariableDefinitionNode(
        variable=convert(node.variable),
        type=convert(node.type),
        default_value=convert_optional(node.default_value),
        location=location(node),
    )


def selection_set(node: SelectionSetNode) -> TartifletteNode:
    """Return selections, without those that ask for the schema."""
    return ast.SelectionSetNode(selections=convert_all(filter(asks_data, node.selections)))


def asks_data(node: Node) -> bool:
    """Tell whether a selection is anything but a field that asks for the schema."""
    return not (isinstance(node, FieldNode) and node.name.value in SCHEMA_FIELDS)


def field(node: FieldNode) -> TartifletteNode:
    """Return a field and what it selects."""
    return ast.FieldNode(
        name=convert(node.name),
        alias=convert_optional(node.alias),
        arguments=convert_all(node.arguments),
        directives=convert_all(node.directives),
        selection_set=convert_optional(node.selection_set),
        location=location(node),
    )


def fragment_spread(node: FragmentSpreadNode) -> TartifletteNode:
    """Return the use of a fragment."""
    return ast.FragmentSpreadNode(
        name=convert(node.name), directives=convert_all(node.directives), location=location(node)
    )


def inline_fragment(node: InlineFragmentNode) -> TartifletteNode:
    """Return a fragment that is written where it is used."""
    return ast.InlineFragmentNode(
        selection_set=convert(node.selection_set),
        type_condition=convert_optional(node.type_condition),
        directives=convert_all(node.directives),
        location=location(node),
    )


def directive(node: DirectiveNode) -> TartifletteNode:
    """Return a directive and its arguments."""
    return ast.DirectiveNode(
        name=convert(node.name), arguments=convert_all(node.arguments), location=location(node)
    )


def valued(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes that hold one value; numbers stay text, as written."""
    return lambda node: kind(value=node.value, location=location(node))


def named(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes that hold one name."""
    return lambda node: kind(name=convert(node.name), location=location(node))


def typed(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of types around another type."""
    return lambda node: kind(type=convert(node.type), location=location(node))


def assigned(kind: Callable[..., TartifletteNode]) -> Callable[[Any], TartifletteNode]:
    """Return the converter of nodes that give a name a value."""
    return lambda node: kind(
        name=convert(node.name), value=convert(node.value), location=location(node)
    )


CONVERTERS: Final[Mapping[type[Node], Callable[[Any], TartifletteNode]]] = {
    NameNode: name,
    OperationDefinitionNode: operation,
    FragmentDefinitionNode: fragment,
    VariableDefinitionNode: variable_definition,
    SelectionSetNode: selection_set,
    FieldNode: field,
    FragmentSpreadNode: fragment_spread,
    InlineFragmentNode: inline_fragment,
    DirectiveNode: directive,
    ArgumentNode: assigned(ast.ArgumentNode),
    ObjectFieldNode: assigned(ast.ObjectFieldNode),
    VariableNode: named(ast.VariableNode),
    NamedTypeNode: named(ast.NamedTypeNode),
    ListTypeNode: typed(ast.ListTypeNode),
    NonNullTypeNode: typed(ast.NonNullTypeNode),
    IntValueNode: valued(ast.IntValueNode),
    FloatValueNode: valued(ast.FloatValueNode),
    StringValueNode: valued(ast.StringValueNode),
    BooleanValueNode: valued(ast.BooleanValueNode),
    EnumValueNode: valued(ast.EnumValueNode),
    NullValueNode: lambda node: ast.NullValueNode(location=location(node)),
    ListValueNode: lambda node: ast.ListValueNode(
        values=convert_all(node.values), location=location(node)
    ),
    ObjectValueNode: lambda node: ast.ObjectValueNode(
        fields=convert_all(node.fields), location=location(node)
    ),
}
