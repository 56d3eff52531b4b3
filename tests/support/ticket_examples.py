"""An example of a ticket and of an entry, and Hypothesis strategies for histories."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from engine.audit.declared_history import DeclaredHistory, DeclaredRevision
from engine.audit.history import StoredEntry
from engine.audit.versions import DeclaredChange
from engine.resources.resource import Key, Kind, declared_defaults
from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.sla_timers import Timer
from engine.tickets.ticket import Opening, Ticket
from engine.vocabulary import Priority, Status

NOON = datetime(2026, 4, 28, 12, 0, tzinfo=UTC)
OPENING = Opening(
    title="Payments fail",
    description="",
    priority=Priority.HIGH,
    workflow="incident_response",
    requester="u_b1",
    assignee_group="payment-team",
)
CREATED = Entry(
    ticket="tk_4f8e29",
    seq=1,
    at=NOON,
    actor="u_b1",
    kind=EntryKind.CREATED,
    old_value=None,
    new_value=Status.OPEN,
    actor_bits=2,
    workflow_revision=1,
    details=OPENING.details,
)
TICKET = Ticket(
    id="tk_4f8e29",
    title="Payments fail",
    description="",
    status=Status.OPEN,
    priority=Priority.HIGH,
    workflow="incident_response",
    requester="u_b1",
    assignee=None,
    assignee_group="payment-team",
    item=None,
    service=None,
    created_at=NOON,
    updated_at=NOON,
    version=1,
)


DECLARED = DeclaredHistory(
    changes=(
        DeclaredChange(1, NOON, declared_defaults()[Key(Kind.WORKFLOW, "incident_response")]),
    ),
    revisions=(
        DeclaredRevision(
            number=1,
            workflow="incident_response",
            policy=declared_defaults()[Key(Kind.WORKFLOW, "incident_response")].compiled.policy,
            reconciliation=1,
            at=NOON,
        ),
    ),
)


def a_ticket(**changed: Any) -> Ticket:  # noqa: ANN401 - any field of a ticket
    return TICKET._replace(**changed)


def an_entry(**changed: Any) -> Entry:  # noqa: ANN401 - any field of an entry
    return replace(CREATED, **changed)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
TIMESTAMPS = st.datetimes(timezones=st.just(UTC))
VALUES: dict[EntryKind, st.SearchStrategy[str | None]] = {
    EntryKind.STATUS: st.sampled_from(Status),
    EntryKind.ASSIGNEE: st.none() | TEXTS,
    EntryKind.ASSIGNEE_GROUP: st.none() | TEXTS,
    EntryKind.PRIORITY: st.sampled_from(Priority),
    EntryKind.TITLE: TEXTS,
    EntryKind.DESCRIPTION: TEXTS,
    EntryKind.COMMENT: TEXTS,
    EntryKind.SLA_BREACH: st.sampled_from(Timer),
    EntryKind.NOTE: TEXTS,
    EntryKind.PUBLICATION: st.none() | TEXTS,
}
CHANGES = st.one_of(
    [
        st.builds(
            replace,
            st.just(CREATED),
            at=TIMESTAMPS,
            actor=TEXTS,
            kind=st.just(kind),
            old_value=st.none() | TEXTS,
            new_value=new_value,
            actor_bits=st.integers(0, 7),
            details=st.none() | TEXTS,
        )
        for kind, new_value in VALUES.items()
    ]
)
HISTORIES = st.lists(CHANGES, max_size=6).map(
    lambda changes: [CREATED, *(replace(each, seq=n) for n, each in enumerate(changes, 2))]
)


def with_digests(history: list[Entry]) -> list[StoredEntry]:
    """Return a history with its digests."""
    digests = accumulate(history, lambda before, entry: entry.digest(before), initial=GENESIS)
    return [
        StoredEntry(entry, digest) for entry, digest in zip(history, [*digests][1:], strict=True)
    ]
