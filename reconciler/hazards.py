"""What in a plan can do harm, and what has to be said for it to be applied all the same. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.declaration.models import Readers
from engine.errors import RefusedByGuard
from engine.resources.resource import VISIBILITY, Key, Kind, Resource
from engine.vocabulary import Visibility
from reconciler.diff import Action, Change
from reconciler.impact import is_in_force
from reconciler.plan import Plan, PlannedChange

RETIRED_SHARE_MOST: Final = 0.3
"""The share of the workflows in force that may be retired at once."""


class HazardCode(StrEnum):
    """What can do harm."""

    STRANDS = "strands_tickets"
    STICKS = "blocks_tickets"
    WIDENS = "widens_rights"
    RETIRES_MANY = "retires_many_workflows"


GRAVITY: Final = {code: place for place, code in enumerate(HazardCode)}
WIDENING: Final = "--allow-widening"
MANY_RETIRED: Final = "--allow-many-retired"


@dataclass(frozen=True, slots=True)
class Hazard:
    """One thing in a plan that can do harm.

    Attributes:
        key: the workflow or setting; None if it is about all workflows.
        tickets: how many live tickets it harms.
        remedy: what to add on the command line if it is meant.

    """

    code: HazardCode
    key: Key | None
    message: str
    tickets: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Allowances:
    """What was said to be meant.

    Attributes:
        stranded: how many live tickets may be stranded or stuck, all changes together.
        widening: rights may be widened.
        many_retired: more than 30 % of the workflows may be retired at once.

    """

    stranded: int = 0
    widening: bool = False
    many_retired: bool = False


NOTHING_HARMFUL: Final = Allowances()
"""What is allowed if nobody says anything."""


def hazards(plan: Plan) -> tuple[Hazard, ...]:
    """Return everything in a plan that can do harm, whatever is allowed; gravest first."""
    remedy = f"--max-stranded {harmed_by(plan)}"
    found = [hazard for planned in plan.changes for hazard in hazards_of(planned, remedy)]
    return tuple(sorted([*found, *of_many(plan)], key=lambda hazard: GRAVITY[hazard.code]))


def harmed_by(plan: Plan) -> int:
    """Return how many live tickets a plan strands or gets stuck, all changes together."""
    impacts = [planned.impact for planned in plan.changes]
    return sum(impact.stranded.tickets + impact.stuck.tickets for impact in impacts)


def hazards_of(planned: PlannedChange, max_stranded: str) -> Iterator[Hazard]:
    """Yield what one change can do."""
    key, stranded, stuck = planned.change.key, planned.impact.stranded, planned.impact.stuck
    if stranded.tickets:
        message = f"{key.name} is retired, and {counted(stranded.tickets)} can't be moved any more."
        yield Hazard(HazardCode.STRANDS, key, message, stranded.tickets, max_stranded)
    if stuck.tickets:
        where = ", ".join(stuck.by_status)
        message = f"{key.name}: nobody can move {counted(stuck.tickets)} on from {where} any more."
        yield Hazard(HazardCode.STICKS, key, message, stuck.tickets, max_stranded)
    if planned.widens:
        moves = ", ".join(f"{m.source} -> {m.target}" for m in planned.transitions if m.widens)
        message = f"{key.name} lets more people do more: {moves}."
        yield Hazard(HazardCode.WIDENS, key, message, planned.impact.gaining.tickets, WIDENING)
    if opens_tickets(planned.change):
        message = "Everyone who is signed in may read every ticket."
        yield Hazard(HazardCode.WIDENS, key, message, 0, WIDENING)


def opens_tickets(change: Change) -> bool:
    """Tell whether tickets that were for the involved only are for everyone now."""
    if change.key != Key(Kind.SETTING, VISIBILITY):
        return False
    before, after = readers_in(change.before), readers_in(change.after)
    return (before, after) == (Visibility.INVOLVED, Visibility.EVERYONE)


def readers_in(setting: Resource | None) -> Visibility:
    """Return who may read tickets by a setting: everyone, where none is in force."""
    declared = setting.model if setting is not None and is_in_force(setting) else None
    return declared.readers if isinstance(declared, Readers) else Visibility.EVERYONE


def of_many(plan: Plan) -> Iterator[Hazard]:
    """Yield the hazard of retiring too large a share of the workflows."""
    retired = sum(
        planned.change.key.kind is Kind.WORKFLOW and planned.change.action is Action.RETIRE
        for planned in plan.changes
    )
    if retired > RETIRED_SHARE_MOST * plan.workflows:
        message = (
            f"{retired} of {plan.workflows} workflows are retired at once,"
            f" more than {RETIRED_SHARE_MOST:.0%}."
        )
        yield Hazard(HazardCode.RETIRES_MANY, None, message, 0, MANY_RETIRED)


def counted(tickets: int) -> str:
    """Return a number of live tickets for people."""
    return f"{tickets:,} live ticket{'' if tickets == 1 else 's'}"


def check_guards(plan: Plan, allowed: Allowances) -> None:
    """Refuse a plan that can do harm which nobody said is meant.

    Raises:
        RefusedByGuard: with every hazard that is not allowed, and what to add for each.

    """
    is_allowed = {
        HazardCode.STRANDS: harmed_by(plan) <= allowed.stranded,
        HazardCode.STICKS: harmed_by(plan) <= allowed.stranded,
        HazardCode.WIDENS: allowed.widening,
        HazardCode.RETIRES_MANY: allowed.many_retired,
    }
    refused = [hazard for hazard in hazards(plan) if not is_allowed[hazard.code]]
    if refused:
        raise RefusedByGuard(
            "\n".join(f"{each.message} If it is meant, add {each.remedy}." for each in refused),
            hazards=[
                {"code": each.code, "message": each.message, "tickets": each.tickets}
                | {"remedy": each.remedy}
                for each in refused
            ],
        )
