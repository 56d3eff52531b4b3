"""Tartiflette, configured: it executes trees, and never sees a text of a client.

Its parser is C code that a document of 45 KB can crash, and its validation has gaps. So it is
entered behind both: with a tree of its own nodes that was made of a valid document, and with
variables that are coerced.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple

from graphql import GraphQLSchema
from tartiflette import Resolver, Scalar, create_engine
from tartiflette.constants import UNDEFINED_VALUE
from tartiflette.language.ast import BooleanValueNode, FloatValueNode, IntValueNode, StringValueNode
from tartiflette.resolver.default import sync_arguments_coercer
from tartiflette.schema.registry import SchemaRegistry
from tartiflette.types.exceptions.tartiflette import TartifletteError

from api.graphql.errors import coerce_error
from api.graphql.registry import CustomScalar, Resolvers
from api.graphql.sdl import tartiflette_sdl
from api.graphql.tartiflette.ast import TartifletteNode
from api.graphql.tartiflette.attributes import attribute
from api.graphql.tartiflette.compiled_selections import (
    Executable,
    Execution,
    compile_selections_of,
    execute,
)
from api.json_encoding import Json, JsonObject
from engine.errors import InvalidInput, Misconfigured

ENGINE_NUMBERS: Final = count(1)


class Answer(NamedTuple):
    """What an operation, or a part of it, was answered."""

    data: JsonObject | None
    errors: list[Json]


class Engine:
    """An engine for one schema. Made by `make_engine`."""

    def __init__(self, schema: TartifletteNode) -> None:
        self._schema = schema

    async def execute(
        self,
        executable: Executable,
        context: object,
        variables: Mapping[str, object],
        root: object = None,
    ) -> Answer:
        """Execute an operation with coerced variables; `root` is the parent of its fields."""
        execution = Execution.of(self._schema, executable, context, variables, root)
        data = await execute(execution)
        return Answer(data, await errors_told(execution.errors) if execution.errors else [])


async def errors_told(errors: Iterable[TartifletteError]) -> list[Json]:
    """Return errors as clients are told of them."""
    return [await coerce_error(error, error.coerce_value()) for error in errors]


async def make_engine(schema: GraphQLSchema, resolvers: Resolvers) -> Engine:
    """Return an engine for the schema; Misconfigured if the resolvers don't fit it."""
    baked = await bake(schema, resolvers)
    compile_selections_of(baked)
    return Engine(baked)


async def bake(schema: GraphQLSchema, resolvers: Resolvers) -> TartifletteNode:
    """Return Tartiflette's schema, ready to execute; Misconfigured if the resolvers don't fit it.

    Fields and lists are answered in turn: a task for each costs more than it gains, and keeps
    loaders from batching.
    """
    require_root_resolvers(schema, resolvers)
    schema_name = f"interlock-{next(ENGINE_NUMBERS)}"  # the registry is one for the process
    try:
        register(resolvers, schema_name)
        await create_engine(
            tartiflette_sdl(schema),
            schema_name=schema_name,
            custom_default_resolver=resolve_attribute,
            custom_default_arguments_coercer=coerce_arguments,
            coerce_list_concurrently=False,
            coerce_parent_concurrently=False,
        )
        return SchemaRegistry.find_schema(schema_name)
    except TartifletteError as error:
        raise Misconfigured(f"The resolvers don't fit the GraphQL schema. {error}") from error
    finally:
        # It is only asked while a schema is made, and would keep it as long as the process runs.
        SchemaRegistry._schemas.pop(schema_name, None)  # noqa: SLF001


def require_root_resolvers(schema: GraphQLSchema, resolvers: Resolvers) -> None:
    """Refuse a root field without a resolver, or a subscription without a source of events."""
    roots = filter(None, (schema.query_type, schema.mutation_type, schema.subscription_type))
    wanted = {f"{root.name}.{field}" for root in roots for field in root.fields}
    events = {name for name in wanted if name.startswith("Subscription.")}
    missing = sorted((wanted - resolvers.fields.keys()) | (events - resolvers.sources.keys()))
    if missing:
        raise Misconfigured(f"These fields need a resolver: {', '.join(missing)}.")


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
    """Answer a field that has no resolver of its own."""
    return attribute(parent, info.field_name)
