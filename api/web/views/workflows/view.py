"""The view models of workflows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.web.formats import words
from engine.vocabulary import STATUSES, Role, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import Policy, transitions_of
from engine.workflows.svg import draw

_ACTORS = {
    Role.ASSIGNEE: "The assignee",
    Role.REQUESTER: "The requester",
    Role.ANY: "The assignee, the requester or an admin",
}


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision of a workflow.

    Attributes:
        at, by, source: when and by whom it was applied, and where the declaration came from.
        added, removed: the transitions that differ from the revision before, in words.

    """

    number: int
    at: datetime
    by: str
    source: str
    workflow: CompiledWorkflow
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def drawing(self) -> str:
        """The revision as SVG."""
        return draw(self.workflow, with_style=False)


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow.

    Attributes:
        tickets: the number of live tickets by status; None if the reader can't read all tickets.
        revisions: the newest first; empty in the list of workflows.

    """

    workflow: CompiledWorkflow
    tickets: Mapping[Status, int] | None = None
    revisions: Sequence[RevisionView] = ()

    @property
    def drawing(self) -> str:
        """The workflow as SVG."""
        return draw(self.workflow, with_style=False)

    @property
    def transitions(self) -> tuple[str, ...]:
        """The transitions in words."""
        return transitions_in_words(self.workflow.policy)

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses of live tickets."""
        return tuple(each for each in STATUSES if each is not Status.CLOSED)


def transitions_in_words(policy: int) -> tuple[str, ...]:
    """Return the transitions of a policy, each as a sentence."""
    return tuple(transition_in_words(*each) for each in transitions_of(policy))


def transition_in_words(source: Status, target: Status, role: Role) -> str:
    """Return a transition as a sentence."""
    return f"{_ACTORS[role]} can move a ticket from {words(source)} to {words(target)}."


def revision_view(
    number: int,
    workflow: CompiledWorkflow,
    before: Policy | None,
    applied: tuple[datetime, str, str],
) -> RevisionView:
    """Return a revision, compared with the policy of the one before it."""
    at, by, source = applied
    now = transitions_in_words(workflow.policy)
    then = now if before is None else transitions_in_words(before)
    return RevisionView(
        number,
        at,
        by,
        source,
        workflow,
        added=tuple(each for each in now if each not in then),
        removed=tuple(each for each in then if each not in now),
    )
