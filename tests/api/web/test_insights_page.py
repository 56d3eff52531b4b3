"""The page of the insights."""

import csv
from io import StringIO

import pytest
from playwright.async_api import expect

from api.web.csv_text import BYTE_ORDER_MARK
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from tests.support.accessibility import check_in_each_theme
from tests.support.api_client import Api, Client, bearer
from tests.support.background_work import until
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA
from tests.support.web_pages import WebPages

CREATE = 'mutation { createTicket(title: "x", workflow: "incident_response") { ticket { id } } }'
CANCELLABLE = {
    "name": "incident_response",
    "transitions": [
        {"from": "OPEN", "to": "CLOSED", "role": "requester"},
        {"from": "OPEN", "to": "RESOLVED", "role": "assignee"},
    ],
}


async def test_time_in_status_and_unused_transitions(
    database: Database, api: Api, pages: WebPages
) -> None:
    await declare(database, workflows=[CANCELLABLE])
    ticket = (await api.data(ANNA, CREATE))["createTicket"]["ticket"]["id"]
    close = f'mutation {{ transitionTicket(id: "{ticket}", to: CLOSED) {{ ticket {{ id }} }} }}'
    await api.data(ANNA, close)
    async with pages.window(ADA, "/insights", {"java_script_enabled": False}) as page:
        stays = page.get_by_role("region", name="Time in status").get_by_role("row")
        await expect(stays).to_have_count(2)
        await expect(stays.last).to_contain_text("incident_response")
        await expect(stays.last).to_contain_text("less than 1 min")
        unused = page.get_by_role("region", name="Transitions that no user made")
        mine = unused.get_by_role("row").filter(has_text="incident_response")
        await expect(mine).to_have_count(1)
        await page.get_by_role("link", name="7 days", exact=True).click()
        await expect(stays).to_have_count(2)


async def test_the_page_is_accessible(pages: WebPages) -> None:
    async with pages.window(ADA, "/insights") as page:
        await check_in_each_theme(page)


async def test_a_table_as_csv(client: Client) -> None:
    path = "/insights/unused-transitions.csv?days=90"
    async with client.get(path, headers=bearer(ADA)) as response:
        assert response.content_type == "text/csv"
        text = await response.text()
    header, *rows = csv.reader(StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))
    assert header == ["Workflow", "From", "To", "Who can make it"]
    assert ["incident_response", "Open", "In progress", "The assignee"] in rows


async def _is_restricted(client: Client) -> bool:
    """Return whether the server has read the declared visibility."""
    async with client.get("/insights", headers=bearer(ANNA)) as response:
        return response.status == 403


@pytest.mark.parametrize(
    ("path", "reader", "status"),
    [
        ("/insights", ANNA, 403),
        ("/insights/time-in-status.csv", ANNA, 403),
        ("/insights", ADA, 200),
        ("/insights?days=8", ADA, 400),
        ("/insights/nothing.csv", ADA, 404),
    ],
)
async def test_only_those_who_see_all_tickets_see_insights(
    path: str, reader: Actor, status: int, database: Database, client: Client
) -> None:
    await declare(database, visibility="involved")
    await until(lambda: _is_restricted(client))
    async with client.get(path, headers=bearer(reader)) as response:
        assert response.status == status
        assert ("/insights" in await response.text()) == (reader is ADA)
