"""A small schema with every kind of type, executed by Interlock and by graphql-core alone.

The resolvers are plain functions of (parent, arguments), so that both engines run the same ones.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from graphql import ExecutionResult, GraphQLResolveInfo, GraphQLSchema, execute_sync, parse

from api.graphql.executor import GraphQLExecutor
from api.graphql.registry import FieldResolver, Resolvers
from api.graphql.sdl import read_schema
from api.json_encoding import snake_case
from engine.errors import NotFound
from tests.support.executors import build_executor

SDL = '''
"""A keeper or an animal."""
interface Named { id: ID! name(loud: Boolean! = false): String }

type Keeper implements Named {
  id: ID!
  name(loud: Boolean! = false): String
  nickName: String
  bestFriend: Keeper
  friends(first: Int = 3): [Keeper!]!
  pets: [Pet]
  favourite: Pet!
  mood: Mood
  born: Day
  weight: Float
  fails: String
  failsHard: String!
  badgeNumber: Int! @deprecated(reason: "no badges")
}
type Dog implements Named {
  id: ID! name(loud: Boolean! = false): String barks: Boolean! owner: Keeper
}
type Cat implements Named { id: ID! name(loud: Boolean! = false): String lives: Int }
union Pet = Dog | Cat
enum Mood { HAPPY SAD }
scalar Day @specifiedBy(url: "https://example.org/day")
input Filter {
  text: String = "x"
  mood: Mood = HAPPY
  limits: [Int!]
  nested: Filter
  flag: Boolean! = true
  ratio: Float
  id: ID
  day: Day
}
type Query {
  echo(
    filter: Filter, filters: [Filter!], n: Int, f: Float, s: String = "d", b: Boolean, mood: Mood,
    id: ID, day: Day, grid: [[Int]], required: Int! = 7
  ): String
  keeper(id: ID! = "anna"): Keeper
  keepers(first: Int): [Keeper!]
  everyone: [Named]
  pet(id: ID!): Pet
}
extend type Query { missing: Keeper! }
type Mutation { count(by: Int! = 1): Int fail: Int }
'''


class Mood(StrEnum):
    HAPPY = "HAPPY"
    SAD = "SAD"


@dataclass(eq=False)
class Keeper:
    id: str
    called: str | None
    nick_name: str | None = None
    best_friend: "Keeper | None" = None
    friends: list["Keeper | None"] = field(default_factory=list)
    pets: list["Dog | Cat | None"] | None = None
    favourite: "Dog | Cat | None" = None
    mood: Mood | None = None
    born: date | None = None
    weight: float | None = None
    badge_number: int | None = None


@dataclass
class Dog:
    id: str
    called: str
    barks: bool
    owner: Keeper | None = None


@dataclass
class Cat:
    id: str
    called: str
    lives: int | None


class Day:
    """A date in ISO 8601 format."""

    def serialize(self, value: date) -> str:
        return value.isoformat()

    def parse(self, value: object) -> date:
        if not isinstance(value, str):
            raise ValueError('A day is text like "2026-04-28".')  # noqa: TRY004  # the contract
        return date.fromisoformat(value)


def keepers() -> dict[str, Keeper]:
    rex, tom = Dog("rex", "Rex", barks=True), Cat("tom", "Tom", lives=None)
    bert = Keeper("bert", None, pets=[rex, None, tom], favourite=tom, badge_number=7)
    anna = Keeper(
        "anna", "Anna", "An", bert, [bert], [tom], rex, Mood.SAD, date(1999, 12, 31), 61.5, 1
    )
    carl = Keeper("carl", "Carl", friends=[anna, None, bert])
    bert.friends = [anna, carl]
    bert.best_friend = carl
    rex.owner = bert
    return {keeper.id: keeper for keeper in (anna, bert, carl)}


KEEPERS = keepers()
PETS: dict[str, Dog | Cat] = {
    pet.id: pet for keeper in KEEPERS.values() for pet in keeper.pets or () if pet
}

Resolve = Callable[[Any, Mapping[str, Any]], object]


def echo(_parent: object, arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, default=str)


def name(parent: Any, arguments: Mapping[str, Any]) -> str | None:  # noqa: ANN401  # one of three classes
    called: str | None = parent.called
    return called.upper() if called and arguments["loud"] else called


def friends(parent: Keeper, arguments: Mapping[str, Any]) -> list[Keeper | None]:
    return parent.friends[: arguments["first"]]


def fails(_parent: object, _arguments: object) -> str:
    raise NotFound("It is not here.", looked_in="every_place")


def fails_hard(_parent: object, _arguments: object) -> str:
    raise ValueError("a secret")


RESOLVERS: dict[str, Resolve] = {
    "Query.echo": echo,
    "Query.keeper": lambda _parent, arguments: KEEPERS.get(arguments["id"]),
    "Query.keepers": lambda _parent, arguments: [*KEEPERS.values()][: arguments.get("first")],
    "Query.everyone": lambda _parent, _arguments: [*KEEPERS.values(), None, *PETS.values()],
    "Query.pet": lambda _parent, arguments: PETS.get(arguments["id"]),
    "Query.missing": lambda _parent, _arguments: None,
    "Keeper.name": name,
    "Dog.name": name,
    "Cat.name": name,
    "Keeper.friends": friends,
    "Keeper.fails": fails,
    "Keeper.failsHard": fails_hard,
    "Mutation.count": lambda _parent, arguments: arguments["by"],
    "Mutation.fail": fails,
}


def asynchronous(resolve: Resolve) -> FieldResolver:
    async def resolver(
        parent: object, arguments: Mapping[str, Any], _context: object, _info: object
    ) -> object:
        return resolve(parent, arguments)

    return resolver


def resolvers() -> Resolvers:
    collected = Resolvers()
    for field_name, resolve in RESOLVERS.items():
        collected.field(field_name)(asynchronous(resolve))
    collected.scalar("Day", Day())
    return collected


async def executor() -> GraphQLExecutor:
    return await build_executor(SDL, [resolvers()])


def reference_schema() -> GraphQLSchema:
    return read_schema(SDL, resolvers())


def reference_field(parent: object, info: GraphQLResolveInfo[None], **arguments: object) -> object:
    resolve = RESOLVERS.get(f"{info.parent_type.name}.{info.field_name}")
    if resolve is not None:
        return resolve(parent, arguments)
    return getattr(parent, snake_case(info.field_name))


def reference(schema: GraphQLSchema, text: str, variables: Mapping[str, object]) -> ExecutionResult:
    """Execute a document with graphql-core only."""
    return execute_sync(
        schema,
        parse(text),
        variable_values=dict(variables),
        field_resolver=reference_field,
        type_resolver=lambda value, *_: type(value).__name__,
    )
