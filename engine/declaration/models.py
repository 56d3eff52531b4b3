"""The models of the `ticketing:` section. Their docstrings are the texts of the JSON Schema."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Discriminator, Field, Tag

from engine import limits
from engine.declaration.fields import (
    NO_DELAY,
    Approval,
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
from engine.declaration.status_page_models import GroupTarget, PlannedMaintenance, StatusPage
from engine.vocabulary import Priority, Role, Status, TicketEvent, Visibility

SECTION: Final = "ticketing"

GroupNames = Annotated[tuple[Group, ...], Field(strict=False, max_length=limits.GROUPS)]


class DefaultWorkflow(StrEnum):
    """The names of the default workflows."""

    ACCESS_REQUEST = "access_request"
    CHANGE_REQUEST = "change_request"
    INCIDENT_RESPONSE = "incident_response"
    PROBLEM_INVESTIGATION = "problem_investigation"
    SERVICE_REQUEST = "service_request"


def _default_workflows_tag(value: object) -> str | None:
    """Return which of the two types of `defaultWorkflows` a value has; None for another type."""
    return {bool: "switch", list: "names", tuple: "names"}.get(type(value))


_DefaultWorkflows = Annotated[
    Annotated[bool, Tag("switch")]
    | Annotated[
        tuple[Annotated[DefaultWorkflow, Field(strict=False)], ...],
        Field(strict=False),
        Tag("names"),
    ],
    Discriminator(
        _default_workflows_tag,
        custom_error_type="wrong_type",
        custom_error_message="must be true, false or a list of names",
    ),
]


class Transition(Declared):
    """A transition, and the role that can make it."""

    source: Annotated[Status, Field(alias="from", strict=False)]
    """The status before the transition."""
    target: Annotated[Status, Field(alias="to", strict=False)]
    """The status after the transition."""
    role: Annotated[Role, Field(strict=False)]
    """The role that can make it: assignee, requester, or any (both of them, and admins)."""


class AutoClose(Declared):
    """When the system closes a RESOLVED ticket."""

    after_resolved: GracePeriod = "72h"
    """The grace period, such as 72h or 3d; `never` leaves tickets RESOLVED."""


class Workflow(Declared):
    """A named set of transitions."""

    name: Name
    """The unique name. The name of a default workflow replaces that workflow as a whole."""
    display_name: DisplayName | None = None
    """The name for display; by default the name."""
    transitions: Annotated[
        tuple[Transition, ...],
        Field(
            strict=False,
            max_length=limits.WORKFLOW_TRANSITIONS,
            json_schema_extra={"minItems": 1},
        ),
    ]
    """All transitions, at most one for each pair of statuses."""
    auto_close: AutoClose | None = None
    """When the system closes its RESOLVED tickets; by default as for all workflows."""


class Category(Declared):
    """A category of the catalog."""

    name: Name
    """The unique name, by which items refer to it."""
    display_name: DisplayName
    """The name for display."""
    icon: Icon | None = None
    """The name of a Material icon, such as report_problem."""


class ItemDefaults(Declared):
    """The initial values of a ticket from this item."""

    priority: Annotated[Priority, Field(strict=False)] = Priority.MEDIUM
    """The priority. It determines the SLA targets if the item has none."""
    assignee_group: Group | None = None
    """The group whose members can assign and edit the ticket."""


class CatalogItem(Declared):
    """An item from which users open tickets."""

    name: Name
    """The unique name, as links and the history show it."""
    category: Name
    """The name of its category."""
    display_name: DisplayName
    """The name for display."""
    description: Description = ""
    """One or two sentences about its purpose."""
    icon: Icon | None = None
    """The name of a Material icon, such as wifi_off."""
    workflow: Name
    """The name of the workflow of its tickets: a declared or a default one."""
    defaults: ItemDefaults = ItemDefaults()
    """The initial values of its tickets."""
    sla: SlaTargets | None = None
    """The SLA targets of its tickets; by default those of their priority."""


class Catalog(Declared):
    """The service catalog."""

    categories: Annotated[
        tuple[Category, ...], Field(strict=False, max_length=limits.CATALOG_CATEGORIES)
    ] = ()
    """The categories. They are shown in the order of their display names."""
    items: Annotated[
        tuple[CatalogItem, ...], Field(strict=False, max_length=limits.CATALOG_ITEMS)
    ] = ()
    """The items from which users open tickets."""


class Service(Declared):
    """A monitored service that can open outage tickets."""

    path: ServicePath
    """The path that identifies it in health reports, such as acme/shop/prod/eu1/payment-api."""
    sla_group: Group
    """The group that is responsible for it, and the assignee group of its tickets."""
    auto_ticket: bool = False
    """Whether an outage opens a ticket."""
    workflow: Name = DefaultWorkflow.INCIDENT_RESPONSE.value
    """The name of the workflow of its tickets: a declared or a default one."""
    hold_down: Delay = NO_DELAY
    """How long it must be DOWN before a ticket is opened, such as 2m; 0s for at once."""
    reopen_within: Delay = NO_DELAY
    """An outage within this time after a recovery reopens the ticket; 0s for a new ticket."""


class Switch(Declared):
    """`ticketing.enabled` as a separate resource."""

    enabled: bool = True


class Webhook(Declared):
    """A receiver of ticket events over HTTP."""

    name: Name
    """The unique name, as lists and logs show it."""
    url: WebhookUrl
    """The URL that receives the events. Its host must be in the allowlist of the servers."""
    events: Annotated[
        tuple[Annotated[TicketEvent, Field(strict=False)], ...] | None,
        Field(strict=False, json_schema_extra={"minItems": 1}),
    ] = None
    """The events that it receives; by default all."""
    secret_name: SecretName
    """The name of the secret that signs the deliveries. The servers have its value."""


class Readers(Declared):
    """`ticketing.visibility` as a separate resource."""

    readers: Annotated[Visibility, Field(strict=False)] = Visibility.EVERYONE
    """Every authenticated user, or only users involved in the ticket."""


class Groups(Declared):
    """`ticketing.groups` as a separate resource."""

    groups: GroupNames = ()


class OnBehalf(Declared):
    """`ticketing.onBehalf` as a separate resource."""

    groups: GroupNames = ()


class Ticketing(Declared):
    """The `ticketing:` section of a Helm values file."""

    enabled: bool = True
    """Whether ticketing is on. If it is off, the data stays, and no admin can switch it on."""
    default_workflows: _DefaultWorkflows = True
    """The default workflows to use: true for all, false for none, or a list of their names."""
    workflows: Annotated[
        tuple[Workflow, ...], Field(strict=False, max_length=limits.WORKFLOWS)
    ] = ()
    """Your own workflows. One with the name of a default workflow replaces it as a whole."""
    catalog: Catalog = Catalog()
    """The catalog from which users open tickets."""
    services: Annotated[tuple[Service, ...], Field(strict=False, max_length=limits.SERVICES)] = ()
    """Monitored services that can open outage tickets."""
    groups: GroupNames = ()
    """Groups that tickets can be assigned to before any member signs in."""
    on_behalf: GroupNames = ()
    """Groups whose members can open a ticket for another user, as admins can."""
    calendars: Annotated[
        tuple[WorkingCalendar, ...], Field(strict=False, max_length=limits.CALENDARS)
    ] = ()
    """Calendars for SLA targets that count only working time."""
    webhooks: Annotated[tuple[Webhook, ...], Field(strict=False, max_length=limits.WEBHOOKS)] = ()
    """Receivers of ticket events over HTTP."""
    sla_targets: Annotated[
        tuple[GroupTarget, ...], Field(strict=False, max_length=limits.GROUP_TARGETS)
    ] = ()
    """The uptime targets of groups. The status page shows exactly these groups."""
    status_page: StatusPage = StatusPage()
    """Whether servers show the public status page, and how it looks."""
    maintenance: Annotated[
        tuple[PlannedMaintenance, ...], Field(strict=False, max_length=limits.MAINTENANCE_WINDOWS)
    ] = ()
    """Maintenance windows: times of planned work, in which outages open no tickets."""
    sla: PrioritySla = PrioritySla()
    """The SLA targets by priority, for tickets whose item has none."""
    auto_close: AutoClose = AutoClose()
    """When the system closes RESOLVED tickets."""
    visibility: Annotated[Visibility, Field(strict=False)] = Visibility.EVERYONE
    """Who can read a ticket: everyone, or its requester, assignee, assignee group and admins."""
    approved_plan: Approval = ""
    """Lets exactly this plan through despite its hazards: sha256: and the digest in its report."""
