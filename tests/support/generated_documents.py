"""Random documents for a schema: most are valid, with all kinds of values, and fragments."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

Generated: TypeAlias = tuple[str, dict[str, Any]]

CHARACTERS = [(0x20, 0x7E), (0xA0, 0xD7FF), (0xE000, 0x10FFFF)]
"""Ranges of characters, without control characters and surrogates."""
SCALARS: dict[str, Callable[[Random], Any]] = {
    "Int": lambda random: random.randint(-3, 5),
    "Float": lambda random: random.choice([-1, 0, 3, 0.5, -1e30, 2.0]),
    "String": lambda random: "".join(character(random) for _ in range(random.randint(0, 4))),
    "Boolean": lambda random: random.choice([True, False]),
    "ID": lambda random: random.choice(["anna", "bert", "rex", "tom", "missing", 7]),
    "Day": lambda random: random.choice(["2026-04-28", "1999-12-31"]),
    "Code": lambda random: random.choice(["a", "b", "c", "d"]),
}
WRONG_VALUES = [None, "text", 2**40, 1.5, True, [1], {"a": 1}]
DESTRUCTIVE = {"missing", "failsHard"}
"""Fields whose errors remove all fields around them: with many of them, little is compared."""


def seeded(seed: int | None = None) -> Random:
    """Return a random generator; without a seed, a different one each time."""
    return Random(seed)  # noqa: S311  # nothing secret is made of it


def character(random: Random) -> str:
    return chr(random.randint(*random.choice(CHARACTERS)))


@dataclass
class Document:
    """A document that is being generated.

    Attributes:
        kind: the kind of its operation.
        defect_percent: how many of its values have a wrong type.
        absent_percent: how many of its variables have no value.

    """

    schema: GraphQLSchema
    random: Random
    kind: OperationType = OperationType.QUERY
    max_depth: int = 4
    defect_percent: int = 1
    absent_percent: int = 25
    declared: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    spread: dict[str, GraphQLNamedType] = field(default_factory=dict)
    aliases: int = 0

    def happens(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def selections(self, parent: GraphQLNamedType, depth: int) -> str:
        size = self.random.randint(1, 4)
        return "{ " + " ".join(self.selection(parent, depth) for _ in range(size)) + " }"

    def selection(self, parent: GraphQLNamedType, depth: int) -> str:
        if depth < self.max_depth and self.happens(30):
            return self.fragment(parent, depth + 1)
        fields = getattr(parent, "fields", {})
        usable = [
            name
            for name, member in fields.items()
            if (depth < self.max_depth or is_leaf_type(get_named_type(member.type)))
            and (name not in DESTRUCTIVE or self.happens(10))
        ]
        chosen = self.random.choice(["__typename", *usable])
        if chosen == "__typename":
            return f"{self.alias(chosen)}__typename{self.directives()}"
        return self.field(chosen, fields[chosen], depth)

    def field(self, name: str, member: GraphQLField, depth: int) -> str:
        arguments = [
            f"{argument}: {self.value(declared)}"
            for argument, declared in member.args.items()
            if self.happens(40) or is_required_argument(declared)
        ]
        given = f"({', '.join(arguments)})" if arguments else ""
        head = f"{self.alias(name + given)}{name}{given}{self.directives()}"
        inner = get_named_type(member.type)
        return head if is_leaf_type(inner) else f"{head} {self.selections(inner, depth + 1)}"

    def alias(self, _asked: str) -> str:
        if self.happens(20):
            return ""
        self.aliases += 1
        return f"a{self.aliases}: "

    def directives(self) -> str:
        if not self.happens(15):
            return ""
        name = self.random.choice(["skip", "include"])
        return f" @{name}(if: {self.typed_value('Boolean!', self.happens(50))})"

    def fragment(self, parent: GraphQLNamedType, depth: int) -> str:
        conditions = self.conditions(parent)
        known = [name for name, condition in self.spread.items() if condition in conditions]
        if known and self.happens(25):
            return f"...{self.random.choice(known)}{self.directives()}"
        condition = self.random.choice(conditions)
        selections = self.selections(condition, depth)
        if self.happens(40):
            return f"... on {condition.name}{self.directives()} {selections}"
        name = f"F{len(self.fragments)}"
        self.spread[name] = condition
        self.fragments.append(f"fragment {name} on {condition.name} {selections}")
        return f"...{name}{self.directives()}"

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
        if not self.happens(self.absent_percent):
            self.values[name] = without_enums(self.given(plain))
        return f"${name}"

    def given(self, plain: Any) -> Any:  # noqa: ANN401  # any JSON
        """Return the value of a variable: this one, and sometimes null or one of a wrong type."""
        if self.happens(20):
            return None
        return self.random.choice(WRONG_VALUES) if self.happens(self.defect_percent) else plain

    def plain(self, declared: GraphQLInputType, depth: int = 0) -> Any:  # noqa: ANN401
        if is_non_null_type(declared):
            return self.plain_present(declared.of_type, depth)
        return None if self.happens(15) else self.plain_present(declared, depth)

    def plain_present(self, declared: GraphQLInputType, depth: int) -> Any:  # noqa: ANN401
        if self.happens(self.defect_percent):
            return self.random.choice(WRONG_VALUES)
        if is_list_type(declared):
            size = self.random.randint(0, 2)
            return [self.plain(declared.of_type, depth) for _ in range(size)]
        if is_enum_type(declared):
            return EnumName(self.random.choice([*declared.values]))
        if is_input_object_type(declared):
            return {
                name: self.plain(member.type, depth + 1)
                for name, member in declared.fields.items()
                if self.happens(40 if depth < 2 else 10)
            }
        return SCALARS[get_named_type(declared).name](self.random)


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


def generated(document: Document) -> Generated:
    """Return the text of a document, and its variables."""
    root = document.schema.get_root_type(document.kind)
    assert root is not None
    body = document.selections(root, 0)
    declared = f"({', '.join(document.declared)})" if document.declared else ""
    return "\n".join(
        [f"{document.kind.value}{declared} {body}", *document.fragments]
    ), document.values
