"""The pages of workflows."""

import pytest
from playwright.async_api import expect

from engine.storage.postgres.database import Database
from engine.storage.resources.revisions import read_revisions
from engine.tickets.actor import Actor
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import read_desired
from reconciler.values import ValuesInput
from tests.support.api_client import Api
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA
from tests.support.plans import EVERYTHING
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


VALUES = """\
ticketing:
  workflows:
    - name: hotfix
      transitions: [{from: OPEN, to: CLOSED, role: any}]
"""


async def test_a_workflow_says_where_it_is_declared(
    database: Database, api: Api, pages: WebPages
) -> None:
    desired = read_desired(ValuesInput([("values.yaml", VALUES)]))
    await reconcile(database, desired, ApplyRequest("ada", EVERYTHING), "git:2")
    query = '{ workflow(name: "%s") { declaredAt { file line revision } } }'
    [newest] = await read_revisions(database, "hotfix")
    assert await api.data(ANNA, query % "hotfix") == {
        "workflow": {"declaredAt": {"file": "values.yaml", "line": 3, "revision": newest.number}}
    }
    assert await api.data(ANNA, query % "incident_response") == {"workflow": {"declaredAt": None}}
    async with pages.window(ADA, "/workflows/hotfix", NO_SCRIPTS) as page:
        declared = f"Declared at values.yaml:3 of revision {newest.number}."
        await expect(page.get_by_text(declared)).to_be_visible()
        await page.goto(pages.url("/workflows/incident_response"))
        await expect(page.get_by_text("declare incident_response under")).to_be_visible()
        await page.get_by_role("link", name="Preview a change").click()
        await expect(page).to_have_url(pages.url("/plan"))


@pytest.mark.parametrize(("viewer", "count"), [(ANNA, 0), (ADA, 1)])
async def test_the_number_of_tickets_is_shown_to_those_who_see_all(
    viewer: Actor, count: int, database: Database, pages: WebPages
) -> None:
    await declare(database, visibility="involved")
    async with pages.window(viewer, "/workflows/change_request", NO_SCRIPTS) as page:
        await expect(page.get_by_text("Live tickets")).to_have_count(count)
