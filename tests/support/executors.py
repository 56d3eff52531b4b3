"""Executors of schemas that a test declares."""

from collections.abc import Iterable

from api.graphql.executor import ExecutableSchema, GraphQLExecutor
from api.graphql.registry import Resolvers
from api.limits import GRAPHQL_LIMITS, GraphQLLimits


async def build_executor(
    sdl: str, resolvers: Iterable[Resolvers], limits: GraphQLLimits = GRAPHQL_LIMITS
) -> GraphQLExecutor:
    return await GraphQLExecutor.create(await ExecutableSchema.build(sdl, resolvers), limits)
