"""What YAML may say under `ticketing:`: the models, shared by the reader and the JSON Schema."""

from collections.abc import Callable
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
from engine.vocabulary import Priority, Role, Status, TicketEvent, Visibility
from engine.webhooks.urls import URL_PATTERN, target_of
from engine.workflows.durations import DURATION_PATTERN, duration
from engine.workflows.working_hours import (
    DATE_FORM,
    SHIFT_FORM,
    ZONE_FORM,
    holiday,
    shift,
    time_zone,
)

SECTION: Final = "ticketing"
NEVER: Final = "never"
AT_ONCE: Final = "0s"
"""The delay that is none."""
ALWAYS: Final = "always"
"""The calendar by which every second counts."""

NAME_FORM: Final = r"^[a-z][a-z0-9_]*$"
LINE_FORM: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
TEXT_FORM: Final = r"^[^\x00]*$"
PATH_FORM: Final = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
FILE_FORM: Final = r"^[a-z0-9]+([.-]+[a-z0-9]+)*$"
FORMS: Final = {
    NAME_FORM: "lower-case letters, digits and _, beginning with a letter",
    LINE_FORM: "one line of text, not blank and without control characters",
    TEXT_FORM: "text without NUL characters",
    PATH_FORM: "letters, digits and . _ - in parts divided by /, such as acme/shop/payment-api",
    FILE_FORM: "lower-case letters and digits, and between them . and -",
}
"""What each pattern asks for, for people."""

Name = Annotated[str, Field(pattern=NAME_FORM, max_length=limits.NAME_CHARACTERS)]
DisplayName = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.DISPLAY_NAME_CHARACTERS)]
Icon = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.ICON_CHARACTERS)]
Group = Annotated[str, Field(pattern=LINE_FORM, max_length=limits.GROUP_CHARACTERS)]
Description = Annotated[str, Field(pattern=TEXT_FORM, max_length=limits.DESCRIPTION_CHARACTERS)]
ServicePath = Annotated[str, Field(pattern=PATH_FORM, max_length=limits.SERVICE_PATH_CHARACTERS)]
SecretName = Annotated[str, Field(pattern=FILE_FORM, max_length=limits.SECRET_NAME_CHARACTERS)]


class DefaultWorkflow(StrEnum):
    """The names of the workflows that ship with the product, in their order."""

    ACCESS_REQUEST = "access_request"
    CHANGE_REQUEST = "change_request"
    INCIDENT_RESPONSE = "incident_response"
    PROBLEM_INVESTIGATION = "problem_investigation"
    SERVICE_REQUEST = "service_request"


def checked_by(read: Callable[[str], object], code: str) -> BeforeValidator:
    """Return the check that a function, which raises ValueError with why not, can read a text."""

    def check(text: object) -> object:
        try:
            read(text if isinstance(text, str) else "")
        except ValueError as error:
            raise PydanticCustomError(code, "{why}", {"why": str(error)}) from None
        return text

    return BeforeValidator(check)


def grace_period(text: str) -> timedelta | None:
    """Return a duration, or None for `never`; raise as `duration` does."""
    return None if text == NEVER else duration(text)


def delay(text: str) -> timedelta:
    """Return a duration that may be nothing at all, `0s`; raise as `duration` does."""
    return timedelta() if text == AT_ONCE else duration(text)


def text_of_form(form: str) -> WithJsonSchema:
    """Return what an editor is told of text that a function checks."""
    return WithJsonSchema({"type": "string", "minLength": 1, "pattern": f"^({form})$"})


Duration = Annotated[str, checked_by(duration, "wrong_duration"), text_of_form(DURATION_PATTERN)]
GracePeriod = Annotated[
    str,
    checked_by(grace_period, "wrong_duration"),
    text_of_form(f"{NEVER}|{DURATION_PATTERN}"),
]
Delay = Annotated[str, checked_by(delay, "wrong_duration"), text_of_form(DURATION_PATTERN)]
TimeZone = Annotated[
    str, checked_by(time_zone, "unknown_time_zone"), text_of_form(ZONE_FORM.pattern)
]
Hours = Annotated[str, checked_by(shift, "wrong_hours"), text_of_form(SHIFT_FORM.pattern)]
Holiday = Annotated[str, checked_by(holiday, "wrong_date"), text_of_form(DATE_FORM.pattern)]
WebhookUrl = Annotated[str, checked_by(target_of, "wrong_url"), text_of_form(URL_PATTERN)]


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


Shifts = Annotated[tuple[Hours, ...], Field(strict=False, max_length=limits.CALENDAR_SHIFTS)]


class WorkingHours(Declared):
    """The working hours of each weekday, such as ["09:00-12:00", "13:00-17:00"]; none if left out.

    They stand in their order. Those over midnight are two, of which the first ends at 24:00.
    """

    monday: Shifts = ()
    """On Mondays."""
    tuesday: Shifts = ()
    """On Tuesdays."""
    wednesday: Shifts = ()
    """On Wednesdays."""
    thursday: Shifts = ()
    """On Thursdays."""
    friday: Shifts = ()
    """On Fridays."""
    saturday: Shifts = ()
    """On Saturdays."""
    sunday: Shifts = ()
    """On Sundays."""


class WorkingCalendar(Declared):
    """When work is done: only that time counts towards the targets that name this calendar."""

    name: Name
    """What priorities and catalog items call it; always is the one by which every second counts."""
    time_zone: TimeZone
    """The time zone of its hours and holidays, such as Europe/Budapest."""
    hours: WorkingHours
    """The working hours of each weekday."""
    holidays: Annotated[
        tuple[Holiday, ...], Field(strict=False, max_length=limits.CALENDAR_HOLIDAYS)
    ] = ()
    """The dates on which no work is done, such as 2026-12-25."""


Response = Annotated[
    Duration, Field(description="Until an assignee has picked the ticket up, such as 10m.")
]
Resolution = Annotated[Duration, Field(description="Until the ticket is resolved, such as 4h.")]


class PriorityTargets(Declared):
    """What a priority promises."""

    response: Response
    resolution: Resolution
    calendar: Name = ALWAYS
    """The name of the calendar whose time counts; by always, every second does."""


class CriticalTargets(PriorityTargets):
    """What CRITICAL promises."""

    response: Response = "5m"
    resolution: Resolution = "2h"


class HighTargets(PriorityTargets):
    """What HIGH promises."""

    response: Response = "30m"
    resolution: Resolution = "8h"


class MediumTargets(PriorityTargets):
    """What MEDIUM promises."""

    response: Response = "2h"
    resolution: Resolution = "1d"


class LowTargets(PriorityTargets):
    """What LOW promises."""

    response: Response = "1d"
    resolution: Resolution = "5d"


class PrioritySla(Declared):
    """What each priority promises."""

    critical: Annotated[CriticalTargets, Field(alias=Priority.CRITICAL.value)] = CriticalTargets()
    """For CRITICAL tickets."""
    high: Annotated[HighTargets, Field(alias=Priority.HIGH.value)] = HighTargets()
    """For HIGH tickets."""
    medium: Annotated[MediumTargets, Field(alias=Priority.MEDIUM.value)] = MediumTargets()
    """For MEDIUM tickets."""
    low: Annotated[LowTargets, Field(alias=Priority.LOW.value)] = LowTargets()
    """For LOW tickets."""

    def of(self, priority: Priority) -> PriorityTargets:
        """Return what one priority promises."""
        targets: PriorityTargets = getattr(self, priority.lower())
        return targets


class SlaTargets(Declared):
    """Targets that override those of the priority."""

    response: Response
    resolution: Resolution
    calendar: Name | None = None
    """The name of the calendar whose time counts; that of the priority if left out."""


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
    hold_down: Delay = AT_ONCE
    """How long it must have been down before a ticket is opened, such as 2m; 0s for at once."""
    reopen_within: Delay = AT_ONCE
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
