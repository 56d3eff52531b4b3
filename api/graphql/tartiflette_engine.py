"""Tartiflette, configured: it executes trees, and never sees a text of a client.

Its parser is C code that a document of 45 KB can crash, and its validation has gaps. What stands
in their place is the public `query_cache_decorator`: the "query" that it is given is already a tree
of its own nodes, so there is nothing left to parse or to validate.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Final

from graphql import GraphQLSchema
from tartiflette import Engine as TartifletteEngine
from tartiflette import Resolver, Scalar, create_engine
from tartiflette.constants import UNDEFINED_VALUE
from tartiflette.language.ast import BooleanValueNode, FloatValueNode, IntValueNode, StringValueNode
from tartiflette.resolver.default import sync_arguments_coercer
from tartiflette.types.exceptions.tartiflette import TartifletteError

from api.facts import Json, JsonObject
from api.graphql.conversion import TartifletteNode
from api.graphql.errors import coerce_error
from api.graphql.resolvers import CustomScalar, Resolvers
from api.graphql.sdl import tartiflette_sdl
from engine.errors import InvalidInput, Misconfigured

ENGINE_NUMBERS: Final = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation, or a part of it, was answered."""

    data: JsonObject | None
    errors: list[Json]


class Engine:
    """An engine for one schema. Made by `make_engine`."""

    def __init__(self, engine: TartifletteEngine) -> None:
        self._engine = engine

    async def execute(
        self,
        tree: TartifletteNode,
        operation_name: str | None,
        context: object,
        variables: Mapping[str, object],
        root: object = None,
    ) -> Answer:
        """Execute an operation of a valid tree; `root` is the parent of its fields."""
        result = await self._engine.execute(tree, operation_name, context, dict(variables), root)
        return Answer(result["data"], result.get("errors", []))


async def make_engine(schema: GraphQLSchema, resolvers: Resolvers) -> Engine:
    """Return an engine for the schema; Misconfigured if the resolvers don't fit it.

    Fields and lists are answered in turn: a task for each costs more than it gains, and keeps
    loaders from batching.
    """
    require_root_resolvers(schema, resolvers)
    schema_name = f"interlock-{next(ENGINE_NUMBERS)}"  # the registry is one for the process
    register(resolvers, schema_name)
    try:
        engine = await create_engine(
            tartiflette_sdl(schema),
            schema_name=schema_name,
            error_coercer=coerce_error,  # type: ignore[arg-type]  # declared as if it were not async
            custom_default_resolver=resolve_attribute,
            query_cache_decorator=trees_only,
            custom_default_arguments_coercer=coerce_arguments,
            coerce_list_concurrently=False,
            coerce_parent_concurrently=False,
        )
    except TartifletteError as error:
        raise Misconfigured(f"The resolvers don't fit the GraphQL schema. {error}") from error
    return Engine(engine)


def require_root_resolvers(schema: GraphQLSchema, resolvers: Resolvers) -> None:
    """Refuse a root field without a resolver, or a subscription without a source of events."""
    roots = filter(None, (schema.query_type, schema.mutation_type, schema.subscription_type))
    wanted = {f"{root.name}.{field}" for root in roots for field in root.fields}
    events = {name for name in wanted if name.startswith("Subscription.")}
    missing = sorted((wanted - resolvers.fields.keys()) | (events - resolvers.sources.keys()))
    if missing:
        raise Misconfigured(f"These fields need a resolver: {', '.join(missing)}.")


def trees_only(_parse: Callable[..., object]) -> Callable[..., tuple[TartifletteNode, None]]:
    """Replace Tartiflette's parser and validation: its query is a tree, and valid."""
    return lambda tree, _schema: (tree, None)


def register(resolvers: Resolvers, schema_name: str) -> None:
    """Hand resolvers and scalars to the engine that will be made under that name."""
    for name, field in resolvers.fields.items():
        Resolver(
            name,
            schema_name=schema_name,
            list_concurrently=field.concurrently,
            parent_concurrently=False,
        )(field.resolve)
    for name, scalar in resolvers.scalars.items():
        Scalar(name, schema_name=schema_name)(TartifletteScalar(scalar))


class TartifletteScalar:
    """A scalar as Tartiflette calls it."""

    def __init__(self, scalar: CustomScalar) -> None:
        self.coerce_output = scalar.serialize
        self.coerce_input = scalar.parse

    def parse_literal(self, node: TartifletteNode) -> object:
        """Return the value of an inline literal."""
        read = LITERALS.get(type(node))
        return self.coerce_input(read(node.value)) if read else UNDEFINED_VALUE


LITERALS: Final[Mapping[type[TartifletteNode], Callable[[Any], object]]] = {
    BooleanValueNode: bool,
    FloatValueNode: float,
    IntValueNode: int,
    StringValueNode: str,
}
"""The inline literals that a scalar takes, and how each is read."""


async def coerce_arguments(*arguments: Awaitable[Any]) -> list[object]:
    """Coerce the arguments of a field in turn; an error is one of the client's input."""
    results = await sync_arguments_coercer(*arguments)  # type: ignore[arg-type]  # declared as one list
    return [as_invalid_input(result) for result in results]


def as_invalid_input(result: object) -> object:
    """Return what was coerced, or the refusal of it in our own words' class."""
    errors: Iterable[TartifletteError] = getattr(result, "errors", None) or ()
    return next((InvalidInput(error.message) for error in errors), result)


async def resolve_attribute(
    parent: object, _arguments: object, _context: object, info: TartifletteNode
) -> object:
    """Answer a field that has no resolver of its own.

    A mapping is read by the name of the field, an object by the attribute of that name in
    snake_case. What is not there is a fault (KeyError, AttributeError), never a silent null.
    """
    name: str = info.field_name
    return parent[name] if isinstance(parent, Mapping) else getattr(parent, snake_case(name))


@cache
def snake_case(name: str) -> str:
    """Return the camelCase name of a field of the schema as Python writes it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"_{match[1].lower()}", name)
