"""A plan -> its document."""

import json
import re
from collections.abc import Iterable
from datetime import UTC
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

import orjson
from pydantic import JsonValue

from engine.findings import Location
from engine.gc_pause import gc_paused
from engine.resources.resource import Key, Resource
from engine.tickets.history import RecordedTransitions
from reconciler.diff import Action
from reconciler.document import form
from reconciler.hazards import Hazard, hazards
from reconciler.impact import LIVE_STATUSES, NO_IMPACT, Affected, Impact
from reconciler.permissions_diff import TransitionChange
from reconciler.plan import Plan, PlannedChange
from reconciler.replay import Replay

NOT_PLAIN: Final = re.compile(r"[^\n -~]")
"""Whatever is neither printable ASCII nor the end of a line."""

JsonObject: TypeAlias = dict[str, JsonValue]


class Written(NamedTuple):
    """A plan's document with its id, for whoever needs both."""

    id: str
    text: str


def document_of(plan: Plan) -> str:
    """Return a plan as JSON: the same text for the same plan, and nothing in it but ASCII.

    Other characters are written as escapes, so that the text survives every encoding on its way
    and shows whatever else would be invisible in it.
    """
    return written(plan).text


def plan_id(plan: Plan) -> str:
    """Return SHA-256, in hex, over everything else that the plan's document says."""
    return digest_of(content_of(plan))


def written(plan: Plan) -> Written:
    """Return a plan's document and its id."""
    data = data_of(plan)
    return Written(str(data["id"]), text_of(data))


def text_of(data: JsonObject) -> str:
    """Return a document's text, just as `json` writes it with an indent of 2, at C's speed."""
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    return NOT_PLAIN.sub(escaped, text) + "\n"


def escaped(found: re.Match[str]) -> str:
    """Return a character as the escape that JSON has for it."""
    return json.dumps(found[0])[1:-1]


@gc_paused()
def data_of(plan: Plan) -> JsonObject:
    """Return a plan's document as plain values, the id in the second place."""
    content = content_of(plan)
    return {"format": content["format"], "id": digest_of(content), **content}


def digest_of(content: JsonObject) -> str:
    """Return SHA-256, in hex, over canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def content_of(plan: Plan) -> JsonObject:
    """Return what a plan's document says, the id aside."""
    content = form.Content(
        format=form.FORMAT,
        created_at=plan.created_at.astimezone(UTC),
        source=plan.source,
        files=plan.files,
        summary=summary_of(plan),
        hazards=tuple(map(hazard_part, hazards(plan))),
        changes=tuple(map(change_part, plan.changes)),
        replay=None if plan.replay is None else replay_part(plan.replay),
        digests=digests_of(plan),
    )
    return content.model_dump(mode="json", by_alias=True)


def summary_of(plan: Plan) -> form.SummaryPart:
    """Return how much happens."""
    return form.SummaryPart(
        create=plan.count(Action.CREATE),
        update=plan.count(Action.UPDATE),
        retire=plan.count(Action.RETIRE),
        revive=plan.count(Action.REVIVE),
        workflows=plan.workflows,
    )


def digests_of(plan: Plan) -> form.DigestsPart:
    """Return the digests of what the plan is about, before and after."""
    changes = [planned.change for planned in plan.changes]
    return form.DigestsPart(
        live=digest_of_resources((each.key, each.before) for each in changes),
        desired=digest_of_resources((each.key, each.after) for each in changes),
    )


def digest_of_resources(resources: Iterable[tuple[Key, Resource | None]]) -> str:
    """Return SHA-256, in hex, over resources in whatever order; None for one that is not there."""
    lines = sorted(f"{key} {'' if each is None else each.digest}" for key, each in resources)
    return sha256("\n".join(lines).encode()).hexdigest()


def hazard_part(hazard: Hazard) -> form.HazardPart:
    """Return a hazard."""
    return form.HazardPart(
        code=hazard.code,
        key=None if hazard.key is None else form.KeyPart(**hazard.key._asdict()),
        message=hazard.message,
        tickets=hazard.tickets,
        remedy=hazard.remedy,
    )


def change_part(planned: PlannedChange) -> form.ChangePart:
    """Return a change with what it means."""
    change = planned.change
    return form.ChangePart(
        kind=change.key.kind,
        name=change.key.name,
        action=change.action,
        at=None if planned.at is None else place_part(planned.at),
        before=None if change.before is None else resource_part(change.before),
        after=resource_part(change.after),
        before_digest=None if change.before is None else change.before.digest,
        after_digest=change.after.digest,
        transitions=tuple(map(transition_part, planned.transitions)),
        impact=impact_part(planned.impact),
    )


def place_part(at: Location) -> form.PlacePart:
    """Return a place."""
    return form.PlacePart(file=at.file, line=at.line, column=at.column)


def resource_part(resource: Resource) -> form.ResourcePart:
    """Return a resource as it stands."""
    declaration = json.loads(resource.declaration)
    return form.ResourcePart(retired=resource.retired, declaration=declaration)


def transition_part(move: TransitionChange) -> form.TransitionPart:
    """Return a changed transition."""
    return form.TransitionPart(
        source=move.source,
        target=move.target,
        before=move.before,
        after=move.after,
        effect=move.effect,
    )


def impact_part(impact: Impact) -> form.ImpactPart:
    """Return what a change means for tickets; of most it is the same: nothing."""
    return NO_IMPACT_PART if impact == NO_IMPACT else told_impact(impact)


def told_impact(impact: Impact) -> form.ImpactPart:
    """Return what a change means for tickets, part by part."""
    return form.ImpactPart(
        stranded=affected_part(impact.stranded),
        stuck=affected_part(impact.stuck),
        gaining=affected_part(impact.gaining),
        losing=affected_part(impact.losing),
        items=impact.items,
    )


def affected_part(affected: Affected) -> form.AffectedPart:
    """Return tickets that are affected in one way, in the order of the statuses."""
    counts = affected.by_status
    return form.AffectedPart(
        tickets=affected.tickets,
        by_status={status: counts[status] for status in LIVE_STATUSES if status in counts},
        examples=affected.examples,
    )


NO_IMPACT_PART: Final = told_impact(NO_IMPACT)


def replay_part(replay: Replay) -> form.ReplayPart:
    """Return what a replay found."""
    return form.ReplayPart(
        days=replay.days,
        times=replay.times,
        refused=tuple(map(refused_part, replay.refused)),
    )


def refused_part(moves: RecordedTransitions) -> form.RefusedPart:
    """Return recorded transitions of one kind."""
    return form.RefusedPart(
        workflow=moves.workflow,
        source=moves.source,
        target=moves.target,
        held=moves.held.names,
        times=moves.times,
        actors=moves.actors,
        examples=moves.examples,
    )
