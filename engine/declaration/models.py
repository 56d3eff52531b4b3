"""What YAML may say under `ticketing:`: the models, shared by the reader and the JSON Schema."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Discriminator, Field, Tag

from engine import limits
from engine.declaration.fields import (
    NO_DELAY,
    Declared,
    Delay,
    Description,
    DisplayName,
    GracePeriod,
    Group,
    Icon,
    Name,
    SecretName,
    ServicePath,
    WebhookUrl,
)
from engine.declaration.sla_models import PrioritySla, SlaTargets, WorkingCalendar
from engine.vocabulary import Priority, Role, Status, TicketEvent, Visibility

SECTION: Final = "ticketing"


class DefaultWorkflow(StrEnum):
    """The names of the workflows that ship with the product, in their order."""

    ACCESS_REQUEST = "access_request"
    CHANGE_REQUEST = "change_request"
    INCIDENT_RESPONSE = "incident_response"
    PROBLEM_INVESTIGATION = "problem_investigation"
    SERVICE_REQUEST = "service_request"


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


class Transition(Declared):
    """One declared move: who may take a ticket from one status to another."""

    source: Annotated[Status, Field(alias="from", strict=False)]
    """The status that the ticket leaves."""
    target: Annotated[Status, Field(alias="to", strict=False)]
    """The status that it comes to."""
    role: Annotated[Role, Field(strict=False)]
    """Who may do it: the assignee, the requester, or any of them and admins."""


class AutoClose(Declared):
    """When the system closes a RESOLVED ticket; `never` switches it off."""

    after_resolved: GracePeriod = "72h"
    """The grace period, such as 72h or 3d; never switches it off."""


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
    auto_close: AutoClose | None = None
    """When the system closes its RESOLVED tickets; as for all workflows if left out."""


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
    """The shelves; they are shown in the order of their display names."""
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
    workflow: Name = DefaultWorkflow.INCIDENT_RESPONSE.value
    """The name of the workflow that its tickets follow: a declared one or a chosen default."""
    hold_down: Delay = NO_DELAY
    """How long it must have been down before a ticket is opened, such as 2m; 0s for at once."""
    reopen_within: Delay = NO_DELAY
    """Going down again so soon after a recovery re-opens the ticket; 0s for a new one each time."""


class Switch(Declared):
    """Whether there is ticketing at all: `Ticketing.enabled` as a thing of its own."""

    enabled: bool = True


class Webhook(Declared):
    """Somebody who is told, by HTTP, what happens to tickets."""

    name: Name
    """What it is called in lists and logs."""
    url: WebhookUrl
    """Where it is told: https, and a host that the servers are allowed to call."""
    events: Annotated[
        tuple[Annotated[TicketEvent, Field(strict=False)], ...] | None,
        Field(strict=False, json_schema_extra={"minItems": 1}),
    ] = None
    """What it is told of; everything if left out."""
    secret_name: SecretName
    """The name of the secret that signs what it is told; the servers find its text by it."""


class Readers(Declared):
    """Who may read tickets: `ticketing.visibility`, which is written as one word."""

    readers: Annotated[Visibility, Field(strict=False)] = Visibility.EVERYONE
    """Everyone who is signed in, or those who are involved in a ticket."""


class Ticketing(Declared):
    """Everything operational: the `ticketing:` section of a Helm values file."""

    enabled: bool = True
    """Whether there is ticketing at all; off, the data stays, and no admin can switch it on."""
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
    calendars: Annotated[
        tuple[WorkingCalendar, ...], Field(strict=False, max_length=limits.CALENDARS)
    ] = ()
    """When work is done, for targets that count working time only."""
    webhooks: Annotated[tuple[Webhook, ...], Field(strict=False, max_length=limits.WEBHOOKS)] = ()
    """Who is told, by HTTP, what happens to tickets."""
    sla: PrioritySla = PrioritySla()
    """How soon tickets of each priority are to be picked up and resolved."""
    auto_close: AutoClose = AutoClose()
    """When the system closes a RESOLVED ticket."""
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.EVERYONE
    """Who may read a ticket: everyone, or its requester, assignee, assignee group and admins."""
