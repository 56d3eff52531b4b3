"""Interlock's own schema: its text and its resolvers."""

from importlib.resources import files
from typing import Final

from api.graphql import mutations, people, reconciliation, scalars, tickets, workflows
from api.graphql.executor import GraphQLExecutor

RESOLVERS: Final = tuple(
    module.resolvers for module in (scalars, people, workflows, tickets, mutations, reconciliation)
)


def schema_text() -> str:
    """Return the schema in GraphQL's own language."""
    folder = files("api.graphql.schema")
    parts = sorted(each.name for each in folder.iterdir() if each.name.endswith(".graphql"))
    return "\n".join((folder / name).read_text("utf-8") for name in parts)


async def interlock_executor() -> GraphQLExecutor:
    """Return the executor of Interlock's schema."""
    return await GraphQLExecutor.create(schema_text(), RESOLVERS)
