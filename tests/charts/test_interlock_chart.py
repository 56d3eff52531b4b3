"""The chart has the defaults and the schema of the models, and mounts the declaration."""

import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import helm_python
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.declaration.json_schema import values_schema
from engine.declaration.models import SECTION, Ticketing
from engine.declaration.parse import Declaration, build_declaration
from engine.declaration.yaml_reader import read_yaml
from engine.findings import Location
from reconciler.values import ValuesInput, read_values
from tests.engine.declaration.test_parse import MISTAKES
from tests.support.chart import load_chart, mounted_declaration
from tests.support.paths import CHART
from tools.chart_values import ChartValues, chart_schema

WARNING = 2

WHOLE = """
ticketing:
  defaultWorkflows: [incident_response]
  workflows:
    - name: hotfix
      displayName: Hotfix
      transitions: [{from: OPEN, to: CLOSED, role: any}]
      autoClose: {afterResolved: P1D}
  catalog:
    categories: [{name: incidents, displayName: Incidents, icon: report_problem}]
    items:
      - name: network_outage
        category: incidents
        displayName: Network Outage
        description: "Connectivity: DNS, or #1 routes"
        workflow: hotfix
        defaults: {priority: HIGH, assigneeGroup: "on"}
        sla: {response: 10m, resolution: 1h30m, calendar: office}
  services: [{path: acme/shop/api, slaGroup: payment-team, autoTicket: true}]
  calendars:
    - name: office
      timeZone: Europe/Budapest
      hours: {monday: ["09:00-12:00", "13:00-17:00"], saturday: ["22:00-24:00"]}
      holidays: [2026-12-25]
  webhooks:
    - {name: chat, url: "https://hooks.example.com/chat?room=1", secretName: chat.webhook-1}
    - name: audit
      url: https://audit.example.com
      events: [ticket.created, ticket.sla_breached]
      secretName: audit
  sla: {LOW: {calendar: office}, HIGH: {response: PT15M}}
  autoClose: {afterResolved: never}
"""
PRODUCTION = """
ticketing:
  enabled: false
  autoClose: null
  catalog: {items: null}
  services: [{path: "1", slaGroup: "yes"}]
"""


@pytest.fixture(scope="module")
def chart() -> Iterator[helm_python.Chart]:
    with load_chart() as loaded:
        yield loaded


def read(*layers: tuple[str, str], arguments: Sequence[str] = ()) -> dict[str, Any]:
    value = read_values(ValuesInput(layers, arguments)).draft
    assert isinstance(value, dict)
    return value


def declare(*layers: tuple[str, str], arguments: Sequence[str] = ()) -> Declaration:
    return build_declaration(read_values(ValuesInput(layers, arguments)))


def mounted(chart: helm_python.Chart, values: dict[str, Any]) -> str:
    """Return the file in the ConfigMap that the job mounts."""
    return mounted_declaration(chart, values.get(SECTION))


def test_the_chart_passes_helm_lint() -> None:
    report = helm_python.lint(CHART, strict=True)
    messages = [each for each in report["messages"] if each["severity"] >= WARNING]
    assert (messages, report["errors"]) == ([], [])


def test_the_values_of_the_chart_are_the_defaults_of_the_models() -> None:
    reading = read_yaml((CHART / "values.yaml").read_text("utf-8"), "values.yaml")
    defaults = ChartValues().model_dump(mode="json", by_alias=True, exclude_none=True)
    ticketing = Ticketing().model_dump(mode="json", by_alias=True)
    assert reading.value == {**defaults, SECTION: ticketing}


def test_the_schema_of_the_chart_is_that_of_the_models() -> None:
    hint = "Run `python -m tools.write_chart_schema`."
    assert json.loads((CHART / "values.schema.json").read_text("utf-8")) == chart_schema(), hint


LAYERS: dict[str, tuple[list[str], list[str]]] = {
    "an empty section": (["ticketing: {}"], []),
    "a null": (["ticketing:"], []),
    "one file": ([WHOLE], []),
    "two files": ([WHOLE, PRODUCTION], []),
    "two files and arguments": (
        [WHOLE, PRODUCTION],
        [
            "ticketing.enabled=true,ticketing.autoClose=null",
            "ticketing.workflows[0].transitions[1].from=OPEN",
            "ticketing.workflows[0].transitions[1].to=RESOLVED",
            "ticketing.workflows[0].transitions[1].role=assignee",
            "ticketing.defaultWorkflows={access_request,change_request}",
        ],
    ),
}


@pytest.mark.parametrize(("texts", "arguments"), LAYERS.values(), ids=LAYERS)
def test_the_mounted_file_declares_the_same_as_the_layers(
    chart: helm_python.Chart, texts: list[str], arguments: list[str]
) -> None:
    layers = [(f"{number}.yaml", text) for number, text in enumerate(texts)]
    text = mounted(chart, read(*layers, arguments=arguments))
    expected = declare(*layers, arguments=arguments).ticketing
    assert declare(("ticketing.yaml", text)).ticketing == expected


def test_a_mounted_value_has_a_location(chart: helm_python.Chart) -> None:
    text = mounted(chart, read(("values.yaml", WHOLE)))
    declaration = declare(("ticketing.yaml", text))
    location = declaration.location("autoClose", "afterResolved")
    assert location == Location("ticketing.yaml", 4, 20)


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\t#:'\"- ")
)
"""Without the line breaks of YAML 1.1, because Helm writes them as line feeds."""


@given(st.lists(TEXTS, min_size=1))
def test_any_description_is_preserved_in_the_config_map(
    descriptions: list[str],
) -> None:
    items = [
        {"name": f"i{number}", "category": "c", "displayName": "I", "workflow": "access_request"}
        | {"description": description}
        for number, description in enumerate(descriptions)
    ]
    catalog = {"categories": [{"name": "c", "displayName": "C"}], "items": items}
    with load_chart() as chart:
        text = mounted(chart, {SECTION: {"catalog": catalog}})
    ticketing = declare(("ticketing.yaml", text)).ticketing
    assert [item.description for item in ticketing.catalog.items] == descriptions


ACCEPTED = {
    "all parts of a declaration": WHOLE,
    "an empty section": "ticketing: {}",
    "other values": "{global: {region: eu}, image: {tag: '1'}, ticketing: {enabled: false}}",
    **{
        each.name: each.read_text("utf-8")
        for each in files("default_workflows").iterdir()
        if each.name.endswith(".yaml")
    },
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_the_schema_accepts_what_the_models_accept(chart: helm_python.Chart, text: str) -> None:
    declare(("values.yaml", text))
    chart.validate_schema(read(("values.yaml", text)))


REJECTED_BY_SCHEMA = {
    "unknown_key",
    "unknown_status",
    "unknown_role",
    "missing_field",
    "no_transitions",
    "no_events",
    "unknown_event",
}
REJECTED_BY_SCHEMA |= {"wrong_form", "too_long"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, (text, found, _) in MISTAKES.items()
        if REJECTED_BY_SCHEMA & {code for code, _, _ in found}
    ],
)
def test_the_schema_rejects_mistakes_that_it_can_express(
    chart: helm_python.Chart, text: str
) -> None:
    with pytest.raises(helm_python.HelmValuesError):
        chart.validate_schema(read(("values.yaml", text)))


def test_every_property_has_a_description() -> None:
    models = [each for each in chart_schema()["$defs"].values() if "properties" in each]
    assert models
    for model in models:
        assert model["additionalProperties"] is False
        assert all(each["description"] for each in model["properties"].values()), model["title"]


def test_the_schema_of_a_parent_chart_contains_the_same_section() -> None:
    schema = values_schema(["platform", "interlock"])
    for step in ("platform", "interlock", SECTION):
        schema = schema["properties"][step]
    assert schema == values_schema()["properties"][SECTION]
