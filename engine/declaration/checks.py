"""The rules of a declaration that no single field can know.

They look at the values as they were written, not at the models, so that a mistake of form in one
place does not hide an inconsistency in another.
"""

from collections.abc import Iterator
from typing import Final

from engine.declaration.calendar_checks import misdeclared
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION
from engine.declaration.references import unresolved_refs
from engine.declaration.scalars import describe_value
from engine.declaration.source_map import Path, Value, items_at, value_at
from engine.findings import Finding
from engine.vocabulary import STATUSES

NAMED: Final[tuple[tuple[Path, Path], ...]] = (
    (("defaultWorkflows",), ()),
    (("workflows",), ("name",)),
    (("catalog", "categories"), ("name",)),
    (("catalog", "items"), ("name",)),
    (("services",), ("path",)),
    (("calendars",), ("name",)),
    (("webhooks",), ("name",)),
)
"""The lists whose items have a name of their own, and where in an item that name stands."""


def inconsistencies(document: YamlDocument, section: Value) -> Iterator[Finding]:
    """Yield every breach of a rule that spans fields."""
    for path, name in NAMED:
        yield from repeated(document, section, path, name)
    for index, workflow in enumerate(items_at(section, ("workflows",))):
        here = (SECTION, "workflows", index, "transitions")
        if value_at(workflow, ("transitions",)) == []:
            message = "A workflow needs at least one transition."
            yield Finding("no_transitions", message, document.location(here))
        yield from check_transitions(document, here, items_at(workflow, ("transitions",)))
    for index, calendar in enumerate(items_at(section, ("calendars",))):
        yield from misdeclared(document, ("calendars", index), calendar)
    for index, webhook in enumerate(items_at(section, ("webhooks",))):
        if value_at(webhook, ("events",)) == []:
            message = "A webhook needs at least one event; without `events`, it is told of all."
            place = document.location((SECTION, "webhooks", index, "events"))
            yield Finding("no_events", message, place)
    yield from unresolved_refs(document, section)


def repeated(document: YamlDocument, section: Value, path: Path, name: Path) -> Iterator[Finding]:
    """Yield a finding for every name that was used before in its list."""
    first: dict[str, int] = {}
    for index, item in enumerate(items_at(section, path)):
        word = value_at(item, name)
        if isinstance(word, str) and first.setdefault(word, index) != index:
            there, here = (
                document.location((SECTION, *path, position, *name))
                for position in (first[word], index)
            )
            message = f"{describe_value(word)} is declared twice; the first stands at {there}."
            yield Finding("duplicate_name", message, here)


def check_transitions(document: YamlDocument, path: Path, moves: list[Value]) -> Iterator[Finding]:
    """Yield the transitions that lead nowhere and those declared twice."""
    first: dict[str, int] = {}
    for index, move in enumerate(moves):
        source, target = value_at(move, ("from",)), value_at(move, ("to",))
        if source not in STATUSES or target not in STATUSES:
            continue
        here, pair = document.location((*path, index)), f"{source} -> {target}"
        if source == target:
            yield Finding("self_transition", f"{pair} leads nowhere; remove it.", here)
        earlier = first.setdefault(pair, index)
        if earlier != index:
            there = document.location((*path, earlier))
            message = f"{pair} is declared twice (first at {there}); use role: any for both."
            yield Finding("duplicate_transition", message, here)
