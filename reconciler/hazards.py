"""The parts of a plan that can do harm, and the flags that acknowledge them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.declaration.models import Readers
from engine.errors import RefusedByGuard
from engine.resources.resource import VISIBILITY, Key, Kind, Resource, is_active
from engine.vocabulary import Visibility
from reconciler.diff import Change
from reconciler.plan import Plan, PlannedChange
from reconciler.plural import plural

_RETIRED_SHARE_MOST: Final = 0.3
"""The share of the active workflows that a plan can retire without a hazard."""
_ALLOW_WIDENING: Final = "--allow-widening"


class HazardCode(StrEnum):
    """What a hazard does; the most severe comes first."""

    STRANDS_TICKETS = "strands_tickets"
    BLOCKS_TICKETS = "blocks_tickets"
    WIDENS_RIGHTS = "widens_rights"
    RETIRES_MANY_WORKFLOWS = "retires_many_workflows"


_BY_SEVERITY: Final = tuple(HazardCode)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A part of a plan that can do harm.

    Attributes:
        key: the workflow or setting; None if the hazard is about all workflows.
        tickets: the number of live tickets that are harmed.
        remedy: the command-line flag that acknowledges the hazard.

    """

    code: HazardCode
    key: Key | None
    message: str
    tickets: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Allowances:
    """The hazards that the caller acknowledges; by default none.

    Attributes:
        stranded: how many live tickets a plan can strand or get stuck, over all changes.
        widening: whether a plan can widen rights.
        many_retired: whether a plan can retire more than 30 % of the active workflows.

    """

    stranded: int = 0
    widening: bool = False
    many_retired: bool = False


def hazards(plan: Plan) -> tuple[Hazard, ...]:
    """Return all hazards of a plan, the most severe first."""
    max_stranded = f"--max-stranded {count_stranded_or_stuck(plan)}"
    found = [hazard for change in plan.changes for hazard in _hazards_of(change, max_stranded)]
    found += _retires_many(plan)
    return tuple(sorted(found, key=lambda hazard: _BY_SEVERITY.index(hazard.code)))


def count_stranded_or_stuck(plan: Plan) -> int:
    """Return how many live tickets a plan strands or gets stuck, over all changes."""
    impacts = [change.impact for change in plan.changes]
    return sum(impact.stranded.tickets + impact.stuck.tickets for impact in impacts)


def _hazards_of(change: PlannedChange, max_stranded: str) -> Iterator[Hazard]:
    """Yield the hazards of one change; `max_stranded` is the flag for all of them."""
    impact = change.impact
    if count := impact.stranded.tickets:
        message = f"Retiring {change.key} strands {plural(count, 'live ticket')}."
        yield Hazard(HazardCode.STRANDS_TICKETS, change.key, message, count, max_stranded)
    if count := impact.stuck.tickets:
        message = (
            f"Under {change.key}, no user can move {plural(count, 'live ticket')}"
            f" from {', '.join(impact.stuck.by_status)}."
        )
        yield Hazard(HazardCode.BLOCKS_TICKETS, change.key, message, count, max_stranded)
    if change.widens:
        widened = ", ".join(
            f"{each.source} -> {each.target}" for each in change.transitions if each.widens
        )
        message = f"Under {change.key}, more users can make these transitions: {widened}."
        count = impact.gaining.tickets
        yield Hazard(HazardCode.WIDENS_RIGHTS, change.key, message, count, _ALLOW_WIDENING)
    if _makes_tickets_public(change):
        message = "All signed-in users can read every ticket."
        yield Hazard(HazardCode.WIDENS_RIGHTS, change.key, message, 0, _ALLOW_WIDENING)


def _makes_tickets_public(change: Change) -> bool:
    """Return whether users gain access to tickets that they are not involved in."""
    if change.key != Key(Kind.SETTING, VISIBILITY):
        return False
    before, after = _visibility(change.before), _visibility(change.after)
    return (before, after) == (Visibility.INVOLVED, Visibility.EVERYONE)


def _visibility(setting: Resource | None) -> Visibility:
    """Return the visibility that a setting declares; without an active setting, the default."""
    declared = setting.model if is_active(setting) else None
    return declared.readers if isinstance(declared, Readers) else Visibility.EVERYONE


def _retires_many(plan: Plan) -> Iterator[Hazard]:
    """Yield a hazard if a plan retires too large a share of the active workflows."""
    retired = sum(change.retires_workflow for change in plan.changes)
    if retired > _RETIRED_SHARE_MOST * plan.workflows:
        message = (
            f"The plan retires {retired} of {plural(plan.workflows, 'active workflow')},"
            f" more than {_RETIRED_SHARE_MOST:.0%}."
        )
        code = HazardCode.RETIRES_MANY_WORKFLOWS
        yield Hazard(code, None, message, 0, "--allow-many-retired")


def check_guards(plan: Plan, allowed: Allowances) -> None:
    """Raise RefusedByGuard if a plan has hazards that are not acknowledged.

    Raises:
        RefusedByGuard: with every such hazard and the flag that acknowledges it.

    """
    is_within_limit = count_stranded_or_stuck(plan) <= allowed.stranded
    is_allowed = {
        HazardCode.STRANDS_TICKETS: is_within_limit,
        HazardCode.BLOCKS_TICKETS: is_within_limit,
        HazardCode.WIDENS_RIGHTS: allowed.widening,
        HazardCode.RETIRES_MANY_WORKFLOWS: allowed.many_retired,
    }
    refused = [hazard for hazard in hazards(plan) if not is_allowed[hazard.code]]
    if refused:
        lines = ["The plan has hazards that were not acknowledged; pass the listed flags."]
        lines += [f"{each.remedy}: {each.message}" for each in refused]
        names = ("code", "message", "tickets", "remedy")
        details = [{name: getattr(each, name) for name in names} for each in refused]
        raise RefusedByGuard("\n".join(lines), hazards=details)
