"""Resolvers of plans. GraphQL can make plans, but not apply them."""

import json
from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from reconciler.diff import Action
from reconciler.document.serialize import serialize_plan
from reconciler.dry_run import dry_run
from reconciler.hazards import Hazard, hazards
from reconciler.impact import (
    SERVICE_GROUPS,
    TICKET_GROUPS,
    AffectedServices,
    AffectedTickets,
    Impact,
)
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.report.markdown import as_markdown
from reconciler.report.text import as_text

resolvers: Final = Resolvers()

_Fields = dict[str, object]


class _ReconcilePlanArguments(TypedDict):
    values: str


@resolvers.field("Query.reconcilePlan")
async def reconcile_plan(
    _parent: object, arguments: _ReconcilePlanArguments, context: RequestContext, _info: object
) -> Plan:
    """Return what a values file would change."""
    return await dry_run(context.databases.administration, context.actor, arguments["values"])


@resolvers.field("Plan.summary")
async def summary(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> _Fields:
    """Return the number of changes by action."""
    return {action.value: plan.count(action) for action in Action}


@resolvers.field("Plan.hazards")
async def plan_hazards(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> list[Hazard]:
    """Return the hazards of a plan."""
    return list(hazards(plan))


@resolvers.field("Plan.changes")
async def changes(
    plan: Plan, _arguments: object, _context: RequestContext, _info: object
) -> list[_Fields]:
    """Return the changes of a plan."""
    return [_change_fields(change) for change in plan.changes]


@resolvers.field("Plan.text")
async def text(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return a plan as text without styles."""
    return as_text(plan).plain


@resolvers.field("Plan.markdown")
async def markdown(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return a plan as a comment for a pull request."""
    return as_markdown(plan)


@resolvers.field("Plan.document")
async def document(plan: Plan, _arguments: object, _context: RequestContext, _info: object) -> str:
    """Return the JSON document of a plan."""
    return serialize_plan(plan).text


def _change_fields(change: PlannedChange) -> _Fields:
    return {
        "kind": change.kind.name,
        "name": change.name,
        "action": change.action.name,
        "at": change.at and {"line": change.at.line, "column": change.at.column},
        "repairs": [
            {
                "column": each.column,
                "stored": json.dumps(each.stored),
                "declared": json.dumps(each.declared),
            }
            for each in change.repairs
        ],
        "transitions": [_transition_fields(each) for each in change.transitions],
        "impact": _impact_fields(change.impact),
    }


def _transition_fields(transition: TransitionChange) -> _Fields:
    return {
        "from": transition.source,
        "to": transition.target,
        "before": transition.before and transition.before.name,
        "after": transition.after and transition.after.name,
        "effect": transition.effect.name,
    }


def _impact_fields(impact: Impact) -> _Fields:
    return {
        **{name: _affected_fields(getattr(impact, name)) for name in TICKET_GROUPS},
        **{name: _services_fields(getattr(impact, name)) for name in SERVICE_GROUPS},
        "items": list(impact.items),
    }


def _services_fields(affected: AffectedServices) -> _Fields:
    return {"services": affected.services, "examples": list(affected.examples)}


def _affected_fields(affected: AffectedTickets) -> _Fields:
    by_status = affected.by_status.items()
    return {
        "tickets": affected.tickets,
        "byStatus": [{"status": status, "tickets": tickets} for status, tickets in by_status],
        "examples": list(affected.examples),
    }
