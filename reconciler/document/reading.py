"""A document -> the plan; nothing in it is trusted that can be worked out again."""

import json
from collections.abc import Iterator
from datetime import UTC
from functools import reduce
from itertools import islice
from operator import or_
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.declaration.fields import Declared
from engine.declaration.models import (
    AutoClose,
    CatalogItem,
    Category,
    Readers,
    Service,
    Switch,
    Webhook,
    Workflow,
)
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.errors import InvalidPlan
from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import (
    AUTO_CLOSE,
    ENABLED,
    SLA,
    VISIBILITY,
    Key,
    Resource,
    in_order,
    model_of,
)
from engine.tickets.history import RecordedTransitions
from engine.validation_messages import describe_error
from engine.vocabulary import NO_ROLES, ActorRoles
from reconciler.diff import Change, change_of
from reconciler.document import form
from reconciler.document.differences import common_length, differences, path_of
from reconciler.document.writing import data_of, text_of
from reconciler.impact import Affected, Impact
from reconciler.plan import Plan, PlannedChange, transitions_of
from reconciler.replay import Replay

PLAN_BYTES: Final = 64 * 1024 * 1024
"""Ten times a declaration: before and after, with every transition on lines of its own. A document
is ASCII, so its characters are its bytes."""
COMPLAINTS_MOST: Final = 20
"""Complaints about one document that are told; the rest mostly follows from them."""


@gc_paused()
def plan_in(text: str, file: str) -> Plan:
    """Return the plan that a document holds.

    Args:
        text: exactly as `document_of` wrote it.
        file: what to call it in complaints.

    Raises:
        InvalidPlan: it is no plan, or was edited or cut off, with all that is wrong and what was
            expected, each with its JSON path.

    """
    document = parsed(text, file)
    refuse(file, complaints_about_resources(document))
    plan = plan_of(document)
    refuse(file, complaints_about_changes(plan))
    expected = data_of(plan)
    if text != (expected_text := text_of(expected)):
        refuse(file, differences(expected, document.model_dump(mode="json", by_alias=True)))
        refuse(file, first_difference_in(text, expected_text))
    return plan


def refuse(file: str, complaints: Iterator[str]) -> None:
    """Raise InvalidPlan if there is anything to complain about."""
    if told := list(islice(complaints, COMPLAINTS_MOST)):
        raise InvalidPlan("\n".join(f"{file}: {complaint}" for complaint in told))


def parsed(text: str, file: str) -> form.PlanDocument:
    """Return a document of the right form; InvalidPlan for anything else."""
    refuse(file, complaints_about_size(text))
    try:
        return form.PlanDocument.model_validate_json(text)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        refuse(file, map(complaint, told))
        raise


def complaints_about_size(text: str) -> Iterator[str]:
    """Yield that a text is longer than any plan."""
    if len(text) > PLAN_BYTES:
        yield f"has {len(text):,} characters; a plan has at most {PLAN_BYTES:,}."


def complaint(error: ErrorDetails, within: tuple[str | int, ...] = ()) -> str:
    """Return what a model has to say, with the JSON path that it says it about."""
    return f"{path_of((*within, *error['loc']))}: {describe_error(error)}."


def complaints_about_resources(document: form.PlanDocument) -> Iterator[str]:
    """Yield what makes a resource none of its kind and name."""
    for index, change in enumerate(document.changes):
        for side, part in (("before", change.before), ("after", change.after)):
            if part is not None:
                path = ("changes", index, side, "declaration")
                yield from complaints_about_resource(change, part, path)


def complaints_about_resource(
    change: form.ChangePart, part: form.ResourcePart, path: tuple[str | int, ...]
) -> Iterator[str]:
    """Yield what makes one resource none of its kind and name."""
    try:
        name = name_in(model_of(Key(change.kind, change.name)).model_validate(part.declaration))
    except KeyError:
        yield f"{path_of(path)}: there is no setting {change.name!a}."
    except ValidationError as error:
        yield from (complaint(each, path) for each in error.errors(include_url=False))
    else:
        if name != change.name:
            yield f"{path_of(path)}: declares {name!a}; the change is about {change.name!a}."


def name_in(declared: Declared) -> str:
    """Return what a declaration is called."""
    match declared:
        case Workflow() | Category() | WorkingCalendar() | CatalogItem() | Webhook():
            return declared.name
        case Service():
            return declared.path
        case Switch():
            return ENABLED
        case AutoClose():
            return AUTO_CLOSE
        case PrioritySla():
            return SLA
        case Readers():
            return VISIBILITY
        case _:
            raise TypeError(declared)


def complaints_about_changes(plan: Plan) -> Iterator[str]:
    """Yield what no comparison of live and desired resources could have found."""
    changes = [planned.change for planned in plan.changes]
    keys = [change.key for change in changes]
    if keys != in_order(set(keys)):
        yield "$.changes: each resource must stand there once, in the order of kinds and names."
    for index, change in enumerate(changes):
        desired = None if change.after.retired else change.after
        if change_of(change.before, desired) != change:
            yield f"{path_of(('changes', index))}: `before` does not become `after` by any action."


def first_difference_in(text: str, expected: str) -> Iterator[str]:
    """Yield where a text begins to differ from the one that says the same."""
    line = text.count("\n", 0, common_length(text, expected)) + 1
    yield f"line {line} is not as `interlock plan` wrote it; use the file as it was written."


def plan_of(document: form.PlanDocument) -> Plan:
    """Return the plan of a document, with everything worked out that can be."""
    return Plan(
        changes=tuple(map(planned_of, document.changes)),
        workflows=document.summary.workflows,
        created_at=document.created_at.astimezone(UTC),
        source=document.source,
        files=document.files,
        replay=None if document.replay is None else replay_of(document.replay),
    )


def planned_of(part: form.ChangePart) -> PlannedChange:
    """Return a change with what it means."""
    key = Key(part.kind, part.name)
    before = None if part.before is None else resource_of(key, part.before)
    change = Change(before, resource_of(key, part.after))
    at = None if part.at is None else Location(part.at.file, part.at.line, part.at.column)
    return PlannedChange(change, transitions_of(change), impact_of(part.impact), at)


def resource_of(key: Key, part: form.ResourcePart) -> Resource:
    """Return a resource: its text as `canonical_text` wrote it, whatever the defaults were then."""
    declaration = json.dumps(part.declaration, sort_keys=True, ensure_ascii=False)
    return Resource(key, declaration, retired=part.retired)


def impact_of(part: form.ImpactPart) -> Impact:
    """Return what a change means for tickets."""
    return Impact(
        stranded=affected_of(part.stranded),
        stuck=affected_of(part.stuck),
        gaining=affected_of(part.gaining),
        losing=affected_of(part.losing),
        items=part.items,
    )


def affected_of(part: form.AffectedPart) -> Affected:
    """Return tickets that are affected in one way."""
    return Affected(part.by_status, part.examples)


def replay_of(part: form.ReplayPart) -> Replay:
    """Return what a replay found."""
    return Replay(part.days, part.times, tuple(map(refused_of, part.refused)))


def refused_of(part: form.RefusedPart) -> RecordedTransitions:
    """Return recorded transitions of one kind."""
    return RecordedTransitions(
        workflow=part.workflow,
        source=part.source,
        target=part.target,
        held=roles_named(part.held),
        times=part.times,
        actors=part.actors,
        examples=part.examples,
    )


def roles_named(names: tuple[str, ...]) -> ActorRoles:
    """Return the roles of these names; what is no role is left out, and missed when compared."""
    return reduce(or_, (role for role in ActorRoles if role.names[0] in names), NO_ROLES)
