"""Resolvers: plans, which are only looked at here."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.findings import Location
from reconciler.diff import Action
from reconciler.document import document_of
from reconciler.dry_run import dry_run
from reconciler.hazards import Hazard, hazards
from reconciler.impact import Affected, Impact
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.report import as_markdown, as_text

resolvers: Final = Resolvers()

Fields = dict[str, object]


class OfValues(TypedDict):
    """The arguments of `Query.reconcilePlan`."""

    values: str


@resolvers.field("Query.reconcilePlan")
async def reconcile_plan(
    _parent: object, arguments: OfValues, context: RequestContext, _info: object
) -> Plan:
    """Return what a values file would change."""
    return await dry_run(context.database, context.actor, arguments["values"])


@resolvers.field("Plan.summary")
async def summary(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> Fields:
    """Return how many resources are changed in which way."""
    return {action.value: plan.count(action) for action in Action}


@resolvers.field("Plan.hazards")
async def plan_hazards(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> list[Hazard]:
    """Return everything in a plan that can do harm."""
    return list(hazards(plan))


@resolvers.field("Plan.changes")
async def changes(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> list[Fields]:
    """Return the changes of a plan."""
    return [change_fields(planned) for planned in plan.changes]


@resolvers.field("Plan.text")
async def text(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return a plan for a terminal, without colour."""
    return as_text(plan).plain


@resolvers.field("Plan.markdown")
async def markdown(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return a plan for a pull request."""
    return as_markdown(plan)


@resolvers.field("Plan.document")
async def document(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return a plan as its document."""
    return document_of(plan)


def change_fields(planned: PlannedChange) -> Fields:
    """Return the fields of a change."""
    change = planned.change
    return {
        "kind": change.key.kind.name,
        "name": change.key.name,
        "action": change.action.name,
        "at": planned.at and place_fields(planned.at),
        "transitions": [transition_fields(move) for move in planned.transitions],
        "impact": impact_fields(planned.impact),
    }


def place_fields(at: Location) -> Fields:
    """Return the fields of a place."""
    return {"line": at.line, "column": at.column}


def transition_fields(move: TransitionChange) -> Fields:
    """Return the fields of a transition that changes."""
    return {
        "from": move.source,
        "to": move.target,
        "before": move.before and move.before.name,
        "after": move.after and move.after.name,
        "effect": move.effect.name,
    }


def impact_fields(impact: Impact) -> Fields:
    """Return the fields of an impact."""
    return {
        "stranded": affected_fields(impact.stranded),
        "stuck": affected_fields(impact.stuck),
        "gaining": affected_fields(impact.gaining),
        "losing": affected_fields(impact.losing),
        "items": list(impact.items),
    }


def affected_fields(affected: Affected) -> Fields:
    """Return the fields of tickets that are affected in one way."""
    by_status = affected.by_status.items()
    return {
        "tickets": affected.tickets,
        "byStatus": [{"status": status, "tickets": tickets} for status, tickets in by_status],
        "examples": list(affected.examples),
    }
