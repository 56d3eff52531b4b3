"""New tickets in a real browser: from the catalog, from the empty form, and drafts."""

import pytest
from playwright.async_api import expect

from engine.storage.postgres.database import Database
from tests.support.api_client import Api
from tests.support.declared_resources import declare
from tests.support.personas import ANNA
from tests.support.web_pages import WebPages

CATALOG = {
    "categories": [
        {"name": "incidents", "displayName": "Incidents", "icon": "report_problem"},
        {"name": "requests", "displayName": "Requests"},
    ],
    "items": [
        {
            "name": "network_outage",
            "category": "incidents",
            "displayName": "Network outage",
            "description": "The connection fails.",
            "icon": "wifi_off",
            "workflow": "incident_response",
            "defaults": {"priority": "HIGH", "assigneeGroup": "network-team"},
            "sla": {"response": "10m", "resolution": "4h"},
        },
        {
            "name": "laptop",
            "category": "requests",
            "displayName": "New laptop",
            "icon": "no_such_icon",
            "workflow": "change_request",
        },
    ],
}
TICKETS = "{ tickets { totalCount nodes { title catalogItem { name } priority assigneeGroup } } }"


@pytest.fixture
async def declared(database: Database) -> None:
    await declare(database, catalog=CATALOG)


@pytest.mark.usefixtures("declared")
async def test_an_item_fills_in_the_rest(api: Api, pages: WebPages) -> None:
    async with pages.window(ANNA, "/new") as page:
        await page.get_by_role("link", name="Network outage").click()
        fills = page.locator(".fills")
        await expect(fills).to_contain_text("Goes to network-team with priority High.")
        await expect(fills).to_contain_text("You confirm the fix at the end.")
        await page.fill("#description", "No Wi-Fi")
        await page.get_by_role("button", name="Open the ticket").click()
        await expect(page.locator(".message")).to_contain_text("The ticket is open.")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Network outage")
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Network outage")
        await expect(page.locator(".message")).to_be_hidden()
    [ticket] = (await api.data(ANNA, TICKETS))["tickets"]["nodes"]
    assert ticket["catalogItem"] == {"name": "network_outage"}
    assert (ticket["priority"], ticket["assigneeGroup"]) == ("HIGH", "network-team")


@pytest.mark.usefixtures("declared")
async def test_a_category_is_a_tab_or_an_entry_of_a_list(pages: WebPages) -> None:
    async with pages.window(ANNA, "/new") as page:
        await page.get_by_role("link", name="Requests").click()
        await expect(page.locator(".cards .letter-tile")).to_have_text("N")
    narrow = {"viewport": {"width": 320, "height": 640}}
    async with pages.window(ANNA, "/new", narrow) as page:
        await page.get_by_label("Category").select_option("Requests")
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_role("link", name="New laptop")).to_be_visible()


async def test_a_double_click_opens_one_ticket(api: Api, pages: WebPages) -> None:
    async with pages.window(ANNA, "/new/form") as page:
        await page.fill("#title", "Printer")
        await page.get_by_role("button", name="Open the ticket").dblclick()
        await expect(page.locator(".message")).to_contain_text("The ticket is open.")
    assert (await api.data(ANNA, TICKETS))["tickets"]["totalCount"] == 1


async def test_a_refused_form_keeps_the_text_and_names_the_field(pages: WebPages) -> None:
    async with pages.window(ANNA, "/new/form", {"java_script_enabled": False}) as page:
        await page.fill("#title", "   ")
        await page.fill("#description", "It **smokes**")
        await page.get_by_role("button", name="Open the ticket").click()
        summary = page.get_by_role("alert")
        await expect(summary).to_contain_text("The ticket was not opened")
        await expect(summary.get_by_role("link", name="Title")).to_have_attribute("href", "#title")
        await expect(page.locator("#description")).to_have_value("It **smokes**")
        await expect(page.locator("#title")).to_have_attribute("aria-invalid", "true")


async def test_a_draft_survives_a_reload_and_ends_with_the_ticket(pages: WebPages) -> None:
    async with pages.window(ANNA, "/new/form") as page:
        await page.fill("#title", "Printer")
        await page.fill("#description", "It smokes")
        await page.reload()
        await expect(page.locator("#title")).to_have_value("Printer")
        await expect(page.locator("#description")).to_have_value("It smokes")
        await page.get_by_role("button", name="Open the ticket").click()
        await expect(page.locator(".message")).to_contain_text("The ticket is open.")
        await page.wait_for_load_state("load")
        await page.goto(pages.url("/new/form"))
        await expect(page.locator("#title")).to_have_value("")
