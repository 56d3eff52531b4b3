"""Random users change random tickets, and a simple model predicts every result."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from engine.errors import InterlockError
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, open_database
from engine.storage.sla.audit import DueTimeAudit, audit_due_times
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.audit import audit_search
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    OptionalComment,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from tests.support.personas import ALL_USERS

ACTORS = st.sampled_from(ALL_USERS)
IDS = st.sampled_from([user.id for user in ALL_USERS])
GROUPS = st.sampled_from([None, "payment-team", "empty-team"])
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    str.strip
)
Values = dict[str, object]
COMMENTS: st.SearchStrategy[Values] = st.none().map(lambda _: {}) | st.fixed_dictionaries(
    {"comment": TEXTS, "internal": st.booleans()}
)
REQUESTED_SLAS = st.sampled_from(
    [None, {"by_priority": True}, {"targets": {"response": "1h", "resolution": "P1D"}}]
)
TRANSITIONS = {
    "incident_response": {
        ("OPEN", "IN_PROGRESS"): "assignee",
        ("IN_PROGRESS", "RESOLVED"): "assignee",
        ("RESOLVED", "CLOSED"): "requester",
        ("RESOLVED", "IN_PROGRESS"): "any",
    },
    "access_request": {
        ("OPEN", "IN_PROGRESS"): "assignee",
        ("IN_PROGRESS", "RESOLVED"): "assignee",
        ("RESOLVED", "CLOSED"): "requester",
        ("RESOLVED", "IN_PROGRESS"): "requester",
    },
    "problem_investigation": {
        ("OPEN", "IN_PROGRESS"): "assignee",
        ("IN_PROGRESS", "RESOLVED"): "assignee",
        ("RESOLVED", "CLOSED"): "assignee",
        ("RESOLVED", "IN_PROGRESS"): "any",
        ("IN_PROGRESS", "OPEN"): "assignee",
    },
}


@dataclass
class TicketModel:
    """The expected state and history of a ticket."""

    workflow: str
    requester: str
    group: str | None
    title: str
    priority: str
    assignee: str | None = None
    status: str = "OPEN"
    entries: list[tuple[str, str, str | None]] = field(default_factory=list)

    def can_edit(self, actor: Actor) -> bool:
        mine = actor.id in (self.requester, self.assignee)
        return mine or actor.is_admin or self.group in actor.groups

    def is_on_assignee_side(self, actor: Actor) -> bool:
        return actor.is_admin or actor.id == self.assignee or self.group in actor.groups

    def can_assign(self, actor: Actor) -> bool:
        if self.is_on_assignee_side(actor):
            return True
        return self.group is None and actor.id == self.requester

    def can_transition(self, actor: Actor, to: str) -> bool:
        roles = {
            "assignee": actor.id == self.assignee,
            "requester": actor.id == self.requester,
            "any": actor.id in (self.assignee, self.requester) or actor.is_admin,
        }
        role = TRANSITIONS[self.workflow].get((self.status, to))
        return role is not None and roles[role]

    def add_comment(self, actor: Actor, command: OptionalComment) -> None:
        if command.comment is not None:
            kind = "note" if command.internal else "comment"
            self.entries.append((actor.id, kind, command.comment))


class TicketsMachine(RuleBasedStateMachine):
    """All operations by all users, on a real database."""

    url: ClassVar[str]
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opening = open_database(self.url, 2)
        self.database: Database = self.runner.run(self.opening.__aenter__())
        self.store = TicketStore(self.database)
        self.model: dict[str, TicketModel] = {}
        for user in ALL_USERS:
            self.runner.run(save_user(self.database, user))

    def teardown(self) -> None:
        self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()

    def attempt(self, work: Coroutine[Any, Any, Ticket]) -> Ticket | str:
        """Return the ticket, or the reason or code of the error."""
        try:
            return self.runner.run(work)
        except InterlockError as error:
            return str(error.details.get("reason", error.code))

    @rule(
        target=tickets,
        actor=ACTORS,
        workflow=st.sampled_from(list(TRANSITIONS)),
        group=GROUPS,
        title=TEXTS,
        sla=REQUESTED_SLAS,
    )
    def create(
        self, actor: Actor, workflow: str, group: str | None, title: str, sla: object
    ) -> str | MultipleResults[str]:
        command = CreateTicket.parse(title=title, workflow=workflow, assignee_group=group, sla=sla)
        ticket = self.attempt(self.store.create(actor, command))
        if command.sla and command.sla.targets and not (actor.is_admin or group in actor.groups):
            assert ticket == "role_required"
            return multiple()
        assert isinstance(ticket, Ticket)
        model = TicketModel(workflow, actor.id, group, ticket.title, "MEDIUM")
        model.entries.append((actor.id, "created", "OPEN"))
        self.model[ticket.id] = model
        return ticket.id

    @rule(ticket=tickets, actor=ACTORS, to=st.sampled_from(Status), comment=COMMENTS)
    def transition(self, ticket: str, actor: Actor, to: Status, comment: Values) -> None:
        model = self.model[ticket]
        command = TransitionTicket.parse(ticket=ticket, to=to, **comment)
        result = self.attempt(self.store.transition(actor, command))
        if model.can_transition(actor, to):
            if command.internal and not model.is_on_assignee_side(actor):
                assert result == "role_required"
                return
            assert isinstance(result, Ticket)
            model.status = to
            model.add_comment(actor, command)
            model.entries.append((actor.id, "status", to))
        elif model.status == "CLOSED":
            assert result == "ticket_closed"
        elif (model.status, to) in TRANSITIONS[model.workflow]:
            assert result == "role_required"
        else:
            assert result == "no_such_transition"

    @rule(ticket=tickets, actor=ACTORS, comment=COMMENTS)
    def start(self, ticket: str, actor: Actor, comment: Values) -> None:
        model = self.model[ticket]
        command = StartTicket.parse(ticket=ticket, **comment)
        result = self.attempt(self.store.start(actor, command))
        role = TRANSITIONS[model.workflow].get((model.status, "IN_PROGRESS"))
        if model.status == "CLOSED":
            assert result == "ticket_closed"
        elif role is None:
            assert result == "no_such_transition"
        elif (
            (role == "requester" and actor.id != model.requester)
            or not model.can_assign(actor)
            or (command.internal and not model.is_on_assignee_side(actor))
        ):
            assert result == "role_required"
        else:
            assert isinstance(result, Ticket)
            model.add_comment(actor, command)
            if model.assignee != actor.id:
                model.assignee = actor.id
                model.entries.append((actor.id, "assignee", actor.id))
            model.status = "IN_PROGRESS"
            model.entries.append((actor.id, "status", "IN_PROGRESS"))

    @rule(ticket=tickets, actor=ACTORS)
    def assign_to_me(self, ticket: str, actor: Actor) -> None:
        model = self.model[ticket]
        result = self.attempt(self.store.assign_to_me(actor, AssignToMe.parse(ticket=ticket)))
        if model.status == "CLOSED":
            assert result == "ticket_closed"
        elif not model.can_assign(actor):
            assert result == "role_required"
        else:
            assert isinstance(result, Ticket)
            if model.assignee != actor.id:
                model.assignee = actor.id
                model.entries.append((actor.id, "assignee", actor.id))

    @rule(ticket=tickets, actor=ACTORS, assignee=st.none() | IDS)
    def assign(self, ticket: str, actor: Actor, assignee: str | None) -> None:
        model = self.model[ticket]
        command = AssignTicket.parse(ticket=ticket, assignee=assignee)
        result = self.attempt(self.store.assign(actor, command))
        if model.status == "CLOSED":
            assert result == "ticket_closed"
        elif not model.can_assign(actor):
            assert result == "role_required"
        else:
            assert isinstance(result, Ticket)
            if model.assignee != assignee:
                model.assignee = assignee
                model.entries.append((actor.id, "assignee", assignee))

    @rule(ticket=tickets, actor=ACTORS, group=GROUPS)
    def transfer(self, ticket: str, actor: Actor, group: str | None) -> None:
        model = self.model[ticket]
        command = TransferTicket.parse(ticket=ticket, assignee_group=group)
        result = self.attempt(self.store.transfer(actor, command))
        if model.status == "CLOSED":
            assert result == "ticket_closed"
        elif not model.can_assign(actor):
            assert result == "role_required"
        else:
            assert isinstance(result, Ticket)
            if model.group != group:
                model.group = group
                model.entries.append((actor.id, "assignee_group", group))
                is_member = any(
                    each.id == model.assignee and group in each.groups for each in ALL_USERS
                )
                if group and model.assignee and not is_member:
                    model.assignee = None
                    model.entries.append((actor.id, "assignee", None))

    @rule(ticket=tickets, actor=ACTORS, text=TEXTS)
    def comment(self, ticket: str, actor: Actor, text: str) -> None:
        command = CommentTicket.parse(ticket=ticket, text=text)
        assert isinstance(self.attempt(self.store.comment(actor, command)), Ticket)
        self.model[ticket].entries.append((actor.id, "comment", command.text))

    @rule(ticket=tickets, actor=ACTORS, text=TEXTS)
    def add_note(self, ticket: str, actor: Actor, text: str) -> None:
        command = CommentTicket.parse(ticket=ticket, text=text, internal=True)
        result = self.attempt(self.store.comment(actor, command))
        if self.model[ticket].is_on_assignee_side(actor):
            assert isinstance(result, Ticket)
            self.model[ticket].entries.append((actor.id, "note", command.text))
        else:
            assert result == "role_required"

    @rule(ticket=tickets, actor=ACTORS, title=st.none() | TEXTS, priority=st.sampled_from(Priority))
    def update(self, ticket: str, actor: Actor, title: str | None, priority: Priority) -> None:
        model = self.model[ticket]
        command = UpdateTicket.parse(ticket=ticket, title=title, priority=priority)
        result = self.attempt(self.store.update(actor, command))
        if model.status == "CLOSED":
            assert result == "ticket_closed"
        elif not model.can_edit(actor):
            assert result == "role_required"
        else:
            assert isinstance(result, Ticket)
            self.apply_edit(model, actor, command)

    def apply_edit(self, model: TicketModel, actor: Actor, command: UpdateTicket) -> None:
        if command.title is not None and command.title != model.title:
            model.title = command.title
            model.entries.append((actor.id, "title", command.title))
        if command.priority is not None and command.priority != model.priority:
            model.priority = command.priority
            model.entries.append((actor.id, "priority", command.priority))

    @rule(ticket=tickets, actor=ACTORS, text=TEXTS, stale=st.integers(1, 3))
    def comment_on_a_stale_version(self, ticket: str, actor: Actor, text: str, stale: int) -> None:
        version = len(self.model[ticket].entries) + stale
        command = CommentTicket.parse(ticket=ticket, text=text, expected_version=version)
        assert self.attempt(self.store.comment(actor, command)) == "version_conflict"

    @rule(ticket=tickets, actor=ACTORS, text=TEXTS)
    def comment_twice_with_one_key(self, ticket: str, actor: Actor, text: str) -> None:
        key = f"{ticket}/{len(self.model[ticket].entries)}"
        command = CommentTicket.parse(ticket=ticket, text=text, idempotency_key=key)
        first, second = (self.attempt(self.store.comment(actor, command)) for _ in range(2))
        assert isinstance(first, Ticket)
        assert first == second
        self.model[ticket].entries.append((actor.id, "comment", command.text))

    @rule()
    def update_due_times(self) -> None:
        self.runner.run(sweep_due_times(self.database))
        assert not any(audit.is_stale for audit in self.runner.run(self.audits()))

    async def audits(self) -> list[DueTimeAudit]:
        return [audit async for audit in audit_due_times(self.database)]

    @rule(ticket=consumes(tickets))
    def compare_with_model(self, ticket: str) -> None:
        model = self.model[ticket]
        ticket_now = self.runner.run(read_ticket(self.database, SYSTEM_VIEWER, ticket))
        assert (
            ticket_now.status,
            ticket_now.assignee,
            ticket_now.assignee_group,
            ticket_now.title,
            ticket_now.priority,
            ticket_now.version,
        ) == (
            model.status,
            model.assignee,
            model.group,
            model.title,
            model.priority,
            len(model.entries),
        )
        history = self.runner.run(read_histories(self.database, [ticket]))[ticket]
        assert [(each.actor, each.kind, each.new_value) for each in history] == model.entries

    @invariant()
    def every_history_is_intact(self) -> None:
        async def all_flaws() -> list[object]:
            return [flaw async for _, flaw in audit_histories(self.database) if flaw]

        assert self.runner.run(all_flaws()) == []

    @invariant()
    def searches_read_the_current_texts(self) -> None:
        async def all_flaws() -> list[object]:
            async with self.database.snapshot() as session:
                return [flaw async for flaw in audit_search(session)]

        assert self.runner.run(all_flaws()) == []

    @invariant()
    def due_times_are_stale_or_correct(self) -> None:
        audits = self.runner.run(self.audits())
        assert [each for audit in audits for each in audit.differences] == []


def test_tickets_behave_as_the_model_predicts(database_url: str) -> None:
    TicketsMachine.url = database_url
    run_state_machine_as_test(
        TicketsMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
