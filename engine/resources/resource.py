"""Everything that can be declared, as values that can be compared: one resource a named thing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from engine.declaration.defaults import default_workflows
from engine.declaration.fields import Declared
from engine.declaration.models import (
    AutoClose,
    CatalogItem,
    Category,
    Readers,
    Service,
    Switch,
    Ticketing,
    Webhook,
    Workflow,
)
from engine.declaration.sla_models import PrioritySla, WorkingCalendar
from engine.workflows.compiler import CompiledWorkflow, compile_workflow


class Kind(StrEnum):
    """What a resource is. Each kind refers only to kinds before it."""

    WORKFLOW = "workflow"
    CATEGORY = "category"
    CALENDAR = "calendar"
    ITEM = "item"
    SERVICE = "service"
    WEBHOOK = "webhook"
    SETTING = "setting"


MODELS: Final[Mapping[Kind, type[Declared]]] = {
    Kind.WORKFLOW: Workflow,
    Kind.CATEGORY: Category,
    Kind.CALENDAR: WorkingCalendar,
    Kind.ITEM: CatalogItem,
    Kind.SERVICE: Service,
    Kind.WEBHOOK: Webhook,
}
"""The model of each kind, settings aside."""

AUTO_CLOSE: Final = "autoClose"
SLA: Final = "sla"
ENABLED: Final = "enabled"
VISIBILITY: Final = "visibility"
SETTINGS: Final[Mapping[str, type[Declared]]] = {
    ENABLED: Switch,
    AUTO_CLOSE: AutoClose,
    SLA: PrioritySla,
    VISIBILITY: Readers,
}
"""The model of each setting, by the key that it stands under."""


class Key(NamedTuple):
    """What a resource is called; no two have the same."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def model_of(key: Key) -> type[Declared]:
    """Return the model of a resource; KeyError if there is no such setting."""
    return SETTINGS[key.name] if key.kind is Kind.SETTING else MODELS[key.kind]


KIND_ORDER: Final = {kind: place for place, kind in enumerate(Kind)}


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Return keys so that each comes after whatever it may refer to."""
    return sorted(keys, key=lambda key: (KIND_ORDER[key.kind], key.name))


@dataclass(frozen=True)
class Resource:
    """One declared thing.

    Attributes:
        declaration: canonical JSON: the same text for the same meaning, in whatever order and with
            whatever defaults left out it was written.
        retired: it was declared once and is no more; what refers to it stays as it is.

    """

    key: Key
    declaration: str
    retired: bool = False

    @classmethod
    def of(cls, kind: Kind, name: str, model: Declared) -> "Resource":
        """Return a declared thing as a resource."""
        return cls(Key(kind, name), canonical_text(model))

    @cached_property
    def model(self) -> Declared:
        """The declaration as its model."""
        return model_of(self.key).model_validate(json.loads(self.declaration))

    @property
    def workflow(self) -> Workflow:
        """The declaration of a workflow; TypeError for anything else."""
        if not isinstance(self.model, Workflow):
            raise TypeError(f"{self.key} is no workflow.")
        return self.model

    @cached_property
    def compiled(self) -> CompiledWorkflow:
        """The workflow that it declares, ready to be asked; TypeError for anything else."""
        return compile_workflow(self.workflow)

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over what it declares and whether it is retired."""
        state = "retired" if self.retired else "declared"
        return sha256(f"{state} {self.declaration}".encode()).hexdigest()


Snapshot: TypeAlias = Mapping[Key, Resource]
"""All resources, retired ones included."""


@dataclass(frozen=True, slots=True)
class LastChange:
    """When a resource was last changed, by whom, and from which source."""

    at: datetime
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class LiveResources:
    """The resources in the database, retired ones included, and the last change of each."""

    resources: dict[Key, Resource]
    last_changes: dict[Key, LastChange]


def canonical_text(model: Declared) -> str:
    """Return a declaration as JSON: sorted keys, transitions, events; defaults written out."""
    data = model.model_dump(mode="json", by_alias=True)
    if isinstance(model, Workflow):
        data["transitions"].sort(key=lambda move: (move["from"], move["to"]))
    if isinstance(model, Webhook) and model.events:
        data["events"] = sorted({*model.events})
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def declared_resources(ticketing: Ticketing) -> dict[Key, Resource]:
    """Return everything that a valid declaration asks for: the chosen defaults and the declared.

    A declared workflow takes the place of the default of its name, whole.
    """
    workflows = [*chosen_defaults(ticketing), *ticketing.workflows]
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
    ]
    return {resource.key: resource for resource in resources}


@cache
def declared_defaults() -> Snapshot:
    """Return the workflows that ship with the product, as resources."""
    workflows = (Resource.of(Kind.WORKFLOW, each.name, each) for each in default_workflows())
    return {resource.key: resource for resource in workflows}


def chosen_defaults(ticketing: Ticketing) -> list[Workflow]:
    """Return the default workflows that a declaration asks for."""
    wanted = ticketing.default_workflows
    if isinstance(wanted, bool):
        return list(default_workflows()) if wanted else []
    return [each for each in default_workflows() if each.name in wanted]
