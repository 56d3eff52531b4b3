"""What an operation costs: the number of fields in its answer, with lists at their actual size.

The cost of a document is compiled once and evaluated for each request. The size of a list comes
from, in this order:

- the arguments `first`, `last` or `ids` of its field, or of the field that returns its page;
- `@listSize` in the schema, if the field has such an argument;
- the current length of a list of declared resources (`ListLengths`);
- `@listSize` in the schema;
- `assumed_list_items`, or the average length for the lists of introspection.

An alias is repeated with its field, so its characters count. A type whose texts are read even if
they are not selected has a cost of its own.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Final, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)

from api.graphql.introspection import SCHEMA_FIELDS
from api.limits import DEFAULT_PAGE_ITEMS

ListLengths: TypeAlias = Mapping[str, Callable[[], int]]
"""The current lengths of lists, by field, such as `Query.workflows`."""
NO_LENGTHS: Final[ListLengths] = MappingProxyType({})

_SLICING_ARGUMENTS: Final = ("first", "last", "ids")
_FIELD_POINTS: Final = 1
"""The cost of a field without `@cost`."""
POINT_CHARACTERS: Final = 1_000
"""The characters of text that cost one point; `@cost` of long texts follows from it."""
_SCHEMA_FIELD_POINTS: Final = 0.2
"""The cost of an introspection field, which graphql-core answers from memory (measured)."""
_WRAPPED_TYPES: Final = 0.5
"""The share of types that wrap another type, roughly: `ofType` is null for the others."""


@dataclass(frozen=True, slots=True)
class ListSize:
    """How many times the selections below a field are answered.

    Attributes:
        sources: numbers, names of variables that hold a number or a list, and fields with a known
            length (see `ListLengths`); the largest counts.
        default: the size if no source has a value.

    """

    sources: tuple[int | str, ...] = ()
    default: float = 1

    @property
    def is_variable(self) -> bool:
        """Whether the size depends on the request."""
        return any(isinstance(source, str) for source in self.sources)

    def value(self, variables: Mapping[str, object]) -> float:
        """Return the size for these variables; a page counts as at least one item."""
        values = [variables.get(each) if isinstance(each, str) else each for each in self.sources]
        sizes = [len(value) if isinstance(value, list) else value for value in values]
        numbers = [size for size in sizes if isinstance(size, int)]
        return max(1, *numbers) if numbers else self.default


@dataclass(slots=True, eq=False)
class Cost:
    """A sum: points that are the same in every request, and parts that variables multiply.

    Fragments share their costs, so the whole is a graph that is no larger than the document.

    Attributes:
        points: the constant part.
        parts: the other parts.
        selections: all costs that were added, for `costliest_list`.

    """

    points: float = 0
    parts: list[tuple[ListSize, "Cost"]] = field(default_factory=list)
    selections: list["SelectedCost"] = field(default_factory=list)

    def add(self, cost: "Cost", size: ListSize = ListSize()) -> None:  # immutable
        """Add `size` times `cost`."""
        if size.is_variable or cost.parts:
            self.parts.append((size, cost))
        else:
            self.points += size.value({}) * cost.points

    def total(self, variables: Mapping[str, object], lists: ListLengths = NO_LENGTHS) -> float:
        """Return the points of a request with these coerced variables and lengths of lists."""
        if not self.parts:
            return self.points
        values = {**variables, **{name: length() for name, length in lists.items()}}

        @cache
        def points(cost: Cost) -> float:
            parts = (size.value(values) * points(part) for size, part in cost.parts)
            return cost.points + sum(parts)

        return points(self)


@dataclass(frozen=True, slots=True)
class SelectedCost:
    """A part of a cost, and where the document selects it.

    Attributes:
        name: the response name of the field; empty for a fragment.
        size: the number of times that the cost counts.
        argument: the argument that sets the size of the list, such as `tickets(first`; empty
            without such an argument.

    """

    name: str
    size: ListSize
    cost: Cost
    argument: str = ""


@dataclass(frozen=True, slots=True)
class _Parent:
    """The parent of a selection set: its type and, if it is a page, the size of its lists."""

    type: GraphQLCompositeType
    page: ListSize | None = None


class CostAnalysis:
    """Computes the costs of the operations of one valid document.

    Args:
        schema: the schema.
        document: the document.
        list_items: the assumed size of a list whose size is unknown.
        counted_lists: the fields whose lists have a known length.

    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        list_items: float,
        counted_lists: Collection[str] = (),
    ) -> None:
        self._schema = schema
        self._list_items = list_items
        self._counted_lists = counted_lists
        self._schema_sizes = _schema_list_sizes(schema)
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._of_fragment = cache(self._fragment)

    def operation(self, operation: OperationDefinitionNode) -> Cost:
        """Return the cost of an operation."""
        root = composite_type(self._schema.get_root_type(operation.operation))
        return self._selections(operation.selection_set, _Parent(root))

    def _selections(self, selection_set: SelectionSetNode, parent: _Parent) -> Cost:
        cost = Cost()
        for selection in selection_set.selections:
            match selection:
                case FieldNode():
                    self._add_field(cost, selection, parent)
                case FragmentSpreadNode():
                    fragment = self._of_fragment(selection.name.value, parent.page)
                    cost.add(fragment)
                    cost.selections.append(SelectedCost("", ListSize(), fragment))
                case InlineFragmentNode():
                    condition = selection.type_condition
                    selected = self._type(condition.name.value) if condition else parent.type
                    inner = _Parent(selected, parent.page)
                    fragment = self._selections(selection.selection_set, inner)
                    cost.add(fragment)
                    cost.selections.append(SelectedCost("", ListSize(), fragment))
        return cost

    def _fragment(self, name: str, page: ListSize | None) -> Cost:
        fragment = self._fragments[name]
        selected = self._type(fragment.type_condition.name.value)
        return self._selections(fragment.selection_set, _Parent(selected, page))

    def _type(self, name: str) -> GraphQLCompositeType:
        return composite_type(self._schema.get_type(name))

    def _add_field(self, cost: Cost, node: FieldNode, parent: _Parent) -> None:
        name = node.name.value
        in_schema = name in SCHEMA_FIELDS or parent.type.name.startswith("__")
        definition = self._schema.get_field(parent.type, name)
        cost.points += _SCHEMA_FIELD_POINTS if in_schema else field_points(definition)
        cost.points += len(node.alias.value) / POINT_CHARACTERS if node.alias else 0
        if definition is None or node.selection_set is None:
            return
        selected = composite_type(get_named_type(definition.type))
        page = _page_size(node, definition)
        if in_schema:
            size = ListSize((), self._schema_sizes.get(name, 1))
        elif is_list_type(get_nullable_type(definition.type)):
            known = f"{parent.type.name}.{name}"
            sources = (known,) if known in self._counted_lists else ()
            assumed = directive_number(definition, "listSize") or self._list_items
            size = page or parent.page or ListSize(sources, assumed)
            page = None
        else:
            size = ListSize()
        each = self._selections(node.selection_set, _Parent(selected, page))
        each.points += directive_number(selected, "cost") or 0
        cost.add(each, size)
        response_name = node.alias.value if node.alias else name
        cost.selections.append(SelectedCost(response_name, size, each, _slicing(node, definition)))


def _slicing(node: FieldNode, definition: GraphQLField) -> str:
    """Return the argument that sets the size of the list of a field: a given one, or the first."""
    given = {argument.name.value for argument in node.arguments or ()}
    slicing = [name for name in _SLICING_ARGUMENTS if name in definition.args]
    if not slicing:
        return ""
    return f"{node.name.value}({next((name for name in slicing if name in given), slicing[0])}"


def _page_size(node: FieldNode, definition: GraphQLField) -> ListSize | None:
    """Return the size of the page that a field returns; None if it does not return a page."""
    slicing = [name for name in _SLICING_ARGUMENTS if name in definition.args]
    if not slicing:
        return None
    values = {argument.name.value: argument.value for argument in node.arguments or ()}
    sizes = [_size_in(values.get(name)) for name in slicing]
    nodes = [definition.args[name].ast_node for name in slicing]
    defaults = [_size_in(each.default_value if each else None) for each in nodes]
    assumed = directive_number(definition, "listSize") or DEFAULT_PAGE_ITEMS
    default = next((size for size in defaults if isinstance(size, int)), assumed)
    return ListSize(tuple(size for size in sizes if size is not None), default)


def composite_type(named: object) -> GraphQLCompositeType:
    """Return a type that has fields; a valid document selects only from such types."""
    if not is_composite_type(named):
        raise TypeError(f"{named} has no fields.")
    return named


def _size_in(value: ValueNode | None) -> int | str | None:
    """Return the size that a value states, or the name of the variable that states it."""
    match value:
        case IntValueNode():
            return int(value.value)
        case ListValueNode():
            return len(value.values)
        case VariableNode():
            return value.name.value
        case _:
            return None


def field_points(definition: GraphQLField | None) -> float:
    """Return the cost of a field by itself: its `@cost` (IBM's GraphQL Cost Directives)."""
    declared = directive_number(definition, "cost")
    return _FIELD_POINTS if declared is None else declared


def directive_number(
    definition: GraphQLField | GraphQLCompositeType | None, name: str
) -> float | None:
    """Return the argument of a directive of a field or a type; None without that directive."""
    directives = definition.ast_node.directives if definition and definition.ast_node else ()
    for directive in directives or ():
        if directive.name.value == name:
            [argument] = directive.arguments or ()
            return float(value_from_ast_untyped(argument.value))
    return None


def _schema_list_sizes(schema: GraphQLSchema) -> dict[str, float]:
    """Return the average length of each list of introspection, by field."""
    types = list(schema.type_map.values())
    fields = [member for named in types for member in getattr(named, "fields", {}).values()]
    arguments = sum(len(getattr(member, "args", ())) for member in fields)
    values = sum(len(getattr(named, "values", ())) for named in types)
    members = len(fields) / len(types)
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": members,
        "inputFields": members,
        "args": arguments / len(fields),
        "enumValues": values / len(types),
        "ofType": _WRAPPED_TYPES,
    }
