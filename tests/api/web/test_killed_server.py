"""A server that is killed while it has a form of a page: no typed text is lost."""

import signal

from playwright.async_api import Browser, expect
from yarl import URL

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.http.server import ServerOptions, listening
from api.settings import Settings
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicket
from tests.support.api_client import bearer
from tests.support.personas import ANNA, MARTON
from tests.support.replicas import UNLIMITED, replica


async def test_the_text_of_a_form_outlives_the_server(
    engine: EngineHandle, settings: Settings, database_url: str, browser: Browser
) -> None:
    new = CreateTicket.parse(title="Printer", workflow="incident_response")
    ticket = await TicketStore(engine.database).create(ANNA, new)
    page = await browser.new_page(extra_http_headers=bearer(MARTON))
    failure = page.locator("#failure")
    async with replica(database_url, UNLIMITED) as server:
        url = URL(server.url)
        await page.goto(f"{url}/tickets/{ticket.id}")
        await page.fill("#comment", "half a sentence")
        server.send_signal(signal.SIGSTOP)
        async with page.expect_request("**/comments"):
            await page.get_by_role("button", name="Reply to Anna K.").click()
        await expect(failure).to_be_hidden()
        server.send_signal(signal.SIGKILL)
        await expect(failure).to_contain_text("Your text is kept.")
        await expect(page.locator("#comment")).to_have_value("half a sentence")
    async with (
        open_application_on(engine, settings) as application,
        listening(application, ServerOptions(port=url.port or 0)),
    ):
        await page.reload()
        await expect(page.locator("#comment")).to_have_value("half a sentence")
        await page.get_by_role("button", name="Reply to Anna K.").click()
        await expect(page.locator(".timeline")).to_contain_text("half a sentence")
        await expect(page.locator("#comment")).to_have_value("")
        await expect(failure).to_be_hidden()
        await page.close()
