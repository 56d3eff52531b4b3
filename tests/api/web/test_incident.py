"""An incident from report to confirmation in a browser: by mouse, by keyboard, without scripts.

The server has the sign-in of the demo, so that users sign in and out in the browser.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Locator, Page, expect
from pydantic import SecretStr

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.settings import Settings
from api.web.views.sign_in.demo import DemoSignIn
from engine.storage.postgres.database import Database
from tests.api.conftest import NO_RATE_LIMITS
from tests.support.api_client import SECRET, SharedApplication
from tests.support.databases import as_server, new_database
from tests.support.declared_resources import declare
from tests.support.personas import ANNA, MARTON, sign_in
from tests.support.web_client import store_of
from tests.support.web_pages import WebPages

DEMO: Final = DemoSignIn((MARTON, ANNA))
CATALOG: Final = {
    "categories": [{"name": "incidents", "displayName": "Incidents"}],
    "items": [
        {
            "name": "payments",
            "category": "incidents",
            "displayName": "Payment problem",
            "workflow": "incident_response",
            "defaults": {"assigneeGroup": "payment-team"},
        }
    ],
}
TAB_STOPS: Final = 60
"""More than any page of these tests has before the element that a user looks for."""
IS_FOCUSED: Final = "each => each === document.activeElement"


@pytest.fixture(scope="module")
async def shared(template: str) -> AsyncIterator[SharedApplication]:
    """Return a server with the sign-in of the demo."""
    async with new_database(template) as url:
        settings = Settings(database_url=SecretStr(as_server(url)), jwt_secret=SECRET).model_copy(
            update={"limits": NO_RATE_LIMITS}
        )
        async with (
            open_engine(settings) as engine,
            open_application_on(engine, settings, demo=DEMO) as application,
            TestClient(TestServer(application)) as client,
        ):
            await sign_in(engine.database, ANNA, MARTON)
            await declare(engine.database, catalog=CATALOG)
            yield SharedApplication(client, engine.database)


@dataclass(frozen=True)
class Mouse:
    """A user who clicks."""

    page: Page

    async def press(self, target: Locator) -> None:
        """Follow a link, or press a button."""
        await target.click()

    async def write(self, target: Locator, text: str) -> None:
        """Write into a field."""
        await target.click()
        await self.page.keyboard.type(text)

    async def open_new_ticket(self) -> None:
        await self.press(self.page.get_by_role("link", name="New ticket").first)

    async def open_first_ticket(self) -> None:
        await self.press(self.page.locator("table.tickets th a").first)

    async def assign_to_me(self) -> None:
        await self.press(self.page.get_by_role("button", name="Assign to me"))

    async def write_comment(self, text: str) -> None:
        await self.write(self.page.locator("#comment"), text)


@dataclass(frozen=True)
class Keyboard(Mouse):
    """A user who only presses keys: Tab, Enter, and the shortcuts."""

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        await self.page.keyboard.press("Enter")

    async def write(self, target: Locator, text: str) -> None:
        await self._reach(target)
        await self.page.keyboard.type(text)

    async def open_new_ticket(self) -> None:
        await self._press_shortcut("c")
        await expect(self.page.get_by_role("heading", level=1)).to_have_text("New ticket")

    async def open_first_ticket(self) -> None:
        await self._press_shortcut("j")
        await self.page.keyboard.press("Enter")

    async def assign_to_me(self) -> None:
        await self._press_shortcut("a")
        await self.page.keyboard.press("Enter")

    async def write_comment(self, text: str) -> None:
        await self._press_shortcut("c")
        await self.page.keyboard.type(text)

    async def _press_shortcut(self, key: str) -> None:
        await self.page.wait_for_selector("[data-htmx-powered]#live", state="attached")
        await self.page.keyboard.press(key)

    async def _reach(self, target: Locator) -> None:
        """Press Tab until an element has the focus."""
        await target.wait_for()
        for _ in range(TAB_STOPS):
            if await target.evaluate(IS_FOCUSED):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"no way to {target} by Tab")


async def change_user(hands: Mouse, name: str) -> None:
    await hands.press(hands.page.get_by_role("button", name="Sign out"))
    await hands.press(hands.page.get_by_role("button", name=name))
    await expect(hands.page.locator(".person bdi")).to_have_text(name)


WAYS: Final[dict[str, tuple[Callable[[Page], Mouse], dict[str, bool]]]] = {
    "mouse": (Mouse, {}),
    "keyboard": (Keyboard, {}),
    "no scripts": (Mouse, {"java_script_enabled": False}),
}


@pytest.mark.parametrize(("way", "options"), WAYS.values(), ids=WAYS)
async def test_an_incident(
    way: Callable[[Page], Mouse], options: dict[str, bool], shared_pages: WebPages
) -> None:
    async with shared_pages.window(None, DEMO.link, options) as page:
        hands, notice, button = way(page), page.locator(".message"), page.get_by_role
        await change_user(hands, ANNA.name)
        await hands.open_new_ticket()
        await hands.press(page.get_by_role("link", name="Payment problem"))
        await hands.write(page.locator("#title"), "Payments fail")
        await hands.press(page.get_by_role("button", name="Open the ticket"))
        await expect(notice).to_contain_text("The ticket is open.")
        start = page.get_by_role("button", name="Start work")
        await expect(start).to_have_attribute("aria-disabled", "true")
        await expect(page.locator(".moves")).to_contain_text("the assignee, once there is one")

        await change_user(hands, MARTON.name)
        await hands.press(page.get_by_role("link", name="My groups"))
        await hands.open_first_ticket()
        await hands.assign_to_me()
        await expect(notice).to_contain_text("Assigned.")
        await hands.press(button("button", name="Start work"))
        await expect(notice).to_contain_text("Moved to In progress.")
        await hands.write_comment("Rolled back")
        await hands.press(button("button", name="Reply to Anna K."))
        await expect(notice).to_contain_text("Your comment is on the ticket")
        await expect(page.locator("#comment")).to_have_value("")
        await hands.write_comment("The provider is slow")
        await hands.press(button("button", name="Add internal note"))
        await expect(notice).to_contain_text("The requester can't read it.")
        await hands.press(button("button", name="Resolve"))
        await expect(notice).to_contain_text("Moved to Resolved.")

        await change_user(hands, ANNA.name)
        await hands.press(page.get_by_role("link", name="Opened by me"))
        await hands.open_first_ticket()
        await expect(page.locator(".timeline")).to_contain_text("Rolled back")
        assert "The provider is slow" not in await page.content()
        await hands.press(button("button", name="Confirm and close"))
        await expect(page.locator(".page-header")).to_contain_text("Closed")


async def test_a_session_that_ends_leads_to_the_sign_in_and_back(
    shared: SharedApplication, shared_pages: WebPages
) -> None:
    async with shared_pages.window(None, DEMO.link) as page:
        await page.goto(shared_pages.url("/new/form"))
        await page.fill("#title", "Printer")
        await end_sessions(shared.database)
        await page.get_by_role("button", name=MARTON.name).click()
        await expect(page.locator("#title")).to_have_value("Printer")


async def test_a_form_of_an_ended_session_is_sent_again(
    shared: SharedApplication, shared_pages: WebPages
) -> None:
    async with shared_pages.window(None, DEMO.link) as page:
        await page.context.route("**/events*", lambda route: route.abort())
        await page.goto(shared_pages.url("/new/form"))
        await page.fill("#title", "Printer")
        await end_sessions(shared.database)
        await page.get_by_role("button", name="Open the ticket").click()
        await sign_in_and_send_again(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Printer")
        await page.get_by_text("Edit", exact=True).click()
        await page.get_by_label("Title").fill("Second printer")
        await end_sessions(shared.database)
        await page.get_by_role("button", name="Save").click()
        await page.locator("#unsent").wait_for()
        await page.evaluate("document.dispatchEvent(new CustomEvent('signed-out'))")
        await sign_in_and_send_again(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Second printer")
    shared_pages.complaints.clear()  # the streams that were aborted


async def sign_in_and_send_again(page: Page) -> None:
    async with page.expect_popup() as other:
        await page.get_by_role("link", name="Sign in, in another tab").click()
    tab = await other.value
    await tab.get_by_role("button", name=MARTON.name).click()
    await expect(tab.get_by_role("heading", level=1)).to_contain_text("You are signed in")
    await page.get_by_role("button", name="Send the form again").click()


async def end_sessions(database: Database) -> None:
    await store_of(database).delete_of_user(MARTON.id)
