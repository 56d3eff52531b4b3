"""A valid declaration is parsed; an invalid one has a finding for every mistake."""

from collections.abc import Iterator
from enum import StrEnum
from typing import get_args

import pytest
from pydantic import BaseModel

from engine import limits
from engine.declaration.diagnostics import ENUM_FIELDS, models_in
from engine.declaration.models import Ticketing
from engine.declaration.parse import parse_declaration
from engine.errors import InvalidDeclaration
from tests.engine.declaration.mistakes.catalog import CATALOG
from tests.engine.declaration.mistakes.form import FORM
from tests.engine.declaration.mistakes.service_levels import SERVICE_LEVELS
from tests.engine.declaration.mistakes.status_page import STATUS_PAGE
from tests.engine.declaration.mistakes.texts import ITEM
from tests.engine.declaration.mistakes.webhooks import WEBHOOKS
from tests.engine.declaration.mistakes.workflows import WORKFLOWS

MISTAKES = FORM | WORKFLOWS | CATALOG | SERVICE_LEVELS | STATUS_PAGE | WEBHOOKS


@pytest.mark.parametrize(("text", "expected", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_with_its_position(
    text: str, expected: list[tuple[str, int, int]], message: str
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        parse_declaration(text, "values.yaml")
    findings = [(each.code, each.at.line, each.at.column) for each in caught.value.findings]
    assert findings == expected
    assert message in str(caught.value)


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


def test_every_field_with_a_fixed_set_of_values_has_a_noun() -> None:
    enums = {
        field.alias: kind
        for model in models()
        for field in model.model_fields.values()
        for kind in classes_in(field.annotation)
        if issubclass(kind, StrEnum)
    }
    assert enums
    assert enums.items() <= {key: values for key, (_, values) in ENUM_FIELDS.items()}.items()


def test_a_section_with_all_parts_is_parsed() -> None:
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


RESOLVED_REFERENCES = {
    "a declared workflow": "category, workflow: hotfix}]\n",
    "a default workflow": "category, workflow: access_request}]\n",
    "a default workflow that is chosen by name": (
        "category, workflow: access_request}]\n  defaultWorkflows: [access_request]\n"
    ),
    "a declared workflow although no default is chosen": (
        "category, workflow: hotfix}]\n  defaultWorkflows: false\n"
    ),
}


@pytest.mark.parametrize("rest", RESOLVED_REFERENCES.values(), ids=RESOLVED_REFERENCES)
def test_an_item_can_refer_to_a_declared_or_a_default_workflow(rest: str) -> None:
    assert parse_declaration(ITEM + rest, "values.yaml").ticketing.catalog.items


def test_similar_names_are_not_searched_among_very_many() -> None:
    move = "transitions: [{from: OPEN, to: CLOSED, role: any}]"
    many = ", ".join(f"{{name: w{number}, {move}}}" for number in range(limits.HINT_NAMES))
    text = (ITEM + "category, workflow: hotfx}]\n").replace(
        "[{name: hotfix", f"[{many}, {{name: hotfix"
    )
    with pytest.raises(InvalidDeclaration) as caught:
        parse_declaration(text, "values.yaml")
    assert [finding.message for finding in caught.value.findings] == [
        "There is no workflow 'hotfx'. Declare it or use another one."
    ]


@pytest.mark.parametrize("text", ["ticketing:\n", "ticketing: {workflows: , catalog: {items: }}\n"])
def test_null_means_the_default_as_in_the_chart(text: str) -> None:
    assert parse_declaration(text, "values.yaml").ticketing == Ticketing()
