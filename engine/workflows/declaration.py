"""What YAML may say under `ticketing:`: the models, shared by the reader and the JSON Schema."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from engine import limits
from engine.vocabulary import Priority, Role, Status

DURATION_FORM: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
NEVER: Final = "never"

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=limits.NAME_CHARACTERS),
]
DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=limits.DISPLAY_NAME_CHARACTERS)
]
Group = Annotated[str, StringConstraints(min_length=1, max_length=limits.GROUP_CHARACTERS)]


def check_duration(text: str) -> str:
    """Return a duration such as `5m`, `2h`, `1d` or `1h30m` as it was written.

    Raises:
        PydanticCustomError: `text` is not of that form.

    """
    if text and (found := DURATION_FORM.fullmatch(text)) and any(found.groups()):
        return text
    raise PydanticCustomError(
        "wrong_duration",
        "{text} is not a duration; write for example 30m, 4h, 1d or 1h30m.",
        {"text": repr(text)},
    )


class Declared(BaseModel):
    """The base of every model: camelCase in YAML, immutable, and no unknown key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=False, strict=True
    )


class Transition(Declared):
    """One declared move: who may take a ticket from one status to another."""

    source: Annotated[Status, Field(alias="from", strict=False)]
    target: Annotated[Status, Field(alias="to", strict=False)]
    role: Annotated[Role, Field(strict=False)]


class Workflow(Declared):
    """A named set of transitions. It replaces the default of the same name, whole."""

    name: Name
    display_name: DisplayName | None = None
    transitions: Annotated[tuple[Transition, ...], Field(strict=False)]


class Category(Declared):
    """A shelf of the catalog."""

    name: Name
    display_name: DisplayName
    icon: str | None = None


class ItemDefaults(Declared):
    """What a ticket from this item starts with."""

    priority: Annotated[Priority, Field(strict=False)] = Priority.MEDIUM
    assignee_group: Group | None = None


class SlaTargets(Declared):
    """Targets that override those of the priority."""

    response: str
    resolution: str

    _check = field_validator("response", "resolution")(check_duration)


class CatalogItem(Declared):
    """Something that can be asked for or reported with one click."""

    name: Name
    category: Name
    display_name: DisplayName
    description: Annotated[str, Field(max_length=limits.DESCRIPTION_CHARACTERS)] = ""
    icon: str | None = None
    workflow: Name
    defaults: ItemDefaults = ItemDefaults()
    sla: SlaTargets | None = None


class Catalog(Declared):
    """The service catalog."""

    categories: Annotated[tuple[Category, ...], Field(strict=False)] = ()
    items: Annotated[
        tuple[CatalogItem, ...], Field(strict=False, max_length=limits.CATALOG_ITEMS)
    ] = ()


class Service(Declared):
    """A monitored service that may open tickets by itself."""

    path: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]
    sla_group: Group
    auto_ticket: bool = False


class AutoClose(Declared):
    """When the system closes a RESOLVED ticket; `never` switches it off."""

    after_resolved: str = "72h"

    @field_validator("after_resolved")
    @classmethod
    def _check(cls, text: str) -> str:
        return text if text == NEVER else check_duration(text)


class Ticketing(Declared):
    """Everything operational: the `ticketing:` section of a Helm values file."""

    enabled: bool = True
    default_workflows: bool | Annotated[tuple[Name, ...], Field(strict=False)] = True
    workflows: Annotated[
        tuple[Workflow, ...], Field(strict=False, max_length=limits.WORKFLOWS)
    ] = ()
    catalog: Catalog = Catalog()
    services: Annotated[tuple[Service, ...], Field(strict=False, max_length=limits.SERVICES)] = ()
    auto_close: AutoClose = AutoClose()
