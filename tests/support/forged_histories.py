"""Forged histories: each breaks one rule, and its digests can be computed again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from engine.audit.versions import CLOCK_STEP_MAX
from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.sla_targets import TARGETS_KEY
from engine.vocabulary import SYSTEM, Priority, Status
from engine.workflows.policy import permits
from tests.support.ticket_desk import Desk

MICROSECOND: Final = timedelta(microseconds=1)
TOO_FAR: Final = CLOCK_STEP_MAX + MICROSECOND
WITH_OLD_VALUE: Final = {
    EntryKind.STATUS,
    EntryKind.ASSIGNEE,
    EntryKind.ASSIGNEE_GROUP,
    EntryKind.PRIORITY,
    EntryKind.TITLE,
    EntryKind.DESCRIPTION,
}
SIMILAR: Final = (
    {EntryKind.TITLE, EntryKind.DESCRIPTION},
    {EntryKind.ASSIGNEE, EntryKind.NOTE},
    {EntryKind.ASSIGNEE_GROUP, EntryKind.NOTE},
    {EntryKind.ASSIGNEE, EntryKind.ASSIGNEE_GROUP},
)
"""Kinds whose entries can have the same values, such as a first assignee and a note with his id."""

Forgery = Callable[[Desk, list[Entry], int], Iterator[dict[str, Any]]]
"""Yields changes of the fields of the entry at an index; each of them breaks a rule."""


def by_a_stranger(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    """Yield a user who is neither requester nor assignee, with the recorded roles."""
    if history[index].actor_bits & 3:
        yield {"actor": "u_stranger"}


def with_other_roles(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    for role in (1, 2):
        yield {"actor_bits": history[index].actor_bits ^ role}
    yield {"actor_bits": history[index].actor_bits + 8}
    if history[index].actor == SYSTEM:
        yield {"actor_bits": 4}


def by_system(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    if history[index].actor != SYSTEM:
        yield {"actor": SYSTEM, "actor_bits": 0}


def by_an_admin_instead_of_system(
    _: Desk, history: list[Entry], index: int
) -> Iterator[dict[str, Any]]:
    if history[index].actor == SYSTEM:
        yield {"actor": "u_a0", "actor_bits": 4}


def from_another_value(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    yield {"old_value": "another"}
    if history[index].old_value is not None:
        yield {"old_value": None}


def without_a_change(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    if history[index].kind in WITH_OLD_VALUE:
        yield {"new_value": history[index].old_value}


def to_an_invalid_value(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    kind = history[index].kind
    if kind is not EntryKind.DESCRIPTION:
        yield {"new_value": " "}
    if kind not in {EntryKind.ASSIGNEE, EntryKind.ASSIGNEE_GROUP}:
        yield {"new_value": None}
    if kind in {EntryKind.STATUS, EntryKind.PRIORITY, EntryKind.SLA_BREACH, EntryKind.CREATED}:
        yield {"new_value": "another"}
    if kind is EntryKind.ASSIGNEE:
        yield {"new_value": SYSTEM}
    if kind is EntryKind.CREATED:
        yield {"new_value": Status.CLOSED}


def a_transition_that_is_not_allowed(
    desk: Desk, history: list[Entry], index: int
) -> Iterator[dict[str, Any]]:
    entry = history[index]
    if entry.kind is not EntryKind.STATUS:
        return
    policy = desk.revisions[entry.workflow_revision - 1].policy
    for target in Status:
        source = Status(str(entry.old_value))
        if target != entry.new_value and (
            entry.actor == SYSTEM or not permits(policy, source, target, entry.actor_bits)
        ):
            yield {"new_value": target}


def of_another_revision(desk: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    entry = history[index]
    own = desk.revisions[entry.workflow_revision - 1]
    yield from ({"workflow_revision": number} for number in (0, -1, 99_999))
    for other in desk.revisions:
        later = [each for each in desk.revisions[other.number :] if each.workflow == other.workflow]
        was_replaced = bool(later) and later[0].at < entry.at - CLOCK_STEP_MAX
        if other.workflow != own.workflow or other.at > entry.at + CLOCK_STEP_MAX or was_replaced:
            yield {"workflow_revision": other.number}


def at_another_time(desk: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    if index:
        yield {"at": history[index - 1].at - MICROSECOND}
    revision = desk.revisions[history[index].workflow_revision - 1]
    yield {"at": revision.at - TOO_FAR}


def of_another_kind(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    kind = history[index].kind
    for other in EntryKind:
        if other is not kind and {kind, other} not in SIMILAR:
            yield {"kind": other}


def with_other_details(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    entry = history[index]
    for other in (None, "", "{", "[]", "{}", '{"allowed_as": []}', "[" * 2_000):
        if other != entry.details:
            yield {"details": other}
    if not entry.actor_bits & 4 and entry.kind is not EntryKind.CREATED:
        yield {"details": '{"allowed_as": ["admin"]}'}
    if entry.kind is EntryKind.NOTE:
        yield {"details": '{"allowed_as": ["requester"]}'}


def with_one_other_detail(_: Desk, history: list[Entry], index: int) -> Iterator[dict[str, Any]]:
    """Yield details with one other value that follows from declarations or from the history."""
    entry = history[index]
    details: dict[str, Any] = json.loads(entry.details or "{}")
    if entry.kind is EntryKind.CREATED:
        yield from _other_openings(entry, details)
    elif targets := details.get(TARGETS_KEY):
        other = {"response": targets["response"] + 1}
        yield {"details": json.dumps(details | {TARGETS_KEY: targets | other})}
        yield {"details": json.dumps({key: details[key] for key in details if key != TARGETS_KEY})}
    later = canonical_timestamp(entry.at + TOO_FAR)
    for key in details.keys() & {"reason", "service", "since", "auto_close_from", "due_at"}:
        if entry.kind is not EntryKind.CREATED:
            yield {"details": json.dumps(details | {key: later})}
    if "grace_period" in details:
        yield {"details": json.dumps(details | {"grace_period": "2s"})}


def _other_openings(entry: Entry, opening: dict[str, Any]) -> Iterator[dict[str, Any]]:
    is_on_behalf = opening["requester"] not in {None, entry.actor}
    others: dict[str, Any] = {
        "title": " ",
        "description": None,
        "priority": "another",
        "workflow": "another",
        "requester": entry.actor if is_on_behalf else "u_stranger",
        "on_behalf_group": "another",
        "assignee": SYSTEM,
        "assignee_group": "",
        "item": "another",
        "service": "another",
        "more": 1,
    }
    if opening["item"] or opening["service"]:
        others |= {"assignee": "u_c4", "assignee_group": "another"}
        others["priority"] = next(each for each in Priority if each != opening["priority"])
    if opening["service"]:
        others["title"] = "another"
    if targets := opening[TARGETS_KEY]:
        others[TARGETS_KEY] = targets | {"response": 0, "calendar": None, "origin": "another"}
    for name, value in others.items():
        yield {"details": json.dumps(opening | {name: value}, ensure_ascii=False)}
    fewer = {key: opening[key] for key in opening if key != "description"}
    yield {"details": json.dumps(fewer, ensure_ascii=False)}


FORGERIES: Final[tuple[Forgery, ...]] = (
    by_a_stranger,
    with_other_roles,
    by_system,
    by_an_admin_instead_of_system,
    from_another_value,
    without_a_change,
    to_an_invalid_value,
    a_transition_that_is_not_allowed,
    of_another_revision,
    at_another_time,
    of_another_kind,
    with_other_details,
    with_one_other_detail,
)


def forged(forgery: Forgery, desk: Desk, history: list[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Yield the number of each entry with a history in which this entry is forged."""
    for index, entry in enumerate(history):
        for changed in forgery(desk, history, index):
            copy = [*history]
            copy[index] = replace(entry, **changed)
            yield index + 1, copy


def with_an_entry_removed(history: list[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Yield histories without an entry whose value a later entry changes again."""
    for index, entry in enumerate(history):
        later = [each for each in history[index + 1 :] if each.kind is entry.kind]
        if entry.kind in WITH_OLD_VALUE and later:
            yield index + 1, renumbered([*history[:index], *history[index + 1 :]])


def with_an_entry_repeated(history: list[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Yield histories in which a change of a value, or a breach, happens twice."""
    for index, entry in enumerate(history):
        if entry.kind in {*WITH_OLD_VALUE, EntryKind.SLA_BREACH}:
            yield index + 2, renumbered([*history[: index + 1], *history[index:]])


def renumbered(history: list[Entry]) -> list[Entry]:
    return [replace(entry, seq=seq) for seq, entry in enumerate(history, 1)]
