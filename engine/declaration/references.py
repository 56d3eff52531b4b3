"""What is referred to by name must be declared, or come with the product."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine import limits
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION, DefaultWorkflow, Service
from engine.declaration.scalars import describe_value
from engine.declaration.sla_models import ALWAYS
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.findings import Finding, Location, did_you_mean
from engine.vocabulary import Priority

ITEMS: Final[Path] = ("catalog", "items")
SERVICES: Final[Path] = ("services",)
WORKFLOW_OF_OUTAGES: Final = Service.model_fields["workflow"].get_default()
DEFAULT_WORKFLOWS: Final = frozenset(map(str, DefaultWorkflow))


class Reference(NamedTuple):
    """A field that names something else.

    Attributes:
        path: where it stands in what refers; its key is also what the thing is called.
        names: what may be named.

    """

    path: Path
    names: frozenset[str]

    def unresolved_refs(self, document: YamlDocument, holder: Value, at: Path) -> Iterator[Finding]:
        """Yield a finding if what stands at a place names something that is not there."""
        name = value_at(holder, self.path)
        if isinstance(name, str) and name not in self.names:
            yield self.finding(name, document.location((SECTION, *at, *self.path)))

    def finding(self, name: str, at: Location) -> Finding:
        """Return the finding for a name of something that is not there."""
        noun = self.path[-1]
        hint = did_you_mean(name[: limits.NAME_CHARACTERS], self.likely)
        message = f"There is no {noun} {describe_value(name)}; declare it, or name another.{hint}"
        return Finding(f"unknown_{noun}", message, at)

    @property
    def likely(self) -> frozenset[str]:
        """The names worth a comparison: among very many, looking for a near one takes too long."""
        return self.names if len(self.names) <= limits.HINT_NAMES else frozenset()


def unresolved_refs(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield a finding for every reference that leads nowhere."""
    calendars = names_in(section, ("calendars",)) | {ALWAYS}
    workflows = names_in(section, ("workflows",)) | chosen_defaults(section)
    of_items = (
        Reference(("category",), names_in(section, ("catalog", "categories"))),
        Reference(("workflow",), workflows),
        Reference(("sla", "calendar"), calendars),
    )
    for index, item in enumerate(items_at(section, ITEMS)):
        for reference in of_items:
            yield from reference.unresolved_refs(document, item, (*ITEMS, index))
    of_priority = Reference(("calendar",), calendars)
    for priority in Priority:
        at = ("sla", priority.value)
        yield from of_priority.unresolved_refs(document, value_at(section, at), at)
    yield from unresolved_service_refs(document, section, Reference(("workflow",), workflows))


def unresolved_service_refs(
    document: YamlDocument, section: Value, of_service: Reference
) -> Iterator[Finding]:
    """Yield a finding for every service whose tickets would have no workflow."""
    for index, service in enumerate(items_at(section, SERVICES)):
        yield from of_service.unresolved_refs(document, service, (*SERVICES, index))
        names_none = value_at(service, of_service.path) is None
        needs_default = names_none and value_at(service, ("autoTicket",)) is True
        if needs_default and WORKFLOW_OF_OUTAGES not in of_service.names:
            place = document.location((SECTION, *SERVICES, index, "autoTicket"))
            yield of_service.finding(WORKFLOW_OF_OUTAGES, place)


def names_in(section: Value, path: Path) -> frozenset[str]:
    """Return the names that the list at `path` declares."""
    names = (value_at(item, ("name",)) for item in items_at(section, path))
    return frozenset(name for name in names if isinstance(name, str))


def chosen_defaults(section: Value) -> frozenset[str]:
    """Return the names of the default workflows that a section asks for: all, none, or a list."""
    match value_at(section, ("defaultWorkflows",)):
        case False:
            return frozenset()
        case list(names):
            return DEFAULT_WORKFLOWS.intersection(each for each in names if isinstance(each, str))
        case _:
            return DEFAULT_WORKFLOWS
