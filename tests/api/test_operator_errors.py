"""A client does not see what only an operator can correct; the log has it in one line."""

import asyncpg
from structlog.testing import capture_logs

from tests.support.api_client import Api, Client, bearer
from tests.support.databases import SERVER_ROLE
from tests.support.personas import ANNA

REVOKE = f"REVOKE SELECT ON tickets FROM {SERVER_ROLE}"  # noqa: S608  # a constant
REASON = (
    "The database role lacks a right: permission denied for table tickets. Run the SQL that"
    " `interlock db grants` prints for the role."
)


async def test_a_missing_right_is_internal_to_graphql(api: Api, owner: asyncpg.Connection) -> None:
    await owner.execute(REVOKE)
    with capture_logs() as logged:
        refused = await api.refusal(ANNA, "{ tickets(first: 1) { nodes { id } } }")
    assert (refused["code"], refused["status"]) == ("internal", 500)
    [line] = [each for each in logged if each["event"] == "graphql_internal_error"]
    assert line["reason"] == REASON
    assert "exc_info" not in line


async def test_a_missing_right_is_internal_to_rest(
    client: Client, owner: asyncpg.Connection
) -> None:
    await owner.execute(REVOKE)
    path = f"/api/v1/tickets/tk_{'0' * 32}"
    with capture_logs() as logged:
        async with client.get(path, headers=bearer(ANNA)) as response:
            problem = await response.json()
    assert (response.status, problem["code"]) == (500, "internal")
    assert "tickets" not in problem["detail"]
    [line] = [each for each in logged if each["event"] == "request failed"]
    assert line["reason"] == REASON
    assert "exc_info" not in line
