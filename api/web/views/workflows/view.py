"""The view models of workflows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from api.web.formats import words
from engine.storage.resources.revisions import Revision
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
        place: the file and the line of its declaration; None if it was not read from a file.
        at, by, source: when and by whom it was applied, and where the declaration came from.
        added, removed: the transitions that differ from the revision before, in words.

    """

    number: int
    place: str | None
    at: datetime
    by: str
    source: str
    workflow: CompiledWorkflow
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def drawing(self) -> str:
        """The revision as SVG."""
        return draw(self.workflow, part=f"revision-{self.number}")


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
        return draw(self.workflow, part="now")

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
    stored: Revision, current: CompiledWorkflow, before: Revision | None
) -> RevisionView:
    """Return a revision of a workflow, compared with the one before it."""
    now = transitions_in_words(stored.policy)
    then = now if before is None else transitions_in_words(before.policy)
    return RevisionView(
        stored.number,
        None if stored.file is None else f"{stored.file}:{stored.line}",
        stored.at,
        stored.by,
        stored.source,
        replace(current, policy=Policy(stored.policy), retired=False),
        added=tuple(each for each in now if each not in then),
        removed=tuple(each for each in then if each not in now),
    )
