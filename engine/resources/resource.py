"""Resources: declared things as values that can be compared and stored."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias, TypeGuard

from pydantic import ValidationError

from engine.declaration.defaults import default_workflows
from engine.declaration.fields import Declared
from engine.declaration.models import (
    AutoClose,
    CatalogItem,
    Category,
    Groups,
    OnBehalf,
    Readers,
    Service,
    Switch,
    Ticketing,
    Webhook,
    Workflow,
)
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.declaration.status_page_models import GroupTargets, MaintenancePlan, StatusPage
from engine.errors import CorruptRecord
from engine.validation_messages import describe_error_at
from engine.workflows.compiler import CompiledWorkflow, compile_workflow


class Kind(StrEnum):
    """The kind of a resource. Resources refer only to resources of earlier kinds."""

    WORKFLOW = "workflow"
    CATEGORY = "category"
    CALENDAR = "calendar"
    ITEM = "item"
    SERVICE = "service"
    WEBHOOK = "webhook"
    SETTING = "setting"


_MODELS: Final[Mapping[Kind, type[Declared]]] = {
    Kind.WORKFLOW: Workflow,
    Kind.CATEGORY: Category,
    Kind.CALENDAR: WorkingCalendar,
    Kind.ITEM: CatalogItem,
    Kind.SERVICE: Service,
    Kind.WEBHOOK: Webhook,
}
"""The model of each kind except settings."""

AUTO_CLOSE: Final = "autoClose"
SLA: Final = "sla"
ENABLED: Final = "enabled"
VISIBILITY: Final = "visibility"
GROUPS: Final = "groups"
ON_BEHALF: Final = "onBehalf"
SLA_TARGETS: Final = "slaTargets"
STATUS_PAGE: Final = "statusPage"
MAINTENANCE: Final = "maintenance"
SETTINGS: Final[Mapping[str, type[Declared]]] = {
    ENABLED: Switch,
    AUTO_CLOSE: AutoClose,
    SLA: PrioritySla,
    VISIBILITY: Readers,
    GROUPS: Groups,
    ON_BEHALF: OnBehalf,
    SLA_TARGETS: GroupTargets,
    STATUS_PAGE: StatusPage,
    MAINTENANCE: MaintenancePlan,
}
"""The model of each setting, by its key in the section."""


class Key(NamedTuple):
    """The unique key of a resource."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def model_of(key: Key) -> type[Declared]:
    """Return the model of a resource; raise KeyError for an unknown setting."""
    return SETTINGS[key.name] if key.kind is Kind.SETTING else _MODELS[key.kind]


_KIND_ORDER: Final = {kind: position for position, kind in enumerate(Kind)}


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Sort keys so that resources come after those that they refer to."""
    return sorted(keys, key=lambda key: (_KIND_ORDER[key.kind], key.name))


@dataclass(frozen=True)
class Resource:
    """A declared thing.

    Attributes:
        declaration: canonical JSON. Declarations with the same meaning have the same text.
        retired: whether it is no longer declared. References to it are kept.

    """

    key: Key
    declaration: str
    retired: bool = False

    @classmethod
    def of(cls, kind: Kind, name: str, model: Declared) -> "Resource":
        """Return the resource of a model."""
        return cls(Key(kind, name), _canonical_text(model))

    @cached_property
    def model(self) -> Declared:
        """The declaration as a model.

        Raises:
            CorruptRecord: it is not valid, so it is not what was declared.

        """
        try:
            return model_of(self.key).model_validate(json.loads(self.declaration))
        except (LookupError, RecursionError, ValueError) as error:
            raise _corrupt(self.key, error) from error

    @property
    def workflow(self) -> Workflow:
        """The declared workflow; raises TypeError for other kinds."""
        if not isinstance(self.model, Workflow):
            raise TypeError(f"{self.key} is not a workflow.")
        return self.model

    @cached_property
    def compiled(self) -> CompiledWorkflow:
        """The compiled workflow; raises TypeError for other kinds."""
        return compile_workflow(self.workflow)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the declaration and of whether it is retired, in hex."""
        state = "retired" if self.retired else "declared"
        return sha256(f"{state} {self.declaration}".encode()).hexdigest()


def _corrupt(key: Key, error: Exception) -> CorruptRecord:
    reason = "it is not valid"
    if isinstance(error, ValidationError):
        first, *_ = error.errors(include_url=False, include_input=False)
        reason = describe_error_at(first)
    return CorruptRecord(
        f"The stored declaration of {key} cannot be read: {reason}."
        " `interlock history verify` shows what else was changed."
    )


Snapshot: TypeAlias = Mapping[Key, Resource]
"""All resources, retired ones included."""


def is_active(resource: Resource | None) -> TypeGuard[Resource]:
    """Return whether a resource exists and is not retired."""
    return resource is not None and not resource.retired


def _canonical_text(model: Declared) -> str:
    """Return canonical JSON: keys, transitions, events and groups are sorted, defaults included."""
    data = model.model_dump(mode="json", by_alias=True)
    if isinstance(model, Workflow):
        data["transitions"].sort(key=itemgetter("from", "to"))
    if isinstance(model, Webhook) and model.events:
        data["events"] = sorted({*model.events})
    if isinstance(model, Groups | OnBehalf):
        data["groups"].sort()
    if isinstance(model, GroupTargets):
        data["targets"].sort(key=itemgetter("slaGroup"))
    if isinstance(model, MaintenancePlan):
        data["windows"].sort(key=itemgetter("name"))
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def declared_resources(ticketing: Ticketing) -> dict[Key, Resource]:
    """Return all resources of a valid declaration, including the chosen default workflows.

    A declared workflow replaces the default workflow of the same name.
    """
    chosen = ticketing.default_workflows
    if isinstance(chosen, bool):
        defaults = default_workflows() if chosen else ()
    else:
        defaults = tuple(each for each in default_workflows() if each.name in chosen)
    workflows = [*defaults, *ticketing.workflows]
    catalog = ticketing.catalog
    resources = [
        *(Resource.of(Kind.WORKFLOW, each.name, each) for each in workflows),
        *(Resource.of(Kind.CATEGORY, each.name, each) for each in catalog.categories),
        *(Resource.of(Kind.CALENDAR, each.name, each) for each in ticketing.calendars),
        *(Resource.of(Kind.ITEM, each.name, each) for each in catalog.items),
        *(Resource.of(Kind.SERVICE, each.path, each) for each in ticketing.services),
        Resource.of(Kind.SETTING, ENABLED, Switch(enabled=ticketing.enabled)),
        *(Resource.of(Kind.WEBHOOK, each.name, each) for each in ticketing.webhooks),
        Resource.of(Kind.SETTING, AUTO_CLOSE, ticketing.auto_close),
        Resource.of(Kind.SETTING, SLA, ticketing.sla),
        Resource.of(Kind.SETTING, VISIBILITY, Readers(readers=ticketing.visibility)),
        Resource.of(Kind.SETTING, GROUPS, Groups(groups=ticketing.groups)),
        Resource.of(Kind.SETTING, ON_BEHALF, OnBehalf(groups=ticketing.on_behalf)),
        *_status_page_settings(ticketing),
    ]
    return {resource.key: resource for resource in resources}


def _status_page_settings(ticketing: Ticketing) -> Iterator[Resource]:
    """Yield the settings of the status page that are not as in an empty declaration.

    Unlike the others, they are retired when they are no longer declared.
    """
    if ticketing.sla_targets:
        targets = GroupTargets(targets=ticketing.sla_targets)
        yield Resource.of(Kind.SETTING, SLA_TARGETS, targets)
    if ticketing.status_page != StatusPage():
        yield Resource.of(Kind.SETTING, STATUS_PAGE, ticketing.status_page)
    if ticketing.maintenance:
        windows = MaintenancePlan(windows=ticketing.maintenance)
        yield Resource.of(Kind.SETTING, MAINTENANCE, windows)


@cache
def default_resources() -> Snapshot:
    """Return the resources of an empty declaration: the default workflows and settings."""
    return declared_resources(Ticketing())


@cache
def declared_defaults() -> Snapshot:
    """Return the default workflows as resources."""
    workflows = (Resource.of(Kind.WORKFLOW, each.name, each) for each in default_workflows())
    return {resource.key: resource for resource in workflows}
