"""A declaration is read whole, or every mistake is told: its place, and what would be right."""

from collections.abc import Iterator
from enum import StrEnum
from typing import get_args

import pytest
from pydantic import BaseModel

from engine import limits
from engine.declaration.diagnostics import WORDS, models_in
from engine.declaration.models import Ticketing
from engine.declaration.parse import parse_declaration
from engine.errors import InvalidDeclaration
from tests.engine.declaration.mistakes.catalog import CATALOG
from tests.engine.declaration.mistakes.form import FORM
from tests.engine.declaration.mistakes.service_levels import SERVICE_LEVELS
from tests.engine.declaration.mistakes.texts import ITEM
from tests.engine.declaration.mistakes.webhooks import WEBHOOKS
from tests.engine.declaration.mistakes.workflows import WORKFLOWS

MISTAKES = FORM | WORKFLOWS | CATALOG | SERVICE_LEVELS | WEBHOOKS


@pytest.mark.parametrize(("text", "wanted", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(
    text: str, wanted: list[tuple[str, int, int]], words: str
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        parse_declaration(text, "values.yaml")
    found = [(each.code, each.at.line, each.at.column) for each in caught.value.findings]
    assert found == wanted
    assert words in str(caught.value)


def models(model: type[BaseModel] = Ticketing) -> Iterator[type[BaseModel]]:
    """Yield the models of a declaration."""
    yield model
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield from models(inner)


def classes_in(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for inner in get_args(annotation):
        yield from classes_in(inner)


def test_of_every_set_of_words_it_is_known_what_they_are_called() -> None:
    sets = {
        field.alias: kind
        for model in models()
        for field in model.model_fields.values()
        for kind in classes_in(field.annotation)
        if issubclass(kind, StrEnum)
    }
    assert sets
    assert sets.items() <= {key: words for key, (_, words) in WORDS.items()}.items()


def test_a_whole_section_is_read() -> None:
    text = """
ticketing:
  enabled: true
  defaultWorkflows: [incident_response]
  workflows:
    - {name: hotfix, displayName: Hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}
  catalog:
    categories: [{name: incidents, displayName: Incidents, icon: report_problem}]
    items:
      - name: network_outage
        category: incidents
        displayName: Network Outage
        workflow: hotfix
        defaults: {priority: HIGH, assigneeGroup: network-team}
        sla: {response: 10m, resolution: 1h30m}
  services: [{path: acme/shop/api, slaGroup: payment-team, autoTicket: true}]
  autoClose: {afterResolved: never}
"""
    ticketing = parse_declaration(text, "values.yaml").ticketing
    assert ticketing.default_workflows == ("incident_response",)
    assert ticketing.catalog.items[0].defaults.assignee_group == "network-team"
    assert ticketing.services[0].auto_ticket
    assert ticketing.auto_close.after_resolved == "never"


REFERENCES_THAT_LEAD_SOMEWHERE = {
    "a declared workflow": "category, workflow: hotfix}]\n",
    "a default workflow": "category, workflow: access_request}]\n",
    "a default workflow chosen by name": (
        "category, workflow: access_request}]\n  defaultWorkflows: [access_request]\n"
    ),
    "a declared workflow without defaults": (
        "category, workflow: hotfix}]\n  defaultWorkflows: false\n"
    ),
}


@pytest.mark.parametrize(
    "rest", REFERENCES_THAT_LEAD_SOMEWHERE.values(), ids=REFERENCES_THAT_LEAD_SOMEWHERE
)
def test_an_item_refers_to_what_is_declared_or_chosen(rest: str) -> None:
    assert parse_declaration(ITEM + rest, "values.yaml").ticketing.catalog.items


def test_what_looks_nearest_is_not_sought_among_very_many_names() -> None:
    move = "transitions: [{from: OPEN, to: CLOSED, role: any}]"
    many = ", ".join(f"{{name: w{number}, {move}}}" for number in range(limits.HINT_NAMES))
    text = (ITEM + "category, workflow: hotfx}]\n").replace(
        "[{name: hotfix", f"[{many}, {{name: hotfix"
    )
    with pytest.raises(InvalidDeclaration) as caught:
        parse_declaration(text, "values.yaml")
    assert [finding.message for finding in caught.value.findings] == [
        "There is no workflow 'hotfx'; declare it, or name another."
    ]


@pytest.mark.parametrize(
    "nothing", ["ticketing:\n", "ticketing: {workflows: , catalog: {items: }}\n"]
)
def test_null_stands_for_the_default_as_in_the_chart(nothing: str) -> None:
    assert parse_declaration(nothing, "values.yaml").ticketing == Ticketing()
