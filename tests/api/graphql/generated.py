"""Documents made from a schema: mostly valid, with values of all kinds, variables and fragments."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Generated: TypeAlias = tuple[str, dict[str, Any]]

MAX_DEPTH = 4
INTEGERS = st.integers(-3, 5)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "Int": INTEGERS,
    "Float": st.one_of(INTEGERS, st.sampled_from([0.5, -1e30, 2.0])),
    "String": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
    "Boolean": st.booleans(),
    "ID": st.sampled_from(["anna", "bert", "rex", "tom", "nobody", 7]),
    "Day": st.sampled_from(["2026-04-28", "1999-12-31"]),
}
WRONG_VALUES = st.sampled_from([None, "text", 2**40, 1.5, True, [1], {"a": 1}])
DEFECT_PERCENT = 1
RUINOUS = {"missing", "failsHard"}
"""Fields that remove all around them; with too many of them nothing is left to compare."""


@dataclass
class Document:
    """A document while it is drawn."""

    schema: GraphQLSchema
    draw: Draw
    declared: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def happens(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def selections(self, parent: GraphQLNamedType, depth: int) -> str:
        size = self.draw(st.integers(1, 4))
        return "{ " + " ".join(self.selection(parent, depth) for _ in range(size)) + " }"

    def selection(self, parent: GraphQLNamedType, depth: int) -> str:
        if depth < MAX_DEPTH and self.happens(30):
            return self.fragment(parent, depth + 1)
        fields = getattr(parent, "fields", {})
        usable = [
            name
            for name, member in fields.items()
            if (depth < MAX_DEPTH or is_leaf_type(get_named_type(member.type)))
            and (name not in RUINOUS or self.happens(10))
        ]
        chosen = self.draw(st.sampled_from(["__typename", *usable]))
        if chosen == "__typename":
            return f"{self.alias()}__typename{self.directives()}"
        return self.field(chosen, fields[chosen], depth)

    def field(self, name: str, member: GraphQLField, depth: int) -> str:
        arguments = [
            f"{argument}: {self.value(declared)}"
            for argument, declared in member.args.items()
            if self.happens(40)
        ]
        head = f"{self.alias()}{name}"
        if arguments:
            head += f"({', '.join(arguments)})"
        head += self.directives()
        inner = get_named_type(member.type)
        return head if is_leaf_type(inner) else f"{head} {self.selections(inner, depth + 1)}"

    def alias(self) -> str:
        if self.happens(20):
            return ""
        self.aliases += 1
        return f"a{self.aliases}: "

    def directives(self) -> str:
        if not self.happens(15):
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        return f" @{name}(if: {self.typed_value('Boolean!', self.draw(st.booleans()))})"

    def fragment(self, parent: GraphQLNamedType, depth: int) -> str:
        condition = self.draw(st.sampled_from(self.conditions(parent)))
        selections = self.selections(condition, depth)
        if self.happens(40):
            return f"... on {condition.name}{self.directives()} {selections}"
        self.fragments.append(f"fragment F{len(self.fragments)} on {condition.name} {selections}")
        return f"...F{len(self.fragments) - 1}{self.directives()}"

    def conditions(self, parent: GraphQLNamedType) -> list[GraphQLNamedType]:
        if is_abstract_type(parent):
            return [parent, *self.schema.get_possible_types(parent)]
        return [parent, *getattr(parent, "interfaces", ())]

    def value(self, declared: GraphQLArgument) -> str:
        return self.typed_value(str(declared.type), self.plain(declared.type))

    def typed_value(self, type_text: str, plain: Any) -> str:  # noqa: ANN401  # any JSON
        if not self.happens(40):
            return literal(plain)
        return self.variable(type_text, plain)

    def variable(self, type_text: str, plain: Any) -> str:  # noqa: ANN401  # any JSON
        name = f"v{len(self.declared)}"
        with_default = plain is not None and self.happens(30)
        default = f" = {literal(plain)}" if with_default else ""
        if with_default and self.happens(50):
            type_text = type_text.removesuffix("!")
        self.declared.append(f"${name}: {type_text}{default}")
        if not self.happens(25):
            given = (
                None
                if self.happens(10)
                else self.draw(WRONG_VALUES)
                if self.happens(DEFECT_PERCENT)
                else plain
            )
            self.values[name] = without_enums(given)
        return f"${name}"

    def plain(self, declared: GraphQLInputType, depth: int = 0) -> Any:  # noqa: ANN401
        if is_non_null_type(declared):
            return self.plain_present(declared.of_type, depth)
        return None if self.happens(15) else self.plain_present(declared, depth)

    def plain_present(self, declared: GraphQLInputType, depth: int) -> Any:  # noqa: ANN401
        if self.happens(DEFECT_PERCENT):
            return self.draw(WRONG_VALUES)
        if is_list_type(declared):
            size = self.draw(st.integers(0, 2))
            return [self.plain(declared.of_type, depth) for _ in range(size)]
        if is_enum_type(declared):
            return EnumName(self.draw(st.sampled_from([*declared.values])))
        if is_input_object_type(declared):
            return {
                name: self.plain(member.type, depth + 1)
                for name, member in declared.fields.items()
                if self.happens(40 if depth < 2 else 10)
            }
        return self.draw(SCALARS[get_named_type(declared).name])


class EnumName(str):
    """A value that a literal writes without quotes."""

    __slots__ = ()


def literal(value: Any) -> str:  # noqa: ANN401  # any JSON
    match value:
        case EnumName():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case _:
            return json.dumps(value)


def without_enums(value: Any) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(json.dumps(value))


@st.composite
def documents(draw: Draw, schema: GraphQLSchema) -> Generated:
    """Return a document and its variables."""
    document = Document(schema, draw)
    root = schema.query_type
    assert root is not None
    body = document.selections(root, 0)
    declared = f"({', '.join(document.declared)})" if document.declared else ""
    return "\n".join([f"query{declared} {body}", *document.fragments]), document.values
