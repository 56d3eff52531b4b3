"""The sidebar, and the pages of tickets while ticketing is off."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from api.web.shell import TicketingState
from engine.plugins import Licence, OffReason, Plugin, plugin_off
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.tickets.actor import Actor
from tests.api.web.test_ticket_page import new_ticket
from tests.support.api_client import Api, bearer
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.web_client import OWN_PAGE
from tests.support.web_pages import WebPages

EXPIRED = Licence("ACME", frozenset({"ticketing"}), datetime(2026, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 2, 1, tzinfo=UTC)
SWITCHED_OFF = "Ticketing is off: an admin switched it off, and an admin can switch it on."
TOGGLE = (
    'mutation ($on: Boolean!) { togglePlugin(name: "ticketing", enabled: $on) { plugin { name } } }'
)

SHOW = """shown => {
  Object.defineProperty(document, "hidden", { value: !shown, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Browsers do this when a tab is shown or hidden."""


@pytest.mark.parametrize("reader", [ANNA, ADA])
@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (OffReason.SWITCHED_OFF, SWITCHED_OFF),
        (
            OffReason.DECLARED_OFF,
            (
                "Ticketing is off: the applied values contain `ticketing.enabled: false`."
                " To switch it on, apply values without that line."
            ),
        ),
    ],
)
def test_the_state_says_why_and_who_can_change_it(
    reason: OffReason, text: str, reader: Actor
) -> None:
    state = TicketingState.of(plugin_off(Plugin.TICKETING, reason), reader)
    can_toggle = reader is ADA and reason is OffReason.SWITCHED_OFF
    assert state == TicketingState(text, can_toggle)


def test_a_licence_is_no_matter_of_an_admin() -> None:
    state = TicketingState.of(EXPIRED.refusal(Plugin.TICKETING, NOW), ADA)
    assert state == TicketingState(
        "Ticketing is off: the licence of ACME expired at 2026-01-01T00:00:00+00:00."
        " The operator of this server can install another licence.",
        can_toggle=False,
    )


def test_while_ticketing_is_on_only_admins_can_switch_it_off() -> None:
    assert TicketingState.of(None, ADA) == TicketingState("", can_toggle=True)
    assert TicketingState.of(None, ANNA) == TicketingState("", can_toggle=False)


async def test_open_pages_lose_and_regain_tickets(
    database: Database, api: Api, pages: WebPages
) -> None:
    ticket = await new_ticket(api)
    path = f"/tickets/{ticket}"
    async with pages.window(MARTON, path) as page, pages.window(ANNA, "/workflows") as other:
        sidebars = [each.locator(".sidebar") for each in (page, other)]
        for each in (page, other):
            await each.wait_for_selector("[data-htmx-powered]#live", state="attached")
        await page.fill("#comment", "half a sentence")
        await api.data(ADA, TOGGLE, on=False)
        for sidebar in sidebars:
            await expect(sidebar.get_by_role("status")).to_have_text(SWITCHED_OFF)
            await expect(sidebar.get_by_role("link", name="New ticket")).to_have_count(0)
            await expect(sidebar.get_by_role("link", name="Workflows")).to_have_count(1)
            await expect(sidebar.get_by_role("button", name="ticketing")).to_have_count(0)
        await expect(sidebars[1].locator("[aria-current]")).to_have_text("Workflows")
        await expect(page.locator("#comment")).to_have_value("half a sentence")
        await page.get_by_role("button", name="Reply to Anna K.").click()
        await expect(page.get_by_role("alert")).to_contain_text(SWITCHED_OFF)
        await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=True)
        await expect(page.locator("h1")).to_have_text("Card payments fail")
        await expect(page.locator("#comment")).to_have_value("half a sentence")
        await expect(sidebars[1].get_by_role("link", name="New ticket")).to_have_count(1)


async def test_a_hidden_tab_is_up_to_date_when_it_is_shown_again(api: Api, pages: WebPages) -> None:
    async with pages.window(ANNA, "/settings") as page:
        async with page.expect_response("**/events*"):
            await page.goto(pages.url("/workflows"))
        await page.evaluate(SHOW, arg=False)
        await api.data(ADA, TOGGLE, on=False)
        await page.evaluate(SHOW, arg=True)
        await expect(page.locator(".sidebar").get_by_role("status")).to_have_text(SWITCHED_OFF)


async def test_an_admin_switches_ticketing_off_and_on(pages: WebPages) -> None:
    async with pages.window(ADA, "/workflows", {"java_script_enabled": False}) as page:
        await page.get_by_text("Ticketing is on").click()
        await page.get_by_role("button", name="Switch ticketing off").click()
        await expect(page.locator("h1")).to_have_text("Ticketing is off")
        await page.get_by_role("link", name="Workflows").click()
        await expect(page.locator(".sidebar")).to_contain_text(SWITCHED_OFF)
        await page.get_by_role("button", name="Switch ticketing on").click()
        await expect(page.get_by_role("link", name="New ticket").first).to_be_visible()


@pytest.mark.parametrize("path", ["/new", "/tickets", "/tickets/tk_000000"])
async def test_direct_addresses_say_that_ticketing_is_off(api: Api, path: str) -> None:
    await api.data(ADA, TOGGLE, on=False)
    for reader, buttons in ((ANNA, 0), (ADA, 1)):
        async with api.client.get(path, headers=bearer(reader)) as response:
            text = await response.text()
            assert response.status == 403
            assert SWITCHED_OFF in text
            assert text.count("Switch ticketing on") == buttons
            assert "Switch ticketing off" not in text


async def test_only_admins_can_switch(api: Api) -> None:
    for name, status in (("ticketing", 403), ("unknown", 404)):
        url, headers = f"/plugins/{name}", bearer(ANNA) | OWN_PAGE
        form = {"enabled": "false"}
        async with api.client.post(url, data=form, headers=headers) as response:
            assert response.status == status
    async with api.client.get("/tickets", headers=bearer(ANNA)) as response:
        assert response.status == 200


async def test_without_scripts_the_sidebar_is_no_page(api: Api) -> None:
    headers = bearer(ANNA)
    async with api.client.get("/sidebar", headers=headers, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
