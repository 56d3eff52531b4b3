"""The names that catalog items and services refer to must be declared, or be chosen defaults."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine import limits
from engine.findings import Finding, did_you_mean
from engine.workflows.declaration import SECTION, DefaultWorkflow, Service
from engine.workflows.places import Path, Value, items_at, value_at
from engine.workflows.reading import Reading
from engine.workflows.scalars import shown

ITEMS: Final[Path] = ("catalog", "items")
SERVICES: Final[Path] = ("services",)
WORKFLOW_OF_OUTAGES: Final = Service.model_fields["workflow"].get_default()
DEFAULT_WORKFLOWS: Final = frozenset(map(str, DefaultWorkflow))


class Reference(NamedTuple):
    """A field that names something else.

    Attributes:
        field: its key, which is also what the thing is called.
        names: what may be named.

    """

    field: str
    names: frozenset[str]

    def finding(self, name: str, reading: Reading, at: Path) -> Finding:
        """Return the finding for a place that names something else."""
        hint = did_you_mean(name[: limits.NAME_CHARACTERS], self.likely)
        message = f"There is no {self.field} {shown(name)}; declare it, or name another.{hint}"
        return Finding(f"unknown_{self.field}", message, reading.place((SECTION, *at)))

    @property
    def likely(self) -> frozenset[str]:
        """The names worth a comparison: among very many, looking for a near one takes too long."""
        return self.names if len(self.names) <= limits.HINT_NAMES else frozenset()


def dangling(reading: Reading, section: Value) -> Iterator[Finding]:
    """Yield a finding for every reference that leads nowhere."""
    category = Reference("category", names_in(section, ("catalog", "categories")))
    workflow = Reference("workflow", names_in(section, ("workflows",)) | chosen_defaults(section))
    for index, item in enumerate(items_at(section, ITEMS)):
        for reference in (category, workflow):
            name = value_at(item, (reference.field,))
            if isinstance(name, str) and name not in reference.names:
                yield reference.finding(name, reading, (*ITEMS, index, reference.field))
    for index, service in enumerate(items_at(section, SERVICES)):
        named = workflow_of_outages(service)
        if named is not None and named[0] not in workflow.names:
            yield workflow.finding(named[0], reading, (*SERVICES, index, named[1]))


def workflow_of_outages(service: Value) -> tuple[str, str] | None:
    """Return the workflow that a service's tickets need, and the field that says so, if any do."""
    name = value_at(service, ("workflow",))
    if isinstance(name, str):
        return name, "workflow"
    needs_default = value_at(service, ("autoTicket",)) is True
    return (WORKFLOW_OF_OUTAGES, "autoTicket") if needs_default else None


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
