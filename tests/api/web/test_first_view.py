"""The first view is small: everything that a browser loads for a full list of tickets."""

import re

import pytest

from tests.support.api_client import Api, bearer
from tests.support.personas import MARTON

BYTES_MAX = 100_000
SCRIPTS_MAX = 3
STYLESHEET_BYTES_MAX = 10_000
CREATE = """
mutation ($title: String!) {
  createTicket(title: $title, workflow: "incident_response", sla: {byPriority: true}) {
    ticket { id }
  }
}
"""


@pytest.mark.parametrize("tickets", [0, 50])
async def test_the_first_view_is_small(tickets: int, api: Api) -> None:
    for number in range(tickets):
        await api.data(MARTON, CREATE, title=f"Card payments fail in checkout {number}")
    client, sizes = api.client, {}
    headers = {**bearer(MARTON), "Accept-Encoding": "gzip"}
    async with client.get("/tickets", headers=headers) as response:
        page = await response.text()
        sizes["/tickets"] = int(response.headers["Content-Length"])
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    for path in files:
        async with client.get(path, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            sizes[path] = int(response.headers["Content-Length"])
    assert page.count("<script") <= SCRIPTS_MAX
    assert page.count("<tr id=") == tickets
    assert sum(sizes.values()) < BYTES_MAX
    assert sum(size for path, size in sizes.items() if path.endswith(".css")) < STYLESHEET_BYTES_MAX
