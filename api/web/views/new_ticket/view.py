"""The view models of the catalog and of the forms for new tickets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from engine.calendars import add_working_time
from engine.declaration.models import CatalogItem
from engine.resources.catalog import CategoryItems, ServiceCatalog
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.vocabulary import ActorRoles, Priority, Status
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.policy import roles_allowed

PATH: Final = "/new"
_EMPTY_FORM: Final = "form"
FORM_PATH: Final = f"{PATH}/form"


def item_path(item: str) -> str:
    """Return the path of the form of a catalog item."""
    return f"{PATH}/items/{item}"


def opened_path(item: CatalogItem | None) -> str:
    """Return the path of the page after a ticket was opened that the reader cannot read.

    Args:
        item: the catalog item of the ticket; None for the empty form.

    """
    return f"{PATH}?opened={item.name if item else _EMPTY_FORM}"


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """The catalog.

    Attributes:
        open: the category whose items are shown; None if no category is declared.
        sent_draft: the beginning of the names of the drafts of a ticket that the reader has just
            opened for another user, and cannot read; empty without one.

    """

    categories: Sequence[CategoryItems]
    open: CategoryItems | None
    sent_draft: str = ""


def build_catalog(catalog: ServiceCatalog, category: str, opened: str | None = None) -> CatalogPage:
    """Return the page of a category; of the first one if no category has that name.

    Args:
        catalog: the catalog.
        category: the name of a category.
        opened: what `opened_path` says about a ticket that has just been opened.

    """
    filled = tuple(each for each in catalog.categories if each.items)
    named = (each for each in filled if each.category.name == category)
    sent_draft = "" if opened is None else draft_of(opened)
    return CatalogPage(filled, next(named, filled[0] if filled else None), sent_draft)


@dataclass(frozen=True, slots=True)
class Fills:
    """What a catalog item decides about its tickets.

    Attributes:
        group: the assignee group; None without one.
        response_due_at: when the response is due if the ticket is opened now.
        requester_confirms: whether the requester closes the ticket after it was resolved.

    """

    group: str | None
    priority: Priority
    workflow: str
    response_due_at: datetime
    requester_confirms: bool


def fills_of(
    item: CatalogItem, workflow: CompiledWorkflow, terms: SlaTerms, now: datetime
) -> Fills:
    """Return what an item decides about a ticket that is opened now."""
    targets = targets_for(item, terms)
    closers = roles_allowed(workflow.policy, Status.RESOLVED, Status.CLOSED)
    return Fills(
        item.defaults.assignee_group,
        item.defaults.priority,
        workflow.display_name,
        add_working_time(targets.calendar, now, targets.response),
        ActorRoles.REQUESTER in closers,
    )


@dataclass(frozen=True, slots=True)
class NewTicketPage:
    """A form for a new ticket.

    Attributes:
        item: the catalog item; None for the empty form.
        fills: what the item decides; None for the empty form.
        workflows: those that the reader can choose in the empty form.
        offers_requester: whether the reader can open the ticket for another user.
        fields: what the reader typed, by field.
        problems: why the form was refused, by field; a problem of no field has the key "".

    """

    item: CatalogItem | None = None
    fills: Fills | None = None
    workflows: Sequence[CompiledWorkflow] = ()
    offers_requester: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> str:
        """The beginning of the names of its drafts."""
        return draft_of(self.item.name if self.item else None)

    @property
    def priorities(self) -> tuple[Priority, ...]:
        """All priorities."""
        return tuple(Priority)


def draft_of(item: str | None) -> str:
    """Return the beginning of the names of the drafts of a form."""
    return f"new {item or _EMPTY_FORM}: "
