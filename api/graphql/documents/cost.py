"""What an operation costs: the fields that it can answer, lists counted by their actual size.

A price is compiled once for a document and evaluated for each request. `first` or `last` on a field
is the size of its list, and so is the number of its `ids`; a field that answers no list answers a
page, and the lists directly in it are of that size. A list of what is declared counts as long as it
is, one of a fixed length says so in the schema (`@listSize`), any other counts as
`assumed_list_items`, and the lists of the schema itself as their average length. The name that a
client gives a field is answered as often as the field, so it counts as a text. An object whose
texts are read whatever is asked of it has a weight of its own.
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
    GraphQLArgument,
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
"""How long lists are at the moment, by the fields that answer them, as in `Query.workflows`."""
NO_LENGTHS: Final[ListLengths] = MappingProxyType({})

PAGE_ARGUMENTS: Final = ("first", "last", "ids")
FIELD_POINTS: Final = 1
"""Of a field without `@cost`."""
POINT_CHARACTERS: Final = 1_000
"""Of a text, that a point is good for: `@cost` of a field whose text can be longer follows."""
SCHEMA_FIELD_POINTS: Final = 0.2
"""A field of the schema is answered from memory, by the faster engine of the two (measured)."""

WRAPPED_TYPES: Final = 0.5
"""How many of the types in a schema wrap another, about: each `ofType` ends half of the chains."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many times the selections below a field are answered.

    Attributes:
        given: numbers, names of variables that hold one or a list, and fields whose lists are as
            long as they are; the largest counts.
        otherwise: the size if none of them has a value.

    """

    given: tuple[int | str, ...] = ()
    otherwise: float = 1

    @property
    def varies(self) -> bool:
        """Whether a variable decides."""
        return any(isinstance(size, str) for size in self.given)

    def actual(self, variables: Mapping[str, object]) -> float:
        """Return the size for these variables; a page never counts as less than one item."""
        values = [variables.get(size) if isinstance(size, str) else size for size in self.given]
        sizes = [len(value) if isinstance(value, list) else value for value in values]
        numbers = [size for size in sizes if isinstance(size, int)]
        return max(1, *numbers) if numbers else self.otherwise


@dataclass(slots=True, eq=False)
class Price:
    """A sum: points that are the same in every request, and parts that variables multiply.

    Prices of fragments are shared, so the whole is a graph no larger than the document.
    """

    points: float = 0
    parts: list[tuple[Size, "Price"]] = field(default_factory=list)

    def add(self, price: "Price", size: Size = Size()) -> None:  # immutable
        """Add `size` times `price`."""
        if size.varies or price.parts:
            self.parts.append((size, price))
        else:
            self.points += size.actual({}) * price.points

    def total(self, variables: Mapping[str, object], lists: ListLengths = NO_LENGTHS) -> float:
        """Return the points of a request with these (coerced) variables, and lengths of lists."""
        if not self.parts:
            return self.points
        given = {**variables, **{name: length() for name, length in lists.items()}}

        @cache
        def points(price: Price) -> float:
            parts = (size.actual(given) * points(part) for size, part in price.parts)
            return price.points + sum(parts)

        return points(self)


@dataclass(frozen=True, slots=True)
class Parent:
    """What a selection set selects from: a type, and the size of its lists if it is a page."""

    type: GraphQLCompositeType
    page: Size | None = None


class Pricing:
    """Prices the operations of one valid document."""

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
        self._schema_sizes = schema_sizes(schema)
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._of_fragment = cache(self._fragment)

    def operation(self, operation: OperationDefinitionNode) -> Price:
        """Return the price of an operation."""
        root = composite(self._schema.get_root_type(operation.operation))
        return self._selections(operation.selection_set, Parent(root))

    def _selections(self, selection_set: SelectionSetNode, parent: Parent) -> Price:
        price = Price()
        for selection in selection_set.selections:
            match selection:
                case FieldNode():
                    self._add_field(price, selection, parent)
                case FragmentSpreadNode():
                    price.add(self._of_fragment(selection.name.value, parent.page))
                case InlineFragmentNode():
                    price.add(self._inline(selection, parent))
        return price

    def _fragment(self, name: str, page: Size | None) -> Price:
        fragment = self._fragments[name]
        selected = self._type(fragment.type_condition.name.value)
        return self._selections(fragment.selection_set, Parent(selected, page))

    def _inline(self, fragment: InlineFragmentNode, parent: Parent) -> Price:
        condition = fragment.type_condition
        selected = self._type(condition.name.value) if condition else parent.type
        return self._selections(fragment.selection_set, Parent(selected, parent.page))

    def _type(self, name: str) -> GraphQLCompositeType:
        return composite(self._schema.get_type(name))

    def _add_field(self, price: Price, node: FieldNode, parent: Parent) -> None:
        name = node.name.value
        in_schema = name in SCHEMA_FIELDS or parent.type.name.startswith("__")
        definition = self._schema.get_field(parent.type, name)
        price.points += SCHEMA_FIELD_POINTS if in_schema else weight_of(definition)
        price.points += len(node.alias.value) / POINT_CHARACTERS if node.alias else 0
        if definition is None or node.selection_set is None:
            return
        selected = composite(get_named_type(definition.type))
        page = self._page_size(node, definition)
        if in_schema:
            size = Size((), self._schema_sizes.get(name, 1))
        elif is_list_type(get_nullable_type(definition.type)):
            size = page or parent.page or self._list_size(f"{parent.type.name}.{name}", definition)
            page = None
        else:
            size = Size()
        each = self._selections(node.selection_set, Parent(selected, page))
        each.points += declared_number(selected, "cost") or 0
        price.add(each, size)

    def _list_size(self, field: str, definition: GraphQLField) -> Size:
        """Return the size of a list that is no page."""
        counted = (field,) if field in self._counted_lists else ()
        return Size(counted, declared_number(definition, "listSize") or self._list_items)

    def _page_size(self, node: FieldNode, definition: GraphQLField) -> Size | None:
        """Return the size of the page that a field answers; None if it answers none."""
        pages = [argument for argument in PAGE_ARGUMENTS if argument in definition.args]
        if not pages:
            return None
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        sizes = [size_in(given.get(name)) for name in pages]
        defaults = [size_in(default_of(definition.args[name])) for name in pages]
        otherwise = next((size for size in defaults if isinstance(size, int)), DEFAULT_PAGE_ITEMS)
        return Size(tuple(size for size in sizes if size is not None), otherwise)


def composite(named: object) -> GraphQLCompositeType:
    """Return a type that has fields; a valid document selects from no other."""
    if not is_composite_type(named):
        raise TypeError(f"{named} has no fields.")
    return named


def size_in(value: ValueNode | None) -> int | str | None:
    """Return the size that a value states, or the variable that will state it."""
    match value:
        case IntValueNode():
            return int(value.value)
        case ListValueNode():
            return len(value.values)
        case VariableNode():
            return value.name.value
        case _:
            return None


def weight_of(definition: GraphQLField | None) -> float:
    """Return the points of a field by itself: its `@cost` (IBM's GraphQL Cost Directives)."""
    declared = declared_number(definition, "cost")
    return FIELD_POINTS if declared is None else declared


def declared_number(
    definition: GraphQLField | GraphQLCompositeType | None, name: str
) -> float | None:
    """Return the one argument of a directive on a field or a type; None if it does not have it."""
    directives = definition.ast_node.directives if definition and definition.ast_node else ()
    for directive in directives or ():
        if directive.name.value == name:
            [argument] = directive.arguments or ()
            return float(value_from_ast_untyped(argument.value))
    return None


def default_of(argument: GraphQLArgument) -> ValueNode | None:
    """Return the default value that the schema's text gives an argument."""
    return argument.ast_node.default_value if argument.ast_node else None


def schema_sizes(schema: GraphQLSchema) -> dict[str, float]:
    """Return the average length of each list that the schema answers about itself, by field."""
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
        "ofType": WRAPPED_TYPES,
    }
