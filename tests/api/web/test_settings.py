"""The page of the settings of a user, and their effect on other pages."""

import re

import pytest
from playwright.async_api import expect

from api.web.views.settings.view import SettingsPage, parse_settings
from engine.errors import InvalidInput
from engine.user_settings import DEFAULT_SETTINGS, SavedView, UserSettings, time_zone_names
from tests.api.web.test_ticket_page import NO_SCRIPTS, new_ticket
from tests.support.api_client import Api, SharedApplication, bearer
from tests.support.personas import ANNA, MARTON
from tests.support.web_client import signed_in, submit
from tests.support.web_pages import WebPages

ALL = {"theme": "dark", "timeZone": "Asia/Kathmandu", "startPath": "/new"}
ZONE_CHECK = """
names => names.filter(name => {
  try { new Intl.DateTimeFormat("en", { timeZone: name }); return false } catch { return true }
})
"""


def test_a_form_is_settings() -> None:
    pages = SettingsPage(DEFAULT_SETTINGS).start_pages
    expected = UserSettings.parse(
        theme="dark", time_zone="Asia/Kathmandu", shortcuts=False, start_path="/new"
    )
    assert parse_settings(ALL, pages) == expected
    assert parse_settings({"theme": "auto", "shortcuts": "true"}, pages) == DEFAULT_SETTINGS
    with pytest.raises(InvalidInput):
        parse_settings({"theme": "auto", "startPath": "//evil.example"}, pages)


def test_the_start_page_can_be_a_view() -> None:
    printers = SavedView(name="Printers", query="text=printer")
    labels = SettingsPage(DEFAULT_SETTINGS, [printers]).start_pages
    assert labels["/tickets"] == "Tickets: All"
    assert labels["/tickets?text=printer"] == "Tickets: Printers"
    chosen = UserSettings(start_path="/tickets?text=printer")
    assert SettingsPage(chosen).start_pages["/tickets?text=printer"] == "The present one"
    assert (
        SettingsPage(chosen, [printers]).start_pages["/tickets?text=printer"] == "Tickets: Printers"
    )


def test_each_region_has_its_zones() -> None:
    zones = SettingsPage(DEFAULT_SETTINGS).zones
    assert next(iter(zones.items())) == ("", [("UTC", "UTC")])
    assert ("America/Argentina/Rio_Gallegos", "Rio Gallegos") in zones["America/Argentina"]


@pytest.mark.parametrize("by", ["cookie", "token"])
async def test_pages_follow_the_settings(shared: SharedApplication, by: str) -> None:
    client = shared.client
    cookie = await signed_in(shared.database, ANNA)
    reader = cookie if by == "cookie" else bearer(ANNA)
    async with client.get("/workflows", headers=reader) as response:
        assert "data-shortcuts" not in await response.text()
    async with await submit(client, "/settings", reader, ALL) as response:
        assert (response.status, response.headers["Location"]) == (303, "/settings?saved")
    for path in ("/settings?saved", "/workflows", "/tickets/tk_000000"):  # the last one: not found
        async with client.get(path, headers=reader) as response:
            html = (await response.text()).splitlines()[1]
        attributes = 'data-theme="dark" data-zone="Asia/Kathmandu" data-shortcuts="off"'
        assert html == f'<html lang="en" {attributes}>'
    async with client.get("/", headers=reader, allow_redirects=False) as response:
        assert response.headers["Location"] == "/new"
    async with client.get("/settings", headers=bearer(MARTON)) as response:
        assert 'data-theme="auto"' in await response.text()
    defaults = {"theme": "auto", "timeZone": "", "shortcuts": "true", "startPath": "/tickets"}
    async with await submit(client, "/settings", reader, defaults) as response:
        assert response.status == 303


async def test_a_refused_form_says_why(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    form = ALL | {"timeZone": "Mars/Olympus_Mons"}
    async with await submit(shared.client, "/settings", cookie, form) as response:
        assert response.status == 400
        text = await response.text()
    assert "timeZone: must be an IANA time zone such as Europe/Budapest" in text
    assert 'data-theme="auto"' in text


async def test_settings_in_a_browser(api: Api, pages: WebPages) -> None:
    path = f"/tickets/{await new_ticket(api)}"
    async with pages.window(ANNA, "/settings") as page:
        assert await page.evaluate(ZONE_CHECK, list(time_zone_names())) == []
        await page.get_by_label("Dark").check()
        await page.get_by_label("Time zone").select_option("Asia/Kathmandu")
        await page.get_by_label("single keys").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".message")).to_have_text("Saved.")
        await expect(page.get_by_label("Dark")).to_be_checked()
        await page.goto(pages.url(path))
        background = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(background) == "rgb(19, 24, 22)"
        await expect(page.locator(".facts time")).to_have_text(re.compile(r"GMT\+5:45$"))
        await page.keyboard.press("/")
        assert page.url == pages.url(path)
    async with pages.window(ANNA, path, NO_SCRIPTS) as page:
        await expect(page.locator(".facts time")).to_have_text(re.compile(r"\+0545$"))


async def test_all_sessions_can_be_ended(pages: WebPages) -> None:
    async with pages.window(ANNA, "/settings", NO_SCRIPTS) as page:
        await page.get_by_role("button", name="Sign out everywhere").click()
        await expect(page).to_have_url(pages.url("/sign-in"))


async def test_shortcuts_are_listed(pages: WebPages) -> None:
    async with pages.window(ANNA, "/tickets") as page:
        dialog = page.get_by_role("dialog", name="Shortcuts")
        await page.wait_for_selector("[data-htmx-powered]#live", state="attached")
        await page.keyboard.press("?")
        await expect(dialog).to_contain_text("Select or deselect the ticket")
        await page.keyboard.press("c")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await page.get_by_role("button", name="Shortcuts").click()
        await dialog.get_by_role("button", name="Close").click()
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_role("button", name="Shortcuts")).to_be_focused()
        await page.keyboard.press("c")
        await expect(page.locator("h1")).to_have_text("New ticket")
