"""Does the database enforce what it says is declared? Pure."""

from dataclasses import dataclass

from engine.resources.resource import Kind, Snapshot
from engine.workflows.registry import Registry
from reconciler.permissions_diff import TransitionChange, last_known_policy, transition_changes


@dataclass(frozen=True, slots=True)
class Corruption:
    """A workflow that is enforced otherwise than it is declared."""

    workflow: str
    transitions: tuple[TransitionChange, ...]

    def __str__(self) -> str:
        listed = ", ".join(
            f"{each.source} -> {each.target} is {each.effect}" for each in self.transitions
        )
        return f"{self.workflow}: the stored policy is not what its declaration says: {listed}."


def corrupted(live: Snapshot, enforced: Registry) -> tuple[Corruption, ...]:
    """Return the workflows whose stored policy is not what their declaration compiles to."""
    return tuple(
        Corruption(key.name, moves)
        for key, resource in sorted(live.items())
        if key.kind is Kind.WORKFLOW
        and (
            moves := transition_changes(
                last_known_policy(resource), enforced.named(key.name).policy
            )
        )
    )
