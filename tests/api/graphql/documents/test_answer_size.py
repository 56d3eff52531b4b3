"""The price of an operation bounds the size of its answer."""

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
    "HistoryEntry.from": limits.TICKET_DESCRIPTION_CHARACTERS,
    "HistoryEntry.to": limits.TICKET_DESCRIPTION_CHARACTERS,
    "CatalogItem.description": limits.DESCRIPTION_CHARACTERS,
    "Service.message": limits.HEALTH_MESSAGE_CHARACTERS,
    "Webhook.url": limits.WEBHOOK_URL_CHARACTERS,
    "Viewer.groups": limits.USER_GROUPS * limits.GROUP_CHARACTERS,
    "Workflow.graph": GRAPH_CHARACTERS,
    "Plan.text": PLAN_CHARACTERS,
    "Plan.markdown": PLAN_CHARACTERS,
    "Plan.document": PLAN_CHARACTERS,
}
"""How many characters a text can have, where they are more than a point is good for."""
SHORT = {
    "AffectedTickets": ["examples"],
    "CatalogCategory": ["name", "displayName", "icon"],
    "CatalogItem": ["name", "displayName", "icon", "workflow"],
    "CatalogItemDefaults": ["assigneeGroup"],
    "CatalogItemTargets": ["response", "resolution", "calendar"],
    "DeadLetter": ["id", "event", "ticketId", "lastResult"],
    "DeadLetterEdge": ["cursor"],
    "HistoryEdge": ["cursor"],
    "HistoryEntry": ["actor"],
    "PageInfo": ["startCursor", "endCursor"],
    "PlanChange": ["name"],
    "PlanHazard": ["message", "remedy"],
    "PlanImpact": ["items"],
    "Plugin": ["name", "message"],
    "Query": ["position", "workflowsPosition"],
    "Service": ["path", "slaGroup", "workflow"],
    "SlaReason": ["text"],
    "Ticket": ["id", "title", "workflow", "assigneeGroup", "service"],
    "TicketChange": ["position"],
    "TicketEdge": ["cursor"],
    "Transition": ["message"],
    "TransitionError": ["message", "extensions"],
    "TransitionResult": ["id"],
    "User": ["id", "name"],
    "Viewer": ["id", "name"],
    "Webhook": ["name", "events", "position", "lastResult"],
    "Workflow": ["name", "displayName"],
    "WorkflowsChange": ["position"],
}
"""Names, ids, cursors and sentences; the names of a plan are as many as are declared in it."""


def texts() -> dict[str, GraphQLField]:
    """Return every field of the schema that answers text."""
    return {
        f"{named.name}.{name}": field
        for named in build_schema(schema_text()).type_map.values()
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__")
        for name, field in named.fields.items()
        if get_named_type(field.type).name in TEXTS
    }


def test_of_every_text_it_is_known_how_long_it_can_be() -> None:
    short = {f"{named}.{name}" for named, names in SHORT.items() for name in names}
    assert LONG.keys() | short == texts().keys()
    assert not LONG.keys() & short


@pytest.mark.parametrize("name", texts())
def test_a_text_costs_a_point_for_each_thousand_characters(name: str) -> None:
    assert field_points(texts()[name]) == ceil(LONG.get(name, 1) / POINT_CHARACTERS)


READ_WITH = {
    "Ticket": ["Ticket.description"],
    "HistoryEntry": ["HistoryEntry.comment", "HistoryEntry.from", "HistoryEntry.to"],
}
"""The texts that are read with an object, whatever is asked of it; of an entry one is long."""


@pytest.mark.parametrize("name", READ_WITH)
def test_an_object_costs_half_of_the_longest_text_that_is_read_with_it(name: str) -> None:
    named = composite_type(build_schema(schema_text()).get_type(name))
    longest = max(LONG[text] for text in READ_WITH[name])
    assert directive_number(named, "cost") == longest / POINT_CHARACTERS / 2


@pytest.mark.parametrize("form", GraphFormat)
@pytest.mark.parametrize("role", ["ASSIGNEE", "REQUESTER", "ANY"])
def test_no_workflow_is_drawn_larger_than_it_is_priced(form: GraphFormat, role: str) -> None:
    moves = [
        {"from": str(source), "to": str(target), "role": role.lower()}
        for source, target in product(STATUSES, STATUSES)
        if source != target
    ]
    largest = Workflow.model_validate(
        {
            "name": "w" * limits.NAME_CHARACTERS,
            "displayName": "&" * limits.DISPLAY_NAME_CHARACTERS,
            "transitions": moves,
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
    "a list with the latest of each": (
        f"{{ tickets(first: 50) {{ nodes {{ {ROW} history(last: 1) {{"
        f" nodes {{ {ENTRY} }} }} }} }} }}"
    ),
    "a list with what was said last": (
        f"{{ tickets(first: 50) {{ nodes {{ {ROW} history(last: 3, kinds: [COMMENT]) {{"
        " nodes { seq at comment actorUser { name } } } } } }"
    ),
    "a ticket with all of a page of its history": (
        f"{{ tickets(first: 1) {{ nodes {{ {ROW} history(last: 100) {{"
        f" nodes {{ {ENTRY} }} }} }} }} }}"
    ),
    "every workflow": "{ workflows { name displayName transitions { from to role } graph } }",
    "the catalog": """
        { catalog { categories { name displayName items {
          name displayName description workflow defaults { priority } sla { response resolution }
        } } } }""",
}


@pytest.mark.parametrize("query", EVERYDAY.values(), ids=EVERYDAY)
async def test_what_pages_ask_for_is_answered(api: Api, query: str) -> None:
    await api.data(ADA, query)


HOSTILE = {
    "long histories of many": "{ tickets(first: 40) { nodes { history(first: 100) { nodes {"
    " comment } } } } }",
    "one text under many names": "{ tickets(first: 40) { nodes {"
    + " ".join(f"d{number}: description" for number in range(190))
    + "} } }",
    "a name as long as a document may be": "{ tickets(first: 100) { nodes { history(first: 20) {"
    f" nodes {{ {'n' * 90_000}: seq }} }} }} }} }}",
    "tickets read for nothing": "{"
    + " ".join(f"t{number}: tickets(first: 100) {{ nodes {{ id }} }}" for number in range(50))
    + "}",
    "histories read for nothing": "{ tickets(first: 50) { nodes { history(first: 50) { nodes {"
    " seq } } } } }",
    "pictures under many names": "{ workflows {"
    + " ".join(f"g{number}: graph(format: SVG)" for number in range(190))
    + "} }",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
async def test_what_makes_a_little_much_is_refused(api: Api, query: str) -> None:
    refused = await api.refusal(ADA, query)
    assert (refused["code"], refused["limit"]) == ("limit_exceeded", "cost_points")


async def test_a_catalog_of_nothing_costs_nothing(api: Api) -> None:
    asked = " ".join(f"d{number}: description" for number in range(190))
    query = f"{{ catalog {{ categories {{ items {{ {asked} }} }} }} }}"
    assert await api.data(ADA, query) == {"catalog": {"categories": []}}
