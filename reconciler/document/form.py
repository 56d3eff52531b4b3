"""What stands in a plan's document: its models, from which its JSON Schema is made."""

import json
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
)
from pydantic.alias_generators import to_camel

from engine.resources.resource import Kind
from engine.vocabulary import Role, Status
from reconciler.diff import Action
from reconciler.hazards import HazardCode
from reconciler.permissions_diff import Effect

FORMAT: Final = "interlock-plan/1"
"""It grows by one when a document can't be read any more as it was."""

COUNT_MOST: Final = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly (RFC 8259, section 6)."""


def in_utc(moment: AwareDatetime) -> AwareDatetime:
    """Return a moment that is told in UTC; ValueError for any other."""
    if moment.utcoffset() != timedelta(0):
        raise ValueError("must be in UTC, such as 2026-01-31T12:00:00Z")
    return moment


Count = Annotated[int, Field(ge=0, le=COUNT_MOST)]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Part(BaseModel):
    """The base of every part: camelCase in JSON, immutable, and no unknown key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )


class PlacePart(Part):
    """A place in a values file."""

    file: str
    """Its path, as it was given."""
    line: Annotated[int, Field(ge=1)]
    """Counted from 1."""
    column: Annotated[int, Field(ge=1)]
    """In characters, counted from 1."""


class KeyPart(Part):
    """Which resource something is about."""

    kind: Kind
    """What it is."""
    name: str
    """Its name; of a service, its path."""


class ResourcePart(Part):
    """A resource as it stands."""

    retired: bool
    """It was declared once and is no more."""
    declaration: dict[str, JsonValue]
    """As under `ticketing:`, with every default written out."""


class TransitionPart(Part):
    """A transition that is declared for others than before."""

    source: Annotated[Status, Field(alias="from")]
    """The status that it leads from."""
    target: Annotated[Status, Field(alias="to")]
    """The status that it leads to."""
    before: Role | None
    """Who may make it before; null if it is not declared."""
    after: Role | None
    """Who may make it after; null if it is not declared."""
    effect: Effect
    """What that means."""


class AffectedPart(Part):
    """Live tickets that are affected in one way."""

    tickets: Count
    """How many."""
    by_status: dict[Status, Annotated[Count, Field(ge=1)]]
    """How many, by the status that they stand in; only statuses that have any."""
    examples: tuple[str, ...]
    """The ids of a few."""


class ImpactPart(Part):
    """What a change means for live tickets, those that are not CLOSED, and for the catalog."""

    stranded: AffectedPart
    """Their workflow is retired; they can't be moved until it is declared again."""
    stuck: AffectedPart
    """Nobody can move them on any more from where they stand, and somebody could before."""
    gaining: AffectedPart
    """Somebody may make a move from where they stand who could not before."""
    losing: AffectedPart
    """Somebody may make a move no more from where they stand."""
    items: tuple[str, ...]
    """The catalog items, declared until now, that use the workflow which is retired."""


class ChangePart(Part):
    """One resource that becomes another."""

    kind: Kind
    """What it is."""
    name: str
    """Its name; of a service, its path."""
    action: Action
    """What happens to it."""
    at: PlacePart | None
    """Where it is declared; null for a default, and for what is retired."""
    before: ResourcePart | None
    """As it was when the plan was made; null if there was none of that name ever."""
    after: ResourcePart
    """What it becomes."""
    before_digest: Digest | None
    """SHA-256 of `before`; the plan is stale when the live resource has another."""
    after_digest: Digest
    """SHA-256 of `after`."""
    transitions: tuple[TransitionPart, ...]
    """The transitions that differ; of a new workflow, all of them."""
    impact: ImpactPart
    """On live tickets, as they stood when the plan was made."""


class HazardPart(Part):
    """One thing that can do harm."""

    code: HazardCode
    """Which harm."""
    key: KeyPart | None
    """The workflow; null if it is about all of them."""
    message: str
    """The harm in one sentence."""
    tickets: Count
    """How many live tickets it harms."""
    remedy: str
    """What to add on the command line if it is meant."""


class RefusedPart(Part):
    """Recorded transitions of one kind that would have been refused."""

    workflow: str
    """The workflow of the tickets."""
    source: Annotated[Status, Field(alias="from")]
    """The status that they led from."""
    target: Annotated[Status, Field(alias="to")]
    """The status that they led to."""
    held: tuple[str, ...]
    """What those who made them were towards the tickets."""
    times: Count
    """How many transitions."""
    actors: Count
    """How many people made them."""
    examples: tuple[str, ...]
    """The ids of a few of these people."""


class ReplayPart(Part):
    """The recorded transitions of the last days, judged by the proposed workflows."""

    days: Count
    """How far the window reaches back."""
    times: Count
    """How many transitions were judged."""
    refused: tuple[RefusedPart, ...]
    """Those that would have been refused, most frequent first."""


class SummaryPart(Part):
    """How many resources each action happens to."""

    create: Count
    """New ones."""
    update: Count
    """Those that differ."""
    retire: Count
    """Those that are no longer declared."""
    revive: Count
    """Those that were retired and are declared again."""
    workflows: Count
    """How many workflows were in force when the plan was made."""


class DigestsPart(Part):
    """SHA-256 over everything that the plan is about."""

    live: Digest
    """As it was when the plan was made."""
    desired: Digest
    """As it becomes."""


class Content(Part):
    """Everything in a plan but its id."""

    format: Literal["interlock-plan/1"]
    """The version of this form."""
    created_at: Moment
    """When the plan was made, in UTC."""
    source: str
    """Where the declaration came from, such as `git:abc123`."""
    files: tuple[str, ...]
    """The values files, and the `--set` and `--set-string` arguments, that it was read from."""
    summary: SummaryPart
    """How much happens."""
    hazards: tuple[HazardPart, ...]
    """What in the plan can do harm, gravest first."""
    changes: tuple[ChangePart, ...]
    """In the order in which they are applied."""
    replay: ReplayPart | None
    """What recorded transitions would have been refused; null if that was not asked for."""
    digests: DigestsPart
    """What it was made for, and what it makes."""


class PlanDocument(Content):
    """A plan: what would be changed, what it means, and what has to be so when it is applied."""

    id: Digest
    """SHA-256 over everything else in the document; a plan is applied once."""


def schema_text() -> str:
    """Return the JSON Schema of a plan's document, which stands in docs/plan.schema.json."""
    schema = PlanDocument.model_json_schema(by_alias=True)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=2) + "\n"
