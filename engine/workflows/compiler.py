"""Compiles declared workflows."""

from dataclasses import dataclass

from engine.declaration.models import Workflow
from engine.workflows.policy import Policy, policy_of


@dataclass(frozen=True, slots=True)
class CompiledWorkflow:
    """A workflow in the form that is evaluated.

    Attributes:
        name: unique in a registry.
        retired: whether it is no longer declared. Its tickets keep their status.

    """

    name: str
    display_name: str
    policy: Policy
    retired: bool = False


def compile_workflow(declared: Workflow) -> CompiledWorkflow:
    """Compile a valid declaration."""
    return CompiledWorkflow(
        name=declared.name,
        display_name=declared.display_name or declared.name,
        policy=policy_of((each.source, each.target, each.role) for each in declared.transitions),
    )
