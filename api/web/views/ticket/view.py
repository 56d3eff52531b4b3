"""The view model of a ticket. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from api.web.formats import with_words, words
from api.web.sla import SlaState, sla_state
from api.web.views.ticket.timeline import TimelineItem
from engine.errors import Forbidden
from engine.tickets.actor import Actor
from engine.tickets.permissions import (
    authorize_assign,
    authorize_edit,
    authorize_transfer,
    can_read_notes,
)
from engine.tickets.publications import Publication
from engine.tickets.sla_explanation import SlaReason, explain_due_time
from engine.tickets.sla_timers import SlaTimers, Timer
from engine.tickets.ticket import Ticket
from engine.vocabulary import STATUSES, ActorRoles, Priority, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Explanation, explain
from engine.workflows.svg import draw

_MOVES: Final = {
    (Status.OPEN, Status.IN_PROGRESS): "Start work",
    (Status.IN_PROGRESS, Status.OPEN): "Stop work",
    (Status.IN_PROGRESS, Status.RESOLVED): "Resolve",
    (Status.RESOLVED, Status.IN_PROGRESS): "Reopen",
    (Status.RESOLVED, Status.CLOSED): "Confirm and close",
    (Status.OPEN, Status.CLOSED): "Close",
}
"""The usual names of transitions; all others are named after their target."""


@dataclass(frozen=True, slots=True)
class TransitionButton:
    """The button for one status.

    Attributes:
        label: what the button does, or the status that it would lead to.
        allowed: whether the reader can make the transition now.
        why: why the button is disabled; empty if it is enabled.
        who: the users who can make the transition; empty if it is not declared.
        path: the shortest legal path to the status, if it takes more than one transition.

    """

    to: Status
    label: str
    allowed: bool
    why: str
    who: str
    path: str


@dataclass(frozen=True, slots=True)
class SlaItem:
    """The explanation of the due time of one timer."""

    name: str
    reasons: tuple[SlaReason, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """The result of the form that the reader sent last.

    Attributes:
        text: what was done, or why nothing was done.
        succeeded: whether it was done.
        meanwhile: what others did since the reader's version of the page.
        sent: the name of the draft that was sent; empty without one.

    """

    text: str
    succeeded: bool
    meanwhile: tuple[TimelineItem, ...] = ()
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What the reader can publish about the ticket on the status page.

    Attributes:
        current: what the page says; None if it says only that the group is affected.

    """

    current: Publication | None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """The page of a ticket.

    Attributes:
        names: the names of the users on the page, by id.
        workflow: of the ticket.
        timeline: the latest entries, oldest first.
        has_older: whether there are older entries than those of the timeline.
        notice: the result of the last form.
        fields: of the last form if it was refused, so that no typed text is lost.
        position: the position of the log from which the page follows changes.
        publishing: None if the reader can publish nothing about the ticket.

    """

    ticket: Ticket
    actor: Actor
    names: Mapping[str, str]
    workflow: CompiledWorkflow
    timers: SlaTimers | None
    now: datetime
    timeline: tuple[TimelineItem, ...]
    has_older: bool = False
    notice: Notice | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    position: str = ""
    publishing: Publishing | None = None

    @property
    def roles(self) -> ActorRoles:
        """The roles of the reader on the ticket."""
        return self.actor.roles_on(self.ticket.requester, self.ticket.assignee)

    @property
    def buttons(self) -> tuple[TransitionButton, ...]:
        """A button for each other status, except that to start work if the reader can start it.

        Those that the reader can use come first, and of these the ones that lead on.
        """
        source = self.ticket.status
        hidden = {source, Status.IN_PROGRESS} if self.can_start else {source}
        explanations = (
            explain(self.workflow, source, to, self.roles) for to in STATUSES if to not in hidden
        )
        buttons = map(self._button, explanations)
        return tuple(
            sorted(buttons, key=lambda each: (not each.allowed, each.to.ordinal < source.ordinal))
        )

    @property
    def no_moves(self) -> str:
        """Why no user can move the ticket: it is closed, or its workflow is retired."""
        reasons = {button.why for button in self.buttons}
        return reasons.pop() if len(reasons) == 1 and not self.can_start else ""

    def _button(self, explanation: Explanation) -> TransitionButton:
        to, path = explanation.target, explanation.shortest_path
        return TransitionButton(
            to,
            _MOVES.get((explanation.source, to), f"Move to {words(to)}"),
            explanation.allowed,
            "" if explanation.allowed else with_words(explanation.message),
            self._who(explanation.allowed_roles),
            " → ".join(map(words, path)) if len(path) > 2 else "",
        )

    def _who(self, roles: ActorRoles) -> str:
        """Return the users who have one of these roles on the ticket, by name."""
        holders = []
        if ActorRoles.ASSIGNEE in roles:
            name = self.name_of(self.ticket.assignee)
            holders.append(f"{name} (assignee)" if name else "the assignee, once there is one")
        if ActorRoles.REQUESTER in roles:
            name = self.name_of(self.ticket.requester)
            holders.append(f"{name} (requester)" if name else "the requester")
        if ActorRoles.ADMIN in roles:
            holders.append("an admin")
        return ", ".join(holders)

    def name_of(self, user: str | None) -> str | None:
        """Return the name of a user; None without one."""
        return user and self.names.get(user, user)

    @property
    def sla(self) -> SlaState | None:
        """The state of the SLA; None without SLA targets."""
        return sla_state(self.timers, self.now)

    @property
    def sla_items(self) -> tuple[SlaItem, ...]:
        """The explanations of both due times; none without SLA targets."""
        timers = self.timers
        if timers is None:
            return ()
        return tuple(SlaItem(words(timer), explain_due_time(timers, timer)) for timer in Timer)

    @property
    def drawing(self) -> str:
        """The workflow as SVG, with the current status and the reader's transitions."""
        return draw(self.workflow, current=self.ticket.status, viewer=self.roles, part="now")

    @property
    def can_note(self) -> bool:
        """Whether the reader can read and add internal notes."""
        return can_read_notes(self.ticket, self.actor)

    @property
    def assign_refusal(self) -> str:
        """Why the reader can't assign the ticket; empty if they can."""
        return _refusal(authorize_assign, self.ticket, self.actor)

    @property
    def transfer_refusal(self) -> str:
        """Why the reader can't transfer the ticket to another group; empty if they can."""
        return _refusal(authorize_transfer, self.ticket, self.actor)

    @property
    def can_start(self) -> bool:
        """Whether the reader can take the ticket and start work on it in one step."""
        ticket = self.ticket
        if ticket.status is not Status.OPEN or ticket.assignee == self.actor.id:
            return False
        if self.assign_refusal:
            return False
        roles = self.roles | ActorRoles.ASSIGNEE
        return explain(self.workflow, ticket.status, Status.IN_PROGRESS, roles).allowed

    @property
    def edit_refusal(self) -> str:
        """Why the reader can't edit the ticket; empty if they can."""
        return _refusal(authorize_edit, self.ticket, self.actor)

    @property
    def priorities(self) -> tuple[Priority, ...]:
        """All priorities."""
        return tuple(Priority)

    @property
    def reply_label(self) -> str:
        """The label of the button that adds a comment: it names who reads it."""
        requester = self.name_of(self.ticket.requester)
        is_other = requester and self.ticket.requester != self.actor.id
        return f"Reply to {requester}" if is_other else "Add comment"


def _refusal(authorize: Callable[[Ticket, Actor], object], ticket: Ticket, actor: Actor) -> str:
    try:
        authorize(ticket, actor)
    except Forbidden as error:
        return with_words(error.message).replace(ticket.id, "this ticket")
    return ""
