"""Parses the document of a plan; everything that follows from its other parts is verified."""

import json
from collections.abc import Iterator
from datetime import UTC
from itertools import islice, zip_longest
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.errors import CorruptRecord, InvalidPlan
from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.derived_columns import (
    ColumnDrift,
    DerivedColumn,
    column_drift,
    derived_columns,
)
from engine.resources.resource import Key, Kind, Resource, in_order
from engine.tickets.history import RecordedTransitions
from engine.validation_messages import describe_error
from engine.vocabulary import ActorRoles
from reconciler.diff import Change, change_of
from reconciler.document.differences import differences, path_of
from reconciler.document.models import (
    AffectedPart,
    ChangePart,
    PlanDocument,
    ReplayPart,
    ResourcePart,
    ServicesPart,
    TicketRepairsPart,
)
from reconciler.document.serialize import document_of, text_of
from reconciler.impact import AffectedServices, AffectedTickets, Impact
from reconciler.plan import Plan, PlannedChange, transitions_of
from reconciler.replay import Replay
from reconciler.ticket_repairs import TicketRepairs

PLAN_BYTES: Final = 64 * 1024 * 1024
"""Ten times the size of a declaration: a plan has it twice, with each transition on several lines.
A document is ASCII, so this is also the limit in characters."""
_ERRORS_MOST: Final = 20
"""Errors of one document that are reported; most others follow from them."""


@gc_paused()
def parse_plan(text: str, file: str) -> Plan:
    """Return the plan that a document holds.

    Args:
        text: exactly as `serialize_plan` wrote it.
        file: the name of the document in error messages.

    Raises:
        InvalidPlan: the text is not a plan, or it was edited or truncated; with all errors, each
            with its JSON path and the expected value.

    """
    document = _parse_document(text, file)
    changes = list(map(_change, document.changes))
    _refuse(file, _resource_errors(changes))
    plan = Plan(
        changes=tuple(map(_planned_change, changes, document.changes)),
        active=document.summary.active,
        declared=document.summary.declared,
        created_at=document.created_at.astimezone(UTC),
        source=document.source,
        base=document.base,
        files=document.files,
        replay=None if document.replay is None else _replay(document.replay),
        tickets=None if document.tickets is None else _ticket_repairs(document.tickets),
    )
    _refuse(file, _change_errors(changes))
    _refuse(file, _ticket_errors(plan.tickets))
    expected = document_of(plan)
    if text != (expected_text := text_of(expected)):
        _refuse(file, differences(expected, json.loads(text)))
        _refuse(file, _first_difference(text, expected_text))
    return plan


def _refuse(file: str, errors: Iterator[str]) -> None:
    """Raise InvalidPlan if there is an error."""
    if found := list(islice(errors, _ERRORS_MOST)):
        raise InvalidPlan("\n".join(f"{file}: {error}" for error in found))


def _parse_document(text: str, file: str) -> PlanDocument:
    if len(text) > PLAN_BYTES:
        raise InvalidPlan(
            f"{file}: has {len(text):,} characters; a plan has at most {PLAN_BYTES:,}."
        )
    try:
        return PlanDocument.model_validate_json(text)
    except ValidationError as error:
        _refuse(file, map(_describe, error.errors(include_url=False, include_input=False)))
        raise


def _describe(error: ErrorDetails, *within: str | int) -> str:
    """Return the message of a validation error, with its JSON path."""
    return f"{path_of((*within, *error['loc']))}: {describe_error(error)}."


def _resource_errors(changes: list[Change]) -> Iterator[str]:
    """Yield the errors of declarations that do not fit the kind and name of their change."""
    for index, change in enumerate(changes):
        for side, resource in (("before", change.before), ("after", change.after)):
            path = ("changes", index, side, "declaration")
            try:
                model = resource and resource.model
            except CorruptRecord as corrupt:
                if isinstance(corrupt.__cause__, ValidationError):
                    details = corrupt.__cause__.errors(include_url=False)
                    yield from (_describe(each, *path) for each in details)
                else:
                    yield f"{path_of(path)}: there is no setting {change.name!a}."
            else:
                name = getattr(
                    model, "path" if change.kind is Kind.SERVICE else "name", change.name
                )
                if name != change.name:
                    yield f"{path_of(path)}: declares {name!a}; the change is of {change.name!a}."


def _change_errors(changes: list[Change]) -> Iterator[str]:
    """Yield the errors of changes that no comparison of resources can result in."""
    keys = [change.key for change in changes]
    if keys != in_order(set(keys)):
        yield "$.changes: each resource must occur once, ordered by kind and name."
    for index, change in enumerate(changes):
        desired = None if change.after.retired else change.after
        if change_of(change.before, desired, change.repairs) != change:
            yield f"{path_of(('changes', index))}: no action leads from `before` to `after`."
        if change.repairs and not _repairs_follow(change):
            path = path_of(("changes", index, "repairs"))
            yield f"{path}: do not follow from the declaration in `before`."


def _repairs_follow(change: Change) -> bool:
    """Return whether the repairs of a change are possible for the resource before it."""
    if change.before is None:
        return False
    latest = (each.declared for each in change.repairs if each.column is DerivedColumn.REVISION)
    stored = derived_columns(change.before) | {
        DerivedColumn.REVISION: (revision := next(latest, None))
    }
    stored |= {each.column: each.stored for each in change.repairs}
    return tuple(column_drift(change.before, stored, revision)) == change.repairs


def _first_difference(text: str, expected: str) -> Iterator[str]:
    """Yield the line at which a text starts to differ from an equivalent one."""
    lines = zip_longest(text.split("\n"), expected.split("\n"))
    line = next(number for number, (one, other) in enumerate(lines, 1) if one != other)
    yield f"line {line} is not as `interlock plan` wrote it; do not format the file."


def _change(part: ChangePart) -> Change:
    key = Key(part.kind, part.name)
    before = None if part.before is None else _resource(key, part.before)
    repairs = tuple(ColumnDrift(**vars(each)) for each in part.repairs)
    return Change(before, _resource(key, part.after), repairs)


def _resource(key: Key, part: ResourcePart) -> Resource:
    """Return a resource with its canonical text; defaults added since then are not filled in."""
    declaration = json.dumps(part.declaration, sort_keys=True, ensure_ascii=False)
    return Resource(key, declaration, retired=part.retired)


def _planned_change(change: Change, part: ChangePart) -> PlannedChange:
    impact = {name: _affected(each) for name, each in part.impact}
    return PlannedChange(
        change.before,
        change.after,
        change.repairs,
        transitions_of(change),
        Impact(**impact),
        None if part.at is None else Location(**vars(part.at)),
    )


def _affected(part: object) -> Any:  # noqa: ANN401  # the field of an impact, whose type it has
    """Return a group of an impact, or another field of it as it is."""
    match part:
        case AffectedPart():
            return AffectedTickets(part.by_status, part.examples)
        case ServicesPart():
            return AffectedServices(part.services, part.examples)
        case _:
            return part


def _ticket_repairs(part: TicketRepairsPart) -> TicketRepairs:
    return TicketRepairs(
        part.compared,
        part.invalid,
        part.tickets,
        part.columns,
        _affected(part.closing),
        _affected(part.breaching),
        part.is_complete,
    )


def _ticket_errors(tickets: TicketRepairs | None) -> Iterator[str]:
    """Yield the errors of repairs that no comparison of tickets can result in."""
    if tickets is None:
        return
    ids, counts = tickets.tickets, tickets.columns
    if list(ids) != sorted({*ids}):
        yield "$.tickets.tickets: each ticket must occur once, in order."
    if bool(ids) != bool(counts) or any(count > len(ids) for count in counts.values()):
        yield "$.tickets.columns: does not fit the tickets."


def _replay(part: ReplayPart) -> Replay:
    refused = (
        RecordedTransitions(**vars(each) | {"held": _roles_named(each.held)})
        for each in part.refused
    )
    return Replay(part.days, part.times, tuple(refused))


def _roles_named(names: tuple[str, ...]) -> ActorRoles:
    """Return the roles with these names; unknown names are ignored, and fail the comparison."""
    return ActorRoles(sum(role for role in ActorRoles if role.names[0] in names))
