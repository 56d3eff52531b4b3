"""Tartiflette, configured: it executes trees, and never gets the text of a client.

Its parser is C code that a document of 45 KB can crash, and its validation has gaps. So it gets a
tree of its own nodes, made from a valid document, and coerced variables.
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
    ExecutableOperation,
    Execution,
    execute,
    use_compiled_selections,
)
from api.json_encoding import Json, JsonObject
from engine.errors import InvalidInput, Misconfigured

_ENGINE_NUMBERS: Final = count(1)
_LITERALS: Final[Mapping[type[TartifletteNode], Callable[[Any], object]]] = {
    BooleanValueNode: bool,
    FloatValueNode: float,
    IntValueNode: int,
    StringValueNode: str,
}
"""The inline literals that a scalar accepts, and how each is read."""


class ExecutionResult(NamedTuple):
    """The result of an operation, or of a part of it."""

    data: JsonObject | None
    errors: list[Json]

    @property
    def body(self) -> JsonObject:
        """The result as the client gets it: without `errors` if there are no errors."""
        data, errors = self
        return {"data": data, "errors": errors} if errors else {"data": data}


class Engine:
    """An engine for one schema, built by `build_engine`."""

    def __init__(self, schema: TartifletteNode) -> None:
        self._schema = schema

    async def execute(
        self,
        executable: ExecutableOperation,
        context: object,
        variables: Mapping[str, object],
        root: object = None,
    ) -> ExecutionResult:
        """Execute an operation with coerced variables; `root` is the parent of its fields."""
        execution = Execution.of(self._schema, executable, context, variables, root)
        data = await execute(execution)
        return ExecutionResult(data, await _format(execution.errors) if execution.errors else [])


async def _format(errors: Iterable[TartifletteError]) -> list[Json]:
    return [await coerce_error(error, error.coerce_value()) for error in errors]


async def build_engine(schema: GraphQLSchema, resolvers: Resolvers) -> Engine:
    """Return an engine for a schema.

    Raises:
        Misconfigured: the resolvers do not fit the schema.

    """
    baked = await bake(schema, resolvers)
    use_compiled_selections(baked)
    return Engine(baked)


async def bake(schema: GraphQLSchema, resolvers: Resolvers) -> TartifletteNode:
    """Return Tartiflette's schema, ready to execute.

    Fields and lists are answered sequentially: a task for each costs more than it gains, and
    prevents loaders from batching.

    Raises:
        Misconfigured: the resolvers do not fit the schema.

    """
    _require_root_resolvers(schema, resolvers)
    schema_name = f"interlock-{next(_ENGINE_NUMBERS)}"  # Tartiflette's registry is global
    try:
        _register(resolvers, schema_name)
        await create_engine(
            tartiflette_sdl(schema),
            schema_name=schema_name,
            custom_default_resolver=_resolve_attribute,
            custom_default_arguments_coercer=_coerce_arguments,
            coerce_list_concurrently=False,
            coerce_parent_concurrently=False,
        )
        return SchemaRegistry.find_schema(schema_name)
    except TartifletteError as error:
        raise Misconfigured(f"The resolvers don't fit the GraphQL schema. {error}") from error
    finally:
        # Only needed while a schema is built; the registry would keep it for ever.
        SchemaRegistry._schemas.pop(schema_name, None)  # noqa: SLF001


def _require_root_resolvers(schema: GraphQLSchema, resolvers: Resolvers) -> None:
    """Check that each root field has a resolver, and each subscription an event source."""
    roots = filter(None, (schema.query_type, schema.mutation_type, schema.subscription_type))
    fields = {f"{root.name}.{field}" for root in roots for field in root.fields}
    subscriptions = {name for name in fields if name.startswith("Subscription.")}
    missing = (fields - resolvers.fields.keys()) | (subscriptions - resolvers.sources.keys())
    if missing:
        raise Misconfigured(f"These fields need a resolver: {', '.join(sorted(missing))}.")


def _register(resolvers: Resolvers, schema_name: str) -> None:
    """Register resolvers and scalars for the engine with this name."""
    for name, field in resolvers.fields.items():
        Resolver(
            name,
            schema_name=schema_name,
            list_concurrently=field.concurrently,
            parent_concurrently=False,
        )(field.resolve)
    for name, scalar in resolvers.scalars.items():
        Scalar(name, schema_name=schema_name)(_TartifletteScalar(scalar))


class _TartifletteScalar:
    """Adapts a scalar to Tartiflette's interface."""

    def __init__(self, scalar: CustomScalar) -> None:
        self.coerce_output = scalar.serialize
        self.coerce_input = scalar.parse

    def parse_literal(self, node: TartifletteNode) -> object:
        """Return the value of an inline literal."""
        read = _LITERALS.get(type(node))
        return self.coerce_input(read(node.value)) if read else UNDEFINED_VALUE


async def _coerce_arguments(*arguments: Awaitable[Any]) -> list[object]:
    """Coerce the arguments of a field sequentially; an error is an InvalidInput of the client."""
    results = await sync_arguments_coercer(*arguments)  # type: ignore[arg-type]  # declared as one list
    return [_with_invalid_input(result) for result in results]


def _with_invalid_input(result: object) -> object:
    """Return a coerced argument, or InvalidInput for its first error."""
    errors: Iterable[TartifletteError] = getattr(result, "errors", None) or ()
    return next((InvalidInput(error.message) for error in errors), result)


async def _resolve_attribute(
    parent: object, _arguments: object, _context: object, info: TartifletteNode
) -> object:
    """Resolve a field without a resolver."""
    return attribute(parent, info.field_name)
