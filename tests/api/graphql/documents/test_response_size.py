"""The cost of an operation bounds the size of its response."""

from itertools import product
from math import ceil

import pytest
from graphql import GraphQLField, GraphQLObjectType, build_schema, get_named_type

from api.graphql.documents.cost import (
    POINT_CHARACTERS,
    composite_type,
    directive_number,
    field_points,
)
from api.graphql.interlock import schema_text
from engine import limits
from engine.declaration.models import Workflow
from engine.storage.tickets.history_pages import EXCERPT_CHARACTERS
from engine.vocabulary import STATUSES
from engine.workflows.compiler import compile_workflow
from engine.workflows.rendering import GraphFormat, render
from tests.support.api_client import Api
from tests.support.personas import ADA

TEXTS = {"String", "ID", "Extensions"}
PLAN_CHARACTERS = 1_000_000
GRAPH_CHARACTERS = 20_000
LONG = {
    "Ticket.description": limits.TICKET_DESCRIPTION_CHARACTERS,
    "HistoryEntry.comment": limits.COMMENT_CHARACTERS,
    "HistoryEntry.from": EXCERPT_CHARACTERS,
    "HistoryEntry.to": EXCERPT_CHARACTERS,
    "HistoryEntry.fullFrom": limits.TICKET_DESCRIPTION_CHARACTERS,
    "HistoryEntry.fullTo": limits.TICKET_DESCRIPTION_CHARACTERS,
    "CatalogItem.description": limits.DESCRIPTION_CHARACTERS,
    "Service.message": limits.HEALTH_MESSAGE_CHARACTERS,
    "Webhook.url": limits.WEBHOOK_URL_CHARACTERS,
    "MaintenanceWindow.groups": limits.WINDOW_SCOPES * limits.GROUP_CHARACTERS,
    "MaintenanceWindow.services": limits.WINDOW_SCOPES * limits.SERVICE_PATH_CHARACTERS,
    "Viewer.groups": limits.USER_GROUPS * limits.GROUP_CHARACTERS,
    "Workflow.graph": GRAPH_CHARACTERS,
    "Plan.text": PLAN_CHARACTERS,
    "Plan.markdown": PLAN_CHARACTERS,
    "Plan.document": PLAN_CHARACTERS,
}
"""The maximum characters of texts that cost more than one point."""
SHORT = {
    "AffectedServices": ["examples"],
    "AffectedTickets": ["examples"],
    "CatalogCategory": ["name", "displayName", "icon"],
    "CatalogItem": ["name", "displayName", "icon", "workflow"],
    "CatalogItemDefaults": ["assigneeGroup"],
    "CatalogItemTargets": ["response", "resolution", "calendar"],
    "DeadLetter": ["id", "event", "ticketId", "lastResult"],
    "DeadLetterEdge": ["cursor"],
    "DeclarationLocation": ["file"],
    "Group": ["name"],
    "HistoryEdge": ["cursor"],
    "HistoryEntry": ["actor", "apiKey"],
    "MaintenanceWindow": ["id", "text"],
    "PageInfo": ["startCursor", "endCursor"],
    "PlanChange": ["name"],
    "PlanHazard": ["message", "remedy"],
    "PlanImpact": ["items"],
    "PlanRepair": ["column", "stored", "declared"],
    "Plugin": ["name", "message"],
    "Query": ["position", "workflowsPosition"],
    "Service": ["path", "slaGroup", "workflow"],
    "SlaReason": ["text"],
    "Ticket": ["id", "title", "workflow", "assigneeGroup", "service"],
    "TicketChange": ["position"],
    "TicketEdge": ["cursor"],
    "Transition": ["message"],
    "TicketError": ["message", "extensions"],
    "TicketResult": ["id"],
    "UptimeReason": ["text"],
    "User": ["id", "name"],
    "Viewer": ["id", "name"],
    "Webhook": ["name", "events", "position", "lastResult"],
    "Workflow": ["name", "displayName"],
    "WorkflowsChange": ["position"],
}
"""Names, ids, cursors and sentences. A plan has as many names as its values file declares."""


def texts() -> dict[str, GraphQLField]:
    """Return every field of the schema that returns text."""
    return {
        f"{named.name}.{name}": field
        for named in build_schema(schema_text()).type_map.values()
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__")
        for name, field in named.fields.items()
        if get_named_type(field.type).name in TEXTS
    }


def test_the_maximum_length_of_every_text_is_known() -> None:
    short = {f"{named}.{name}" for named, names in SHORT.items() for name in names}
    assert LONG.keys() | short == texts().keys()
    assert not LONG.keys() & short


@pytest.mark.parametrize("name", texts())
def test_a_text_costs_one_point_per_thousand_characters(name: str) -> None:
    assert field_points(texts()[name]) == ceil(LONG.get(name, 1) / POINT_CHARACTERS)


READ_WITH = {
    "Ticket": ["Ticket.description"],
    "HistoryEntry": ["HistoryEntry.from", "HistoryEntry.to"],
}
"""Texts that are read with an object even if not selected; only one text of an entry is long."""


@pytest.mark.parametrize("name", READ_WITH)
def test_an_object_costs_half_of_its_longest_text(name: str) -> None:
    named = composite_type(build_schema(schema_text()).get_type(name))
    longest = max(LONG[text] for text in READ_WITH[name])
    assert directive_number(named, "cost") == longest / POINT_CHARACTERS / 2


@pytest.mark.parametrize("form", GraphFormat)
@pytest.mark.parametrize("role", ["ASSIGNEE", "REQUESTER", "ANY"])
def test_no_diagram_is_larger_than_its_cost_allows(form: GraphFormat, role: str) -> None:
    transitions = [
        {"from": str(source), "to": str(target), "role": role.lower()}
        for source, target in product(STATUSES, STATUSES)
        if source != target
    ]
    largest = Workflow.model_validate(
        {
            "name": "w" * limits.NAME_CHARACTERS,
            "displayName": "&" * limits.DISPLAY_NAME_CHARACTERS,
            "transitions": transitions,
        }
    )
    assert len(render(compile_workflow(largest), form)) <= GRAPH_CHARACTERS


ENTRY = "seq at kind actorUser { id name } from to comment reason"
ROW = """
id title status priority workflow assigneeGroup createdAt updatedAt version
requester { id name } assignee { id name } sla { responseDueAt resolutionDueAt }
description transitions { to allowed reason message allowedRoles shortestPath }
"""
EVERYDAY = {
    "a list with the latest entry of each ticket": (
        f"{{ tickets(first: 50) {{ nodes {{ {ROW} historyConnection(last: 1) {{"
        f" nodes {{ {ENTRY} }} }} }} }} }}"
    ),
    "a list with the latest comments": (
        f"{{ tickets(first: 50) {{ nodes {{ {ROW} historyConnection(last: 3, kinds: [COMMENT]) {{"
        " nodes { seq at comment actorUser { name } } } } } }"
    ),
    "a ticket with a full page of its history": (
        f"{{ tickets(first: 1) {{ nodes {{ {ROW} historyConnection(last: 100) {{"
        f" nodes {{ {ENTRY} }} }} }} }} }}"
    ),
    "every workflow": "{ workflows { name displayName transitions { from to role } graph } }",
    "the catalog": """
        { catalog { categories { name displayName items {
          name displayName description workflow defaults { priority } sla { response resolution }
        } } } }""",
}


@pytest.mark.parametrize("query", EVERYDAY.values(), ids=EVERYDAY)
async def test_queries_of_typical_pages_are_answered(api: Api, query: str) -> None:
    await api.data(ADA, query)


HOSTILE = {
    "long histories of many tickets": "{ tickets(first: 40) { nodes { history { comment } } } }",
    "one text with many aliases": "{ tickets(first: 40) { nodes {"
    + " ".join(f"d{number}: description" for number in range(190))
    + "} } }",
    "an alias as long as a document can be": "{ tickets(first: 100) { nodes { history(last: 20) {"
    f" {'n' * 90_000}: seq }} }} }} }}",
    "many pages of tickets": "{"
    + " ".join(f"t{number}: tickets(first: 100) {{ nodes {{ id }} }}" for number in range(50))
    + "}",
    "many pages of histories": "{ tickets(first: 100) { nodes {"
    " historyConnection(first: 100) { nodes { seq } } } } }",
    "diagrams with many aliases": "{ workflows {"
    + " ".join(f"g{number}: graph(format: SVG)" for number in range(190))
    + "} }",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
async def test_a_small_query_with_a_large_response_is_refused(api: Api, query: str) -> None:
    refused = await api.refusal(ADA, query)
    assert (refused["code"], refused["limit"]) == ("limit_exceeded", "cost_points")


async def test_an_empty_catalog_costs_nothing(api: Api) -> None:
    fields = " ".join(f"d{number}: description" for number in range(190))
    query = f"{{ catalog {{ categories {{ items {{ {fields} }} }} }} }}"
    assert await api.data(ADA, query) == {"catalog": {"categories": []}}
