"""Resolvers of workflows."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.storage.resources.workflows import DeclarationLocation
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import transitions_of
from engine.workflows.rendering import GraphFormat, render

resolvers: Final = Resolvers()


class _WorkflowArguments(TypedDict):
    name: str


class _GraphArguments(TypedDict):
    format: str


@resolvers.field("Query.workflow")
async def workflow(
    _parent: object, arguments: _WorkflowArguments, context: RequestContext, _info: object
) -> CompiledWorkflow:
    """Return the workflow with a name."""
    return await context.workflows.named(arguments["name"])


@resolvers.field("Query.workflows")
async def workflows(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> list[CompiledWorkflow]:
    """Return all workflows, including retired ones."""
    return list(context.workflows.registry.workflows.values())


@resolvers.field("Workflow.transitions")
async def transitions(
    compiled: CompiledWorkflow, _arguments: object, _context: RequestContext, _info: object
) -> list[dict[str, str]]:
    """Return the transitions of a workflow."""
    return [
        {"from": source, "to": target, "role": role.name}
        for source, target, role in transitions_of(compiled.policy)
    ]


@resolvers.field("Workflow.declaredAt")
async def declared_at(
    compiled: CompiledWorkflow, _arguments: object, context: RequestContext, _info: object
) -> DeclarationLocation | None:
    """Return where a workflow is declared."""
    return context.workflows.enforced.locations.get(compiled.name)


@resolvers.field("Workflow.graph")
async def graph(
    compiled: CompiledWorkflow, arguments: _GraphArguments, _context: RequestContext, _info: object
) -> str:
    """Return a diagram of a workflow."""
    return render(compiled, GraphFormat[arguments["format"]])
