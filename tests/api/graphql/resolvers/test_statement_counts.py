"""A list takes as many SQL statements as one of its items, however long it is."""

from typing import Final

import pytest
from graphql import GraphQLNamedType, GraphQLObjectType, build_schema, get_named_type
from sqlalchemy import text

from api.bootstrap.engine import EngineHandle
from api.graphql.interlock import schema_text
from api.limits_setting import read_limits
from api.settings import Settings
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import AssignTicket
from tests.api.graphql.resolvers.test_tickets import opened
from tests.support.api_client import Api
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import declare_service, report
from tests.support.personas import ADA, MARTON
from tests.support.webhook_deliveries import enqueue, webhook

ITEMS: Final = 6


def all_fields(kind: GraphQLNamedType, above: frozenset[str] = frozenset()) -> str:
    """Return the selection of all fields below a type, without recursion."""
    if not isinstance(kind, GraphQLObjectType):
        return ""
    within = above | {kind.name}
    fields = (
        f"{name} {all_fields(inner, within)}"
        for name, field in kind.fields.items()
        if (inner := get_named_type(field.type)).name not in within
    )
    return f"{{ {' '.join(fields)} }}"


SCHEMA: Final = build_schema(schema_text())
TICKET: Final = f"fragment AllFields on Ticket {all_fields(SCHEMA.type_map['Ticket'])}"
PAGE: Final = f"query ($n: Int!) {{ tickets(first: $n) {{ nodes {{ ...AllFields }} }} }} {TICKET}"
EDGES: Final = f"""
query ($n: Int!) {{
  tickets(last: $n) {{
    edges {{ node {{ ...AllFields }} cursor }} pageInfo {{ endCursor }} totalCount
  }}
}}
{TICKET}"""
SERVICES: Final = f"""
query ($n: Int!) {{ services(first: $n) {{
  path status uptime(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") {{ percent }}
  ticket {{ ...AllFields }}
}} }}
{TICKET}"""
DECLARED: Final = """
{ workflows { name transitions { from to role } graph }
  catalog { categories { items { name sla { response } } } } }
"""
WEBHOOKS: Final = """
query ($n: Int!) {
  webhooks {
    name url events state position pending dead nextAttemptAt lastResult
    deadLetters(first: $n) {
      edges { node { id event attempts lastResult failedAt } cursor } pageInfo { endCursor }
    }
  }
}
"""
OF_TICKETS: Final = 6
"""Latest entries, pages of histories, timers, the clock, names of involved users and of actors."""
OF_UPTIMES: Final = 6
"""BEGIN, statuses, targets, requested and declared windows, COMMIT."""
KILL_DELIVERIES: Final = """
UPDATE webhook_deliveries SET state = 'dead', last_result = 'timeout', finished_at = now()
"""
LISTS: Final = {
    "a page of tickets": (PAGE, 1 + OF_TICKETS),
    "edges and a count": (EDGES, 2 + OF_TICKETS),
    "services, their uptimes and their tickets": (SERVICES, 2 + OF_UPTIMES + OF_TICKETS),
    "declared resources": (DECLARED, 0),
    "webhooks and their dead letters": (WEBHOOKS, 2),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return the settings of a server without a cost limit."""
    return settings.model_copy(update={"limits": read_limits("cost_points=1000000")})


@pytest.mark.parametrize(("query", "count"), LISTS.values(), ids=LISTS)
async def test_the_number_of_statements_does_not_depend_on_the_size_of_the_list(
    query: str, count: int, api: Api, engine: EngineHandle, statements: list[str]
) -> None:
    await put_resources(engine.database, [webhook(f"chat_{number}") for number in range(ITEMS)])
    for number in range(ITEMS):
        path = f"acme/service-{number}"
        await declare_service(engine.database, path)
        outage = await report(engine.database, "DOWN", path)
        form = AssignTicket.parse(ticket=outage.ticket, assignee=f"u_{number}")
        await TicketStore(engine.database).assign(ADA, form)
    for number in range(ITEMS):
        await enqueue(engine.database, ITEMS, f"chat_{number}")
    await engine.database.row(Statement.of(text(KILL_DELIVERIES)))
    await api.data(ADA, query, n=1)  # stores the user
    for items in (1, ITEMS):
        statements.clear()
        await api.data(ADA, query, n=items)
        assert len(statements) == count, "\n\n".join(statements)


START: Final = 'startTicket(id: $id, comment: "Looking", internal: true) { ticket { version } }'
RESOLVE: Final = 'transitionTicket(id: $id, to: RESOLVED, comment: "Done") { ticket { version } }'


async def test_a_start_and_a_transition_with_a_comment_take_one_statement_each(
    api: Api, statements: list[str]
) -> None:
    ticket = await opened(api)
    await api.data(MARTON, "{ __typename }")  # stores the user
    for mutation, version in ((START, 4), (RESOLVE, 6)):
        statements.clear()
        answer = await api.data(MARTON, f"mutation ($id: ID!) {{ {mutation} }}", id=ticket)
        assert [each["ticket"]["version"] for each in answer.values()] == [version]
        assert len(statements) == 1, "\n\n".join(statements)
