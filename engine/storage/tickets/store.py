"""The ticket store: the only way for users to create or change a ticket.

A transition is one statement (see `transition`). Every other change is one transaction that locks
the ticket, applies the rules of `engine.tickets.changes`, and writes ticket and history together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.errors import ForbiddenTransition
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.tickets.admission import Admission
from engine.storage.tickets.change import AnyCommand, Rule, change_ticket, lock_ticket
from engine.storage.tickets.create import create_from_catalog, create_from_form
from engine.storage.tickets.idempotency import KeyedRequest, execute_once
from engine.storage.tickets.reader import ticket_not_found
from engine.storage.tickets.refusals import check_ticketing_on, transition_refusal
from engine.storage.tickets.transition import TransitionForm, transition_statement
from engine.storage.tickets.visibility import viewer_parameters
from engine.tickets.actor import Actor
from engine.tickets.changes import (
    assignment_changes,
    comment_changes,
    edit_changes,
    self_assignment_changes,
    transfer_changes,
)
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.publications import (
    PublishIncident,
    WithdrawIncident,
    publication_changes,
    withdrawal_changes,
)
from engine.tickets.search_texts import stored_words
from engine.tickets.ticket import Ticket
from engine.tickets.transition_counts import TransitionCounts
from engine.tickets.viewer import Viewer
from engine.vocabulary import ActorRoles, Assignees, Status, Visibility


@dataclass(frozen=True, slots=True)
class TicketStore:
    """Creates and changes tickets. Every method is atomic: it succeeds, or raises without effect.

    Every method returns the ticket as the change left it, even if the actor can no longer read it.
    Every method raises `TooManyRequests` or `Overloaded`, see `Admission.admit`.
    Every method raises `PluginDisabled` while ticketing is off, `NotFound` if the ticket does not
    exist or the actor cannot read it, `VersionConflict` if the ticket does not have the expected
    version, and `IdempotencyConflict` if the actor used the idempotency key for another request.

    Attributes:
        visibility: which tickets users can read.
        admission: bounds the changes that are made at a time.
        assignees: which users and groups tickets can be assigned to.
        transitions: counts the transitions that are made and refused.
        note_ticket: called with the id of each ticket that is created, or is to be changed.

    """

    database: Database
    visibility: Visibility = Visibility.EVERYONE
    admission: Admission = field(default_factory=Admission.unbounded)
    assignees: Assignees = Assignees.ANY
    transitions: TransitionCounts = field(default_factory=TransitionCounts)
    note_ticket: Callable[[str], None] = lambda _ticket: None

    async def create(self, actor: Actor, command: CreateTicket) -> Ticket:
        """Open a ticket from an empty form, for the actor or for another user.

        Raises:
            NotFound: the workflow does not exist.
            WorkflowRetired: the workflow is retired.
            Forbidden: the actor cannot open tickets for other users, cannot assign the ticket to
                the assignee of the command, or cannot state SLA targets of their own.
            UnknownUser, UnknownGroup: the requester, the assignee or the assignee group is not
                known.

        """
        async with self.admission.admit(actor.id), self.database.transaction() as session:
            ticket = await execute_once(
                session,
                actor,
                command,
                lambda: create_from_form(session, actor, command, self.assignees),
            )
        self.note_ticket(ticket.id)
        return ticket

    async def create_from_catalog(self, actor: Actor, command: CreateTicketFromCatalog) -> Ticket:
        """Open a ticket from a catalog item, for the actor or for another user.

        Raises:
            NotFound: the item does not exist.
            ItemRetired, WorkflowRetired: the item or its workflow is retired.
            Forbidden: the actor cannot open tickets for other users.
            UnknownUser: the requester is not known.

        """
        async with self.admission.admit(actor.id), self.database.transaction() as session:
            ticket = await execute_once(
                session,
                actor,
                command,
                lambda: create_from_catalog(session, actor, command, self.assignees),
            )
        self.note_ticket(ticket.id)
        return ticket

    async def assign(self, actor: Actor, command: AssignTicket) -> Ticket:
        """Assign or unassign a ticket.

        Raises:
            TicketClosed, Forbidden: see `assignment_changes`.
            UnknownUser: the assignee is not known.

        """
        return await self._change(actor, command, assignment_changes)

    async def assign_to_me(self, actor: Actor, command: AssignToMe) -> Ticket:
        """Assign a ticket to the actor; raises as `self_assignment_changes` does."""
        return await self._change(actor, command, self_assignment_changes)

    async def transfer(self, actor: Actor, command: TransferTicket) -> Ticket:
        """Change the assignee group, and remove an assignee who is not a member of the new one.

        Raises:
            TicketClosed, Forbidden: see `transfer_changes`.
            UnknownGroup: the group is not known.

        """
        return await self._change(actor, command, transfer_changes)

    async def comment(self, actor: Actor, command: CommentTicket) -> Ticket:
        """Add a comment or an internal note; raises as `comment_changes` does."""
        return await self._change(actor, command, comment_changes)

    async def publish(self, actor: Actor, command: PublishIncident) -> Ticket:
        """Publish a text on the status page; raises as `publication_changes` does."""
        return await self._change(actor, command, publication_changes)

    async def withdraw(self, actor: Actor, command: WithdrawIncident) -> Ticket:
        """Withdraw what was published; raises as `withdrawal_changes` does."""
        return await self._change(actor, command, withdrawal_changes)

    async def update(self, actor: Actor, command: UpdateTicket) -> Ticket:
        """Change title, description or priority; raises as `edit_changes` does."""
        return await self._change(actor, command, edit_changes)

    async def transition(self, actor: Actor, command: TransitionTicket) -> Ticket:
        """Move a ticket to another status, after the comment of the command, if it has one.

        Raises:
            ForbiddenTransition: the workflow does not allow it to this actor; with the reason.
            Forbidden: the actor cannot add internal notes, but the comment is one.

        """
        return await self._transition(actor, command, command.to)

    async def start(self, actor: Actor, command: StartTicket) -> Ticket:
        """Assign a ticket to the actor, unless it is, and move it to IN_PROGRESS.

        Raises:
            ForbiddenTransition: the workflow does not allow it to the assignee.
            Forbidden: the actor cannot assign the ticket, or cannot add internal notes.

        """
        return await self._transition(actor, command, Status.IN_PROGRESS, assigns=True)

    async def _transition(
        self,
        actor: Actor,
        command: TransitionTicket | StartTicket,
        to: Status,
        *,
        assigns: bool = False,
    ) -> Ticket:
        self.note_ticket(command.ticket)
        request = KeyedRequest.of(actor, command)
        viewer = Viewer(actor, self.visibility)
        form = TransitionForm(request is not None, viewer.sees_all, assigns, command.comment_kind)
        async with self.admission.admit(actor.id, command.ticket):
            row = await self.database.row(
                transition_statement(form),
                ticket=command.ticket,
                actor=actor.id,
                actor_groups=sorted(actor.groups) if form.needs_groups else None,
                admin_bit=int(ActorRoles.ADMIN) if actor.is_admin else 0,
                target=to.value,
                target_ordinal=to.ordinal,
                comment=command.comment,
                comment_words=command.comment and stored_words(command.comment),
                expected_version=command.expected_version,
                key=request and request.key,
                request=request and request.digest,
                **viewer_parameters(viewer),
            )
        if row is None:
            return await _first_result(self.database, request, command.ticket)
        if row["is_updated"]:
            ticket = ticket_of(row)
            self.transitions.add_made(ticket)
            return ticket
        check_ticketing_on(row)
        if request is not None and (first := await request.first_result(self.database)):
            return first
        refusal = transition_refusal(row, actor, command, to)
        if isinstance(refusal, ForbiddenTransition):
            self.transitions.add_refused(refusal)
        raise refusal

    async def _change(self, actor: Actor, command: AnyCommand, rule: Rule[AnyCommand]) -> Ticket:
        """Make a change other than a transition.

        Lock the ticket before claiming the idempotency key, in the order of a transition: of two
        requests that need both, neither holds the lock that the other waits for.
        """
        self.note_ticket(command.ticket)
        async with (
            self.admission.admit(actor.id, command.ticket),
            self.database.transaction() as session,
        ):
            row = await lock_ticket(session, Viewer(actor, self.visibility), command)
            if row is None:
                request = KeyedRequest.of(actor, command)
                return await _first_result(session, request, command.ticket)
            return await execute_once(
                session,
                actor,
                command,
                lambda: change_ticket(session, row, actor, command, rule, assignees=self.assignees),
            )


async def _first_result(
    source: Database | Session, request: KeyedRequest | None, ticket: str
) -> Ticket:
    """Return the result of an earlier execution, for a ticket that the actor can no longer read.

    Raises:
        NotFound: the request was not executed before, so the ticket does not exist for the actor.

    """
    if request is not None and (first := await request.first_result(source)):
        return first
    raise ticket_not_found(ticket)
