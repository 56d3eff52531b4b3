"""A request id leads from the answer to the log line, with the operation and its error."""

import re

import aiohttp

from tests.support.api_client import bearer
from tests.support.personas import ANNA
from tests.support.replicas import replica
from tests.support.streams import SUBPROTOCOL

MISSING = 'query Missing { ticket(id: "tk_00000000000000000000000000000000") { id } }'
INVALID = "query Invalid { nothing }"
GOOD = "query Good { plugins { name } }"


def labels_of(metrics: str, name: str) -> dict[str, str]:
    """Return the value of a metric by the labels."""
    return dict(re.findall(rf"^{name}(\{{.*\}}) (.*)$", metrics, re.MULTILINE))


async def test_the_log_has_the_operation_and_the_code_of_each_error(database_url: str) -> None:
    async with (
        replica(database_url) as server,
        aiohttp.ClientSession(server.url, headers=bearer(ANNA)) as client,
    ):
        ids = {}
        for name, query in {"Missing": MISSING, "Invalid": INVALID, "Good": GOOD}.items():
            body = {"query": query, "operationName": name}
            async with client.post("/graphql", json=body) as response:
                answer = await response.json(content_type=None)
                ids[name] = response.headers["X-Request-ID"]
                for error in answer.get("errors", ()):
                    assert error["extensions"]["requestId"] == ids[name]
        async with client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as socket:
            await socket.send_json({"type": "connection_init"})
            await socket.receive_json()
            await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": MISSING}})
            message = await socket.receive_json()
            [error] = message["payload"]["errors"]
            ids["in a WebSocket"] = error["extensions"]["requestId"]
        async with client.get("/metrics") as response:
            metrics = await response.text()
        await server.wait_until_logged("operation failed")
        lines = {
            name: next(line for line in server.log if line.get("request_id") == request_id)
            for name, request_id in ids.items()
        }
    logged = {name: (line.get("operation"), line.get("code")) for name, line in lines.items()}
    assert logged == {
        "Missing": ("Missing", "not_found"),
        "Invalid": ("Invalid", "graphql_validation_failed"),
        "Good": ("Good", None),
        "in a WebSocket": ("Missing", "not_found"),
    }
    assert 'interlock_graphql_errors_total{code="not_found"} 2.0' in metrics
    assert 'interlock_graphql_errors_total{code="graphql_validation_failed"} 1.0' in metrics
    operations = labels_of(metrics, "interlock_graphql_operations_total")
    assert operations.pop('{outcome="ok",type="query"}') >= "2.0"  # the self-check is one as well
    assert operations == {
        '{outcome="refused",type="query"}': "2.0",
        '{outcome="refused",type="unknown"}': "1.0",
    }
    requests = labels_of(metrics, "interlock_http_requests_total")
    assert all('interface="graphql"' in each for each in requests)
    seconds = labels_of(metrics, "interlock_http_request_duration_seconds_count")
    assert not any("/graphql/ws" in each for each in seconds)
