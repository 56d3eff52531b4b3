"""The pages of workflows."""

import pytest
from playwright.async_api import expect

from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from tests.support.api_client import Api
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA
from tests.support.web_pages import WebPages

HOTFIX = {
    "name": "hotfix",
    "displayName": "Hotfix",
    "transitions": [{"from": "OPEN", "to": "CLOSED", "role": "any"}],
}
STRICTER = HOTFIX | {"transitions": [{"from": "OPEN", "to": "CLOSED", "role": "requester"}]}
NO_SCRIPTS = {"java_script_enabled": False}


async def test_a_workflow_is_drawn_and_in_words(
    database: Database, api: Api, pages: WebPages
) -> None:
    await declare(database, workflows=[HOTFIX])
    await declare(database, workflows=[STRICTER])
    create = 'mutation { createTicket(title: "x", workflow: "hotfix") { ticket { id } } }'
    await api.data(ANNA, create)
    async with pages.window(ADA, "/workflows", NO_SCRIPTS) as page:
        await page.get_by_role("link", name="Hotfix").click()
        await expect(page.get_by_role("img", name="Hotfix")).to_be_visible()
        main = page.locator("main")
        await expect(main).to_contain_text("The requester can move a ticket from Open to Closed.")
        await expect(page.locator(".added")).to_contain_text("Added: The requester can move")
        await expect(page.locator(".removed")).to_contain_text("Removed: The assignee, the")
        await page.get_by_role("link", name="1", exact=True).click()
        await expect(page.locator("table.tickets tbody tr")).to_have_count(1)


@pytest.mark.parametrize(("viewer", "count"), [(ANNA, 0), (ADA, 1)])
async def test_the_number_of_tickets_is_shown_to_those_who_see_all(
    viewer: Actor, count: int, database: Database, pages: WebPages
) -> None:
    await declare(database, visibility="involved")
    async with pages.window(viewer, "/workflows/change_request", NO_SCRIPTS) as page:
        await expect(page.get_by_text("Live tickets")).to_have_count(count)
