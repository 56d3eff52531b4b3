"""Declaration -> compiled workflow."""

from dataclasses import dataclass

from engine.declaration.models import Workflow
from engine.workflows.policy import Policy, policy_of


@dataclass(frozen=True, slots=True)
class CompiledWorkflow:
    """A workflow ready to be asked.

    Attributes:
        name: unique in a registry.
        display_name: for people.
        policy: who may move a ticket from where to where (see `policy`).
        retired: no longer declared; its tickets show their last known transitions and make none.

    """

    name: str
    display_name: str
    policy: Policy
    retired: bool = False


def compile_workflow(declared: Workflow) -> CompiledWorkflow:
    """Return the compiled form of a valid declaration."""
    return CompiledWorkflow(
        name=declared.name,
        display_name=declared.display_name or declared.name,
        policy=policy_of((move.source, move.target, move.role) for move in declared.transitions),
    )
