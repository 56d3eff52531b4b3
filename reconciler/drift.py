"""Workflows whose policy in the database differs from their declaration. Pure."""

from dataclasses import dataclass

from engine.resources.resource import Kind, Snapshot
from engine.workflows.registry import Registry
from reconciler.permissions_diff import TransitionChange, last_known_policy, transition_changes


@dataclass(frozen=True, slots=True)
class Drift:
    """A workflow that the database enforces differently than it is declared.

    Attributes:
        transitions: from the declared to the enforced policy.

    """

    workflow: str
    transitions: tuple[TransitionChange, ...]

    def __str__(self) -> str:
        listed = ", ".join(
            f"{each.source} -> {each.target} is {each.effect}" for each in self.transitions
        )
        return f"{self.workflow}: the stored policy differs from the declaration: {listed}."


def find_drift(live: Snapshot, enforced: Registry) -> tuple[Drift, ...]:
    """Return the workflows whose stored policy differs from the policy of their declaration."""
    return tuple(
        Drift(key.name, transitions)
        for key, workflow in sorted(live.items())
        if key.kind is Kind.WORKFLOW
        and (
            transitions := transition_changes(
                last_known_policy(workflow), enforced.named(key.name).policy
            )
        )
    )
