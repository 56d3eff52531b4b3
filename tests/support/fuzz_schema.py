"""A schema for generated documents, and random data that sometimes does not match the schema.

A field of a parent can be null, of the wrong type, an exception, or missing. Resolvers suspend,
raise errors, and record their calls.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from zlib import crc32

from graphql import (
    GraphQLOutputType,
    GraphQLSchema,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_scalar_type,
)
from tartiflette.constants import UNDEFINED_VALUE
from tartiflette.types.exceptions.tartiflette import TartifletteError

from api.graphql.registry import Resolvers
from api.graphql.tartiflette.attributes import attribute
from api.json_encoding import snake_case
from engine.errors import NotFound

SDL = """
interface Thing { id: ID! name: String next: Thing near: Thing! }
type Room implements Thing {
  id: ID! name: String next: Thing near: Thing!
  size: Int! height: Int weight: Float isOpen: Boolean! isDark: Boolean
  light: Light! lights: [Light!] code: Code codes: [Code]! key: Code!
  grid: [[Int!]]! shape: [[String]!]
  window: Window firstWindow: Window! windows: [Window!]!
  walls: [Window] halls: [[Room]!] parent: Room
  note(loud: Boolean! = false, times: Int): String
  echo(
    sign: Sign, signs: [Sign!] = [{text: "s"}], must: Code!, code: Code = "d", codes: [[Code]],
    light: Light, lights: [Light!]! = [ON], often: Int! = 7, times: Int
  ): String
  slow: String! slowRoom: Room slowWindows: [Window!]! windowsAtOnce: [Window!] roomsAtOnce: [Room]!
  exit: Exit exits: [Exit!]
}
type Window implements Thing {
  id: ID! name: String next: Thing near: Thing!
  from: String to: Room class: Int! isLocked: Boolean! light: Light! code: Code
  room: Room! slowRoom: Room slow: String!
}
union Exit = Room | Window
enum Light { ON OFF DIM }
input Sign {
  text: String = "x" light: Light = DIM codes: [Code!] inner: Sign loud: Boolean! = true
}
scalar Code
type Query {
  room: Room window: Window! rooms(first: Int): [Room!]
  windows: [Window]! exits: [Exit] things: [Thing]!
  roomsAtOnce: [Room!] slow: String slowWindows: [Window!]!
  echo(
    sign: Sign, signs: [Sign!] = [{text: "s"}], must: Code!, code: Code = "d", codes: [[Code]],
    light: Light, lights: [Light!]! = [ON], often: Int! = 7, times: Int
  ): String
}
type Mutation { open(window: ID): Window shut: Window! }
"""
RESOLVED = [
    *("Query.room", "Query.window", "Query.rooms", "Query.windows", "Query.exits", "Query.things"),
    *("Query.roomsAtOnce", "Query.slow", "Query.slowWindows", "Mutation.open", "Mutation.shut"),
    *("Query.echo", "Room.echo"),
    *("Room.note", "Room.slow", "Room.slowRoom", "Room.slowWindows", "Room.windowsAtOnce"),
    *("Room.roomsAtOnce", "Window.slow", "Window.slowRoom"),
]
SIZE = 12
"""The number of objects of each type."""


class Light(StrEnum):
    ON = "ON"
    OFF = "OFF"
    DIM = "DIM"


class Code:
    """A scalar that fails in every possible way."""

    def serialize(self, value: int) -> Any:  # noqa: ANN401  # also values that are not JSON
        match value:
            case 0:
                return None
            case 13:
                return UNDEFINED_VALUE
            case _ if value < 0:
                raise ValueError(f"{value} is not a code")
        return f"c{value}"

    def parse(self, value: object) -> object:
        return value


class Thing:
    """An object. Reading a missing attribute raises an error that is not an AttributeError."""

    def __init__(self, typename: str, **fields: object) -> None:
        self._typename = typename
        for name, value in fields.items():
            setattr(self, snake_case(name), value)

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"{name} is missing")

    def __repr__(self) -> str:
        return "a thing"


@dataclass
class Context:
    """The context of an execution: the parent of the root fields, and the calls of resolvers."""

    start: Any
    calls: list[tuple[str, object, str]] = field(default_factory=list)


def random_data(schema: GraphQLSchema, random: Random) -> Any:  # noqa: ANN401  # any mapping
    """Return the parent of the root fields. The objects below it can contain each other."""
    builder = Builder(schema, random)
    for name in ("Room", "Window"):
        for thing in builder.things[name]:
            builder.add_fields(name, thing)
    start: dict[str, Any] = {}
    for root in filter(None, (schema.query_type, schema.mutation_type)):
        start |= {name: builder.value(member.type) for name, member in root.fields.items()}
    return start


class Builder:
    """Creates all objects, and then their fields."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self.schema = schema
        self.random = random
        self.things = {name: [self.bare(name) for _ in range(SIZE)] for name in ("Room", "Window")}

    def bare(self, name: str) -> Any:  # noqa: ANN401  # a mapping or an object
        return {"_typename": name} if self.random.random() < 0.4 else Thing(name)

    def add_fields(self, name: str, thing: Any) -> None:  # noqa: ANN401
        kind = self.schema.type_map[name]
        assert is_object_type(kind)
        for field_name, member in kind.fields.items():
            if self.random.random() < 0.005:
                continue  # the field is missing
            value = self.value(member.type)
            if isinstance(thing, dict):
                thing[field_name] = value
            else:
                setattr(thing, snake_case(field_name), value)

    def value(self, kind: GraphQLOutputType) -> Any:  # noqa: ANN401
        chance = self.random.random()
        if chance < 0.01:
            return self.wrong()
        if is_non_null_type(kind):
            return None if chance < 0.015 else self.present(kind.of_type)
        return None if chance < 0.1 else self.present(kind)

    def present(self, kind: Any) -> Any:  # noqa: ANN401
        choose = self.random.choice
        if is_list_type(kind):
            return [self.value(kind.of_type) for _ in range(self.random.randint(0, 3))]
        if is_scalar_type(kind):
            return choose(SCALARS[kind.name])
        if is_enum_type(kind):
            return choose([*Light, "ON", "OFF"])
        named = [kind] if is_object_type(kind) else self.schema.get_possible_types(kind)
        return choose(self.things[choose(named).name])

    def wrong(self) -> Any:  # noqa: ANN401
        return self.random.choice(WRONG)()


SCALARS: dict[str, list[object]] = {
    "ID": ["a", "b", 7],
    "String": ["text", "é", "", "text"],
    "Int": [*range(10), 2**31 - 1, 2**31],
    "Float": [1, 0.5, -2.0],
    "Boolean": [True, False],
    "Code": [1, 2, 3, 4, 5, 6, 7, 8, 0, -1, 13],
}
WRONG: list[Callable[[], object]] = [
    *(lambda: ValueError("stored"), lambda: NotFound("stored, too"), dict, tuple),
    *(lambda: "ON", lambda: "7", lambda: [[]], lambda: 2**31, lambda: math.nan, lambda: True),
    *(lambda: 1.0, lambda: 1.5, lambda: {"id": "c"}, lambda: b"bytes", lambda: UNDEFINED_VALUE),
    *(lambda: Thing("Room", id="d"), lambda: Thing("Nowhere"), lambda: TartifletteError("refused")),
]


async def resolve(
    parent: Any,  # noqa: ANN401  # of any kind
    arguments: Mapping[str, Any],
    context: Context,
    info: Any,  # noqa: ANN401  # Tartiflette has no types
) -> object:
    """Return the value of the parent's field after some turns of the event loop, or fail."""
    path = info.path.as_list()
    context.calls.append((str(path), dict(arguments), info.field_name))
    parent = context.start if parent is None else parent
    fate = crc32(str(path).encode()) % 48
    for _ in range(fate % 4):
        await asyncio.sleep(0)
    if fate == 7:
        raise NotFound("It is not here.", path=path)
    if fate == 11:
        raise TartifletteError("refused", extensions={"fate": fate})
    return attribute(parent, info.field_name)


def resolvers() -> Resolvers:
    collected = Resolvers()
    for name in RESOLVED:
        collected.field(name, concurrently=name.endswith("AtOnce"))(resolve)
    collected.scalar("Code", Code())
    return collected
