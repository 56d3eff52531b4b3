"""Executors of schemas that a test declares."""

from collections.abc import Iterable

from api.graphql.executor import ExecutableSchema, GraphQLExecutor
from api.graphql.registry import Resolvers
from api.limits import GRAPHQL_LIMITS, HTTP_LIMITS, GraphQLLimits


async def build_executor(
    sdl: str,
    resolvers: Iterable[Resolvers],
    limits: GraphQLLimits = GRAPHQL_LIMITS,
    operation_seconds: float = HTTP_LIMITS.request_seconds,
) -> GraphQLExecutor:
    schema = await ExecutableSchema.build(sdl, resolvers)
    return await GraphQLExecutor.create(schema, limits, operation_seconds=operation_seconds)
