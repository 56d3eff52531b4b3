"""What YAML may say under `ticketing:`: the models, shared by the reader and the JSON Schema."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from engine import limits
from engine.vocabulary import Priority, Role, Status

SECTION: Final = "ticketing"
DURATION_FORM: Final = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")
DURATION_CHARACTERS: Final = 40
NEVER: Final = "never"

NAME_FORM: Final = r"^[a-z][a-z0-9_]*$"
LINE_FORM: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
TEXT_FORM: Final = r"^[^\x00]*$"
PATH_FORM: Final = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
FORMS: Final = {
    NAME_FORM: "lower-case letters, digits and _, beginning with a letter",
    LINE_FORM: "one line of text, not blank and without control characters",
    TEXT_FORM: "text without NUL characters",
    PATH_FORM: "letters, digits and . _ - in parts divided by /, such as acme/shop/payment-api",
}
"""What each pattern asks for, for people."""

Name = Annotated[str, Field(pattern=NAME_FORM, max_length=limits.NAME_CHARACTERS)]
DisplayName = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.DISPLAY_NAME_CHARACTERS)]
Icon = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.ICON_CHARACTERS)]
Group = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.GROUP_CHARACTERS)]
Description = Annotated[str, Field(pattern=TEXT_FORM, max_length=limits.DESCRIPTION_CHARACTERS)]
ServicePath = Annotated[str, Field(pattern=PATH_FORM, max_length=limits.SERVICE_PATH_CHARACTERS)]


class DefaultWorkflow(StrEnum):
    """The names of the workflows that ship with the product, in their order."""

    ACCESS_REQUEST = "access_request"
    CHANGE_REQUEST = "change_request"
    INCIDENT_RESPONSE = "incident_response"
    PROBLEM_INVESTIGATION = "problem_investigation"
    SERVICE_REQUEST = "service_request"


def duration(text: str) -> timedelta:
    """Return a duration such as `5m`, `2h`, `1d` or `1h30m`.

    Raises:
        ValueError: `text` is not of that form, or not between a second and `DURATION_DAYS` days.

    """
    found = DURATION_FORM.fullmatch(text) if len(text) <= DURATION_CHARACTERS else None
    if not found or not any(found.groups()):
        raise ValueError("is not a duration; write for example 30m, 4h, 1d or 1h30m")
    days, hours, minutes, seconds = (int(group or 0) for group in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if not 0 < total <= limits.DURATION_DAYS * 24 * 60 * 60:
        raise ValueError(f"is not longer than 0s and at most {limits.DURATION_DAYS}d")
    return timedelta(seconds=total)


def check_duration(text: object) -> object:
    """Return a duration as it was written.

    Raises:
        PydanticCustomError: `text` is no duration.

    """
    try:
        duration(text if isinstance(text, str) else "")
    except ValueError as error:
        raise PydanticCustomError("wrong_duration", "{why}", {"why": str(error)}) from None
    return text


def check_grace_period(text: object) -> object:
    """Return a duration, or `never`, as it was written; raise as `check_duration` does."""
    return text if text == NEVER else check_duration(text)


def text_of_form(form: str) -> WithJsonSchema:
    """Return what an editor is told of text that a function checks."""
    return WithJsonSchema({"type": "string", "minLength": 1, "pattern": f"^({form})$"})


Duration = Annotated[str, BeforeValidator(check_duration), text_of_form(DURATION_FORM.pattern)]
GracePeriod = Annotated[
    str,
    BeforeValidator(check_grace_period),
    text_of_form(f"{NEVER}|{DURATION_FORM.pattern}"),
]


def form_of_default_workflows(value: object) -> str | None:
    """Return which of the two forms of `defaultWorkflows` was written; None for neither."""
    forms = {bool: "switch", list: "names", tuple: "names"}
    return forms.get(type(value))


DefaultWorkflows = Annotated[
    Annotated[bool, Tag("switch")]
    | Annotated[
        tuple[Annotated[DefaultWorkflow, Field(strict=False)], ...],
        Field(strict=False),
        Tag("names"),
    ],
    Discriminator(
        form_of_default_workflows,
        custom_error_type="wrong_type",
        custom_error_message="must be true, false or a list of names",
    ),
]


class Declared(BaseModel):
    """The base of every model: camelCase in YAML, immutable, and no unknown key."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=False,
        strict=True,
        use_attribute_docstrings=True,
    )


class Transition(Declared):
    """One declared move: who may take a ticket from one status to another."""

    source: Annotated[Status, Field(alias="from", strict=False)]
    """The status that the ticket leaves."""
    target: Annotated[Status, Field(alias="to", strict=False)]
    """The status that it comes to."""
    role: Annotated[Role, Field(strict=False)]
    """Who may do it: the assignee, the requester, or any of them and admins."""


class Workflow(Declared):
    """A named set of transitions. It replaces the default of the same name, whole."""

    name: Name
    """What catalog items call it; the name of a default replaces that default."""
    display_name: DisplayName | None = None
    """What people read; the name if left out."""
    transitions: Annotated[
        tuple[Transition, ...],
        Field(
            strict=False,
            max_length=limits.WORKFLOW_TRANSITIONS,
            json_schema_extra={"minItems": 1},
        ),
    ]
    """The only moves that there are, at most one for each pair of statuses."""


class Category(Declared):
    """A shelf of the catalog."""

    name: Name
    """What items call it."""
    display_name: DisplayName
    """What people read."""
    icon: Icon | None = None
    """The name of a Material icon, such as report_problem."""


class ItemDefaults(Declared):
    """What a ticket from this item starts with."""

    priority: Annotated[Priority, Field(strict=False)] = Priority.MEDIUM
    """How urgent it is; decides the SLA targets where the item has none."""
    assignee_group: Group | None = None
    """The group whose members may take it."""


class SlaTargets(Declared):
    """Targets that override those of the priority."""

    response: Duration
    """Until an assignee has picked the ticket up, such as 10m."""
    resolution: Duration
    """Until the ticket is resolved, such as 4h."""


class CatalogItem(Declared):
    """Something that can be asked for or reported with one click."""

    name: Name
    """What it is called in links and in history."""
    category: Name
    """The name of the category that it stands in."""
    display_name: DisplayName
    """What people read."""
    description: Description = ""
    """What it is for, in a sentence or two."""
    icon: Icon | None = None
    """The name of a Material icon, such as wifi_off."""
    workflow: Name
    """The name of the workflow that its tickets follow: a declared one or a chosen default."""
    defaults: ItemDefaults = ItemDefaults()
    """What its tickets start with."""
    sla: SlaTargets | None = None
    """Its own SLA targets; those of the priority if left out."""


class Catalog(Declared):
    """The service catalog."""

    categories: Annotated[
        tuple[Category, ...], Field(strict=False, max_length=limits.CATALOG_CATEGORIES)
    ] = ()
    """The shelves, in the order in which they are shown."""
    items: Annotated[
        tuple[CatalogItem, ...], Field(strict=False, max_length=limits.CATALOG_ITEMS)
    ] = ()
    """What can be asked for or reported."""


class Service(Declared):
    """A monitored service that may open tickets by itself."""

    path: ServicePath
    """Where monitoring knows it, such as acme/shop/prod/eu1/payment-api."""
    sla_group: Group
    """The group that answers for it and gets its tickets."""
    auto_ticket: bool = False
    """Whether going down opens a ticket."""


class AutoClose(Declared):
    """When the system closes a RESOLVED ticket; `never` switches it off."""

    after_resolved: GracePeriod = "72h"
    """The grace period, such as 72h or 3d; never switches it off."""


class Ticketing(Declared):
    """Everything operational: the `ticketing:` section of a Helm values file."""

    enabled: bool = True
    """Whether there is ticketing at all; switched off, the data stays."""
    default_workflows: DefaultWorkflows = True
    """Which of the workflows that ship with the product are there: true, false, or their names."""
    workflows: Annotated[
        tuple[Workflow, ...], Field(strict=False, max_length=limits.WORKFLOWS)
    ] = ()
    """Workflows of your own; the name of a default replaces that default, whole."""
    catalog: Catalog = Catalog()
    """What people can ask for or report with one click."""
    services: Annotated[tuple[Service, ...], Field(strict=False, max_length=limits.SERVICES)] = ()
    """Monitored services that may open tickets by themselves."""
    auto_close: AutoClose = AutoClose()
    """When the system closes a RESOLVED ticket."""
