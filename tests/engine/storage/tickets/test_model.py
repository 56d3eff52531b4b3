"""Random people do random things to tickets, and a naive model predicts every outcome."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from engine.errors import InterlockError
from engine.storage.history.audit import audit_histories
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, open_database
from engine.storage.sla.audit import DueTimeAudit, audit_due_times
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from tests.support.personas import ALL_USERS

PEOPLE = st.sampled_from(ALL_USERS)
IDS = st.sampled_from([person.id for person in ALL_USERS])
GROUPS = st.sampled_from([None, "payment-team", "nobody-is-in-it"])
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    str.strip
)
REQUESTED_SLAS = st.sampled_from(
    [None, {"by_priority": True}, {"targets": {"response": "1h", "resolution": "P1D"}}]
)
MOVES = {
    "incident_response": {
        ("OPEN", "IN_PROGRESS"): "assignee",
        ("IN_PROGRESS", "RESOLVED"): "assignee",
        ("RESOLVED", "CLOSED"): "requester",
        ("RESOLVED", "IN_PROGRESS"): "any",
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
class Modelled:
    """A ticket as a person with a notebook would keep it."""

    workflow: str
    requester: str
    group: str | None
    title: str
    priority: str
    assignee: str | None = None
    status: str = "OPEN"
    entries: list[tuple[str, str, str | None]] = field(default_factory=list)

    def is_somebody(self, actor: Actor) -> bool:
        mine = actor.id in (self.requester, self.assignee)
        return mine or actor.is_admin or self.group in actor.groups

    def is_on_the_assignee_side(self, actor: Actor) -> bool:
        return actor.is_admin or actor.id == self.assignee or self.group in actor.groups

    def may_assign(self, actor: Actor) -> bool:
        if self.is_on_the_assignee_side(actor):
            return True
        return self.group is None and actor.id == self.requester

    def may_move(self, actor: Actor, to: str) -> bool:
        roles = {
            "assignee": actor.id == self.assignee,
            "requester": actor.id == self.requester,
            "any": actor.id in (self.assignee, self.requester) or actor.is_admin,
        }
        role = MOVES[self.workflow].get((self.status, to))
        return role is not None and roles[role]


class TicketsMachine(RuleBasedStateMachine):
    """All operations by all people, on a real database."""

    url: ClassVar[str]
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opening = open_database(self.url, 2)
        self.database: Database = self.runner.run(self.opening.__aenter__())
        self.store = TicketStore(self.database)
        self.model: dict[str, Modelled] = {}

    def teardown(self) -> None:
        self.runner.run(self.opening.__aexit__(None, None, None))
        self.runner.close()

    def attempt(self, work: Coroutine[Any, Any, Ticket]) -> Ticket | str:
        """Return the ticket, or the code of the refusal."""
        try:
            return self.runner.run(work)
        except InterlockError as error:
            return str(error.details.get("reason", error.code))

    @rule(
        target=tickets,
        actor=PEOPLE,
        workflow=st.sampled_from(list(MOVES)),
        group=GROUPS,
        title=TEXTS,
        sla=REQUESTED_SLAS,
    )
    def create(
        self, actor: Actor, workflow: str, group: str | None, title: str, sla: object
    ) -> str:
        form = CreateTicket.parse(title=title, workflow=workflow, assignee_group=group, sla=sla)
        ticket = self.runner.run(self.store.create(actor, form))
        model = Modelled(workflow, actor.id, group, ticket.title, "MEDIUM")
        model.entries.append((actor.id, "created", "OPEN"))
        self.model[ticket.id] = model
        return ticket.id

    @rule(ticket=tickets, actor=PEOPLE, to=st.sampled_from(Status))
    def transition(self, ticket: str, actor: Actor, to: Status) -> None:
        model = self.model[ticket]
        form = TransitionTicket.parse(ticket=ticket, to=to)
        outcome = self.attempt(self.store.transition(actor, form))
        if model.may_move(actor, to):
            assert isinstance(outcome, Ticket)
            model.status = to
            model.entries.append((actor.id, "status", to))
        elif model.status == "CLOSED":
            assert outcome == "ticket_closed"
        elif (model.status, to) in MOVES[model.workflow]:
            assert outcome == "role_required"
        else:
            assert outcome == "no_such_transition"

    @rule(ticket=tickets, actor=PEOPLE, assignee=st.none() | IDS)
    def assign(self, ticket: str, actor: Actor, assignee: str | None) -> None:
        model = self.model[ticket]
        form = AssignTicket.parse(ticket=ticket, assignee=assignee)
        outcome = self.attempt(self.store.assign(actor, form))
        if model.status == "CLOSED":
            assert outcome == "ticket_closed"
        elif not model.may_assign(actor):
            assert outcome == "role_required"
        else:
            assert isinstance(outcome, Ticket)
            if model.assignee != assignee:
                model.assignee = assignee
                model.entries.append((actor.id, "assignee", assignee))

    @rule(ticket=tickets, actor=PEOPLE, text=TEXTS)
    def comment(self, ticket: str, actor: Actor, text: str) -> None:
        form = CommentTicket.parse(ticket=ticket, text=text)
        assert isinstance(self.attempt(self.store.comment(actor, form)), Ticket)
        self.model[ticket].entries.append((actor.id, "comment", form.text))

    @rule(ticket=tickets, actor=PEOPLE, text=TEXTS)
    def take_a_note(self, ticket: str, actor: Actor, text: str) -> None:
        form = CommentTicket.parse(ticket=ticket, text=text, internal=True)
        outcome = self.attempt(self.store.comment(actor, form))
        if self.model[ticket].is_on_the_assignee_side(actor):
            assert isinstance(outcome, Ticket)
            self.model[ticket].entries.append((actor.id, "note", form.text))
        else:
            assert outcome == "role_required"

    @rule(ticket=tickets, actor=PEOPLE, title=st.none() | TEXTS, priority=st.sampled_from(Priority))
    def update(self, ticket: str, actor: Actor, title: str | None, priority: Priority) -> None:
        model = self.model[ticket]
        form = UpdateTicket.parse(ticket=ticket, title=title, priority=priority)
        outcome = self.attempt(self.store.update(actor, form))
        if model.status == "CLOSED":
            assert outcome == "ticket_closed"
        elif not model.is_somebody(actor):
            assert outcome == "role_required"
        else:
            assert isinstance(outcome, Ticket)
            self.edited(model, actor, form)

    def edited(self, model: Modelled, actor: Actor, form: UpdateTicket) -> None:
        if form.title is not None and form.title != model.title:
            model.title = form.title
            model.entries.append((actor.id, "title", form.title))
        if form.priority is not None and form.priority != model.priority:
            model.priority = form.priority
            model.entries.append((actor.id, "priority", form.priority))

    @rule(ticket=tickets, actor=PEOPLE, text=TEXTS, stale=st.integers(1, 3))
    def comment_on_a_stale_version(self, ticket: str, actor: Actor, text: str, stale: int) -> None:
        version = len(self.model[ticket].entries) + stale
        form = CommentTicket.parse(ticket=ticket, text=text, expected_version=version)
        assert self.attempt(self.store.comment(actor, form)) == "version_conflict"

    @rule(ticket=tickets, actor=PEOPLE, text=TEXTS)
    def comment_twice_under_one_key(self, ticket: str, actor: Actor, text: str) -> None:
        key = f"{ticket}/{len(self.model[ticket].entries)}"
        form = CommentTicket.parse(ticket=ticket, text=text, idempotency_key=key)
        first, second = (self.attempt(self.store.comment(actor, form)) for _ in range(2))
        assert isinstance(first, Ticket)
        assert first == second
        self.model[ticket].entries.append((actor.id, "comment", form.text))

    @rule()
    def sweep(self) -> None:
        self.runner.run(sweep_due_times(self.database))
        assert not any(verdict.is_stale for verdict in self.runner.run(self.verdicts()))

    async def verdicts(self) -> list[DueTimeAudit]:
        return [verdict async for verdict in audit_due_times(self.database)]

    @rule(ticket=consumes(tickets))
    def look_closely(self, ticket: str) -> None:
        model = self.model[ticket]
        found = self.runner.run(read_ticket(self.database, SYSTEM_VIEWER, ticket))
        assert (found.status, found.assignee, found.title, found.priority, found.version) == (
            model.status,
            model.assignee,
            model.title,
            model.priority,
            len(model.entries),
        )
        history = self.runner.run(read_histories(self.database, [ticket]))[ticket]
        assert [(each.actor, each.kind, each.new_value) for each in history] == model.entries

    @invariant()
    def every_history_is_whole(self) -> None:
        async def all_flaws() -> list[object]:
            return [flaw async for _, flaw in audit_histories(self.database) if flaw]

        assert self.runner.run(all_flaws()) == []

    @invariant()
    def due_times_are_stale_or_right(self) -> None:
        verdicts = self.runner.run(self.verdicts())
        assert [each for verdict in verdicts for each in verdict.differences] == []


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
