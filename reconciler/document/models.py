"""The models of a plan's document, from which its JSON Schema is made.

The models name the fields once: they are validated from the attributes of a plan to write it, and
from JSON to read it.
"""

import json
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_serializer,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from engine.resources.derived_columns import ColumnValue, DerivedColumn
from engine.resources.resource import Kind
from engine.tickets.ticket import TICKET_ID_PATTERN
from engine.tickets.ticket_drift import DRIFT_COLUMNS
from engine.vocabulary import STATUSES, ActorRoles, Role, Status
from reconciler.diff import Action
from reconciler.hazards import HazardCode
from reconciler.permissions_diff import Effect

FORMAT: Final = "interlock-plan/1"
"""The version of the format. It changes when older documents can no longer be read."""

_COUNT_MOST: Final = 2**53 - 1
"""The largest integer that every JSON reader represents exactly (RFC 8259, section 6)."""


def _require_utc(time: AwareDatetime) -> AwareDatetime:
    if time.utcoffset() != timedelta(0):
        raise ValueError("must be in UTC, such as 2026-01-31T12:00:00Z")
    return time


def _parse_declaration(value: object, info: ValidationInfo) -> object:
    """Parse the declaration of a resource, which is JSON text; a document must have an object."""
    return json.loads(value) if info.mode == "python" and isinstance(value, str) else value


def _check_columns(counts: dict[str, int]) -> dict[str, int]:
    if list(counts) != [column for column in DRIFT_COLUMNS if column in counts]:
        raise ValueError(f"must be some of {', '.join(DRIFT_COLUMNS)}, in this order")
    return counts


def _role_names(value: object) -> object:
    return value.names if isinstance(value, ActorRoles) else value


Count = Annotated[int, Field(ge=0, le=_COUNT_MOST)]
ActiveCounts = dict[Kind, Annotated[Count, Field(ge=1)]]
CountsByStatus = dict[Status, Annotated[Count, Field(ge=1)]]
TicketId = Annotated[str, Field(pattern=f"^{TICKET_ID_PATTERN.pattern}$")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Part(BaseModel):
    """The base of all parts: camelCase in JSON, immutable, no unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        from_attributes=True,
        alias_generator=to_camel,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )


class PlacePart(Part):
    """A place in a values file."""

    file: str
    """The path of the file, as it was given."""
    line: Annotated[int, Field(ge=1)]
    """The line, from 1."""
    column: Annotated[int, Field(ge=1)]
    """The column in characters, from 1."""


class KeyPart(Part):
    """The key of a resource."""

    kind: Kind
    """The kind of the resource."""
    name: str
    """The name of the resource; the path of a service."""


class ResourcePart(Part):
    """The state of a resource."""

    retired: bool
    """Whether the resource was declared before and no longer is."""
    declaration: Annotated[dict[str, JsonValue], BeforeValidator(_parse_declaration)]
    """The declaration as under `ticketing:`, with all default values."""


class RepairPart(Part):
    """A stored value that differs from the one that follows from `before`."""

    column: DerivedColumn
    """What the value is."""
    stored: ColumnValue
    """The value that the database enforces or shows."""
    declared: ColumnValue
    """The value that follows from the declaration in `before`."""


class TransitionPart(Part):
    """A transition that other users can make after the change than before."""

    source: Annotated[Status, Field(alias="from")]
    """The status before the transition."""
    target: Annotated[Status, Field(alias="to")]
    """The status after the transition."""
    before: Role | None
    """The role that can make it before the change; null if it is not declared."""
    after: Role | None
    """The role that can make it after the change; null if it is not declared."""
    effect: Effect
    """How the transition changes."""


class AffectedPart(Part):
    """The tickets that a change affects in one way."""

    tickets: Count = 0
    """The number of tickets."""
    by_status: CountsByStatus = Field(default_factory=dict)
    """The number of tickets in each status; only statuses that have any."""
    examples: tuple[str, ...] = ()
    """A few ticket ids."""

    @field_serializer("by_status")
    def _in_status_order(self, counts: CountsByStatus) -> CountsByStatus:
        return {status: counts[status] for status in STATUSES if status in counts}


class ServicesPart(Part):
    """The services that a change affects in one way."""

    services: Count = 0
    """The number of services."""
    examples: tuple[str, ...] = ()
    """A few of their paths."""


_NO_TICKETS: Final = AffectedPart()
_NO_SERVICES: Final = ServicesPart()


class ImpactPart(Part):
    """How a change affects tickets, services and the catalog; groups without members are left out.

    The groups from `closing` to `abandoned` compare the first hour after the change with an hour
    without the change.
    """

    stranded: AffectedPart = _NO_TICKETS
    """Live tickets whose workflow is retired; no user can move them until it is declared again."""
    stuck: AffectedPart = _NO_TICKETS
    """Live tickets that some users could move before, and no user can after the change."""
    gaining: AffectedPart = _NO_TICKETS
    """Live tickets for which some users gain a transition from their status."""
    losing: AffectedPart = _NO_TICKETS
    """Live tickets for which some users lose a transition from their status."""
    frozen: AffectedPart = _NO_TICKETS
    """Live tickets that cannot be changed, because ticketing is switched off."""
    exposed: AffectedPart = _NO_TICKETS
    """Live tickets that more users can read."""
    keeping: AffectedPart = _NO_TICKETS
    """Live tickets that keep the former assignee group of an item or a service."""
    closing: AffectedPart = _NO_TICKETS
    """Tickets that `system` closes for good."""
    reopening: AffectedPart = _NO_TICKETS
    """Tickets that `system` re-opens, because their service is DOWN again."""
    breaching: AffectedPart = _NO_TICKETS
    """Tickets for which `system` records that they missed an SLA target."""
    commenting: AffectedPart = _NO_TICKETS
    """Tickets on which `system` comments, because the status of their service changed."""
    spared: AffectedPart = _NO_TICKETS
    """Tickets that `system` would have changed, and no longer does."""
    opening: ServicesPart = _NO_SERVICES
    """Services for which `system` opens an outage ticket."""
    abandoned: ServicesPart = _NO_SERVICES
    """Services in an outage that are retired, or for which no ticket is opened."""
    items: tuple[str, ...] = ()
    """The active catalog items that use a workflow which the change retires."""
    published: tuple[str, ...] = ()
    """The groups that the change makes public on the status page."""

    @model_serializer(mode="wrap")
    def _without_empty_groups(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        parts: dict[str, object] = serialize(self)
        return {name: part for name, part in parts.items() if part not in _EMPTY_PARTS}


_EMPTY_PARTS: Final[tuple[object, ...]] = (
    _NO_TICKETS.model_dump(mode="json", by_alias=True),
    _NO_SERVICES.model_dump(mode="json"),
    (),
    [],
)


class ChangePart(Part):
    """A change of one resource."""

    kind: Kind
    """The kind of the resource."""
    name: str
    """The name of the resource; the path of a service."""
    action: Action
    """What the change does to the resource."""
    at: PlacePart | None
    """Where the resource is declared; null for defaults and for retired resources."""
    before: ResourcePart | None
    """The live resource when the plan was made; null if none ever had this name."""
    after: ResourcePart
    """The resource after the change."""
    before_digest: Digest | None
    """SHA-256 of `before`; the plan is stale if the live resource has another digest."""
    after_digest: Digest
    """SHA-256 of `after`."""
    repairs: tuple[RepairPart, ...]
    """The stored values that the change repairs."""
    transitions: tuple[TransitionPart, ...]
    """The transitions that differ from what the database enforces; of a new workflow, all."""
    impact: ImpactPart
    """The impact on the live tickets when the plan was made."""


class HazardPart(Part):
    """A part of the plan that can do harm."""

    code: HazardCode
    """What the hazard does."""
    key: KeyPart | None
    """The resource; null if the hazard is about several resources."""
    message: str
    """A description in one sentence."""
    tickets: Count
    """The number of tickets that are harmed; of services, if the hazard is about outages."""
    remedy: str
    """The command-line flag that acknowledges the hazard."""


class RefusedPart(Part):
    """Recorded transitions of one kind that the plan would have refused."""

    workflow: str
    """The workflow of the tickets."""
    source: Annotated[Status, Field(alias="from")]
    """The status before the transitions."""
    target: Annotated[Status, Field(alias="to")]
    """The status after the transitions."""
    held: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_role_names)]
    """The roles of the actors towards the tickets."""
    times: Count
    """The number of transitions."""
    actors: Count
    """The number of users who made them."""
    examples: tuple[str, ...]
    """The ids of a few of these users."""


class ReplayPart(Part):
    """The recorded transitions of the last days, checked against the proposed workflows."""

    days: Count
    """The length of the replayed period."""
    times: Count
    """The number of transitions in that period."""
    refused: tuple[RefusedPart, ...]
    """The transitions that would have been refused, most frequent first."""


class TicketRepairsPart(Part):
    """The tickets whose stored values differ from what follows from their histories."""

    compared: Count
    """The number of tickets that were compared."""
    invalid: Count
    """The number of other tickets, whose history is invalid; they are not repaired."""
    tickets: tuple[TicketId, ...]
    """The ids of the tickets to repair, in order."""
    columns: Annotated[dict[str, Annotated[Count, Field(ge=1)]], AfterValidator(_check_columns)]
    """How many of them differ in each column."""
    closing: AffectedPart
    """Those that `system` closes within an hour because of the repair."""
    breaching: AffectedPart
    """Those for which `system` records a missed SLA target within an hour because of the repair."""
    is_complete: bool
    """Whether these are all tickets that differ; if not, plan again afterwards."""


class SummaryPart(Part):
    """The number of resources by action."""

    create: Count
    """New resources."""
    update: Count
    """Resources that differ."""
    retire: Count
    """Resources that are no longer declared."""
    revive: Count
    """Retired resources that are declared again."""
    repair: Count
    """Resources that stay as they are, whose stored values differ from their declaration."""
    active: ActiveCounts
    """The number of active resources of each kind when the plan was made."""
    declared: Count
    """The number of declared resources; defaults do not count."""

    @field_serializer("active")
    def _in_kind_order(self, counts: ActiveCounts) -> ActiveCounts:
        return {kind: counts[kind] for kind in Kind if kind in counts}


class DigestsPart(Part):
    """SHA-256 over all resources that the plan changes."""

    live: Digest
    """The resources when the plan was made."""
    desired: Digest
    """The resources after the changes."""


class PlanContent(Part):
    """Everything in a plan except its id."""

    format: Literal["interlock-plan/1"]
    """The version of the format."""
    created_at: Annotated[AwareDatetime, AfterValidator(_require_utc)]
    """When the plan was made, in UTC."""
    source: str
    """Where the declaration came from, such as `git:abc123`."""
    files: tuple[str, ...]
    """The values files and the `--set` and `--set-string` arguments that it was read from."""
    base: str
    """The position after the latest reconciliation when the plan was made."""
    summary: SummaryPart
    """The size of the plan."""
    hazards: tuple[HazardPart, ...]
    """The parts of the plan that can do harm, most severe first."""
    approval: str
    """What `ticketing.approvedPlan` must be to let the plan through despite its hazards."""
    changes: tuple[ChangePart, ...]
    """The changes, in the order in which they are applied."""
    replay: ReplayPart | None
    """The recorded transitions that would have been refused; null if not requested."""
    tickets: TicketRepairsPart | None
    """The tickets to repair; null if they were not compared."""
    digests: DigestsPart
    """The state that the plan expects and the state that it leads to."""


class PlanDocument(PlanContent):
    """A plan: what would change, the impact, and the state of resources that it expects."""

    id: Digest
    """SHA-256 over everything else in the document; a plan is applied once."""


def schema_text() -> str:
    """Return the JSON Schema of a plan's document, the content of `docs/plan.schema.json`."""
    schema = PlanDocument.model_json_schema(by_alias=True)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=2) + "\n"
