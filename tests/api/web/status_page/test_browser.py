"""The page in a real browser: the life of an outage, and accessibility."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket
from engine.tickets.publications import PublishIncident
from tests.api.web.status_page.conftest import StatusServer
from tests.support.accessibility import check_in_each_theme
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import declare_service, record, report
from tests.support.personas import ADA
from tests.support.resources import sla_targets, status_page
from tests.support.web_pages import WebPages


async def test_the_life_of_an_outage(
    browser: Browser, status_server: StatusServer, database: Database
) -> None:
    pages, store = WebPages(browser, status_server.client), TicketStore(database)
    await declare_service(database)
    settings = status_page(enabled=True, companyName="Acme")
    await put_resources(database, [settings, sla_targets("payment-team")])
    await record(database, "OPERATIONAL")
    await status_server.state.refresh()
    no_scripts = {"java_script_enabled": False}
    async with pages.window(None, "/status", no_scripts) as page:

        async def reload() -> None:
            await status_server.state.refresh()
            await page.reload()

        await expect(page.locator(".now")).to_have_text("Everything works")
        ticket = str((await report(database, "DOWN")).ticket)
        await reload()
        await expect(page.locator(".now")).to_have_text("Some services are down")
        await expect(page.get_by_text("Payment-Team is affected")).to_be_visible()
        published = PublishIncident.parse(
            ticket=ticket, title="Cards are declined", update="We repair it."
        )
        await store.publish(ADA, published)
        await reload()
        await expect(page.get_by_role("heading", name="Cards are declined")).to_be_visible()
        await expect(page.get_by_text("We repair it.")).to_be_visible()
        await store.comment(ADA, CommentTicket.parse(ticket=ticket, text="internal words"))
        await report(database, "OPERATIONAL")
        await reload()
        await expect(page.locator(".now")).to_have_text("Everything works")
        await expect(page.get_by_text("internal words")).to_have_count(0)
        await page.get_by_text("Day by day").click()
        await expect(page.get_by_role("cell", name="Down for less than 1 min")).to_be_visible()
    assert pages.complaints == []


async def test_the_page_is_accessible(
    browser: Browser, status_server: StatusServer, database: Database
) -> None:
    pages = WebPages(browser, status_server.client)
    await declare_service(database)
    await put_resources(database, [status_page(enabled=True), sla_targets("payment-team")])
    await report(database, "DOWN")
    await status_server.state.refresh()
    async with pages.window(None, "/status", {"bypass_csp": True}) as page:
        await page.get_by_text("Day by day").click()
        await check_in_each_theme(page)
        status_server.seconds[0] = 31
        await page.reload()
        await check_in_each_theme(page)


async def test_times_are_in_the_zone_of_the_reader(
    browser: Browser, status_server: StatusServer, database: Database
) -> None:
    pages = WebPages(browser, status_server.client)
    await put_resources(database, [status_page(enabled=True)])
    await status_server.state.refresh()
    texts = []
    for scripts in (True, False):
        settings = {"timezone_id": "Asia/Tokyo", "java_script_enabled": scripts}
        async with pages.window(None, "/status", settings) as page:
            shown = page.locator("main time").first
            texts.append(await shown.inner_text())
            at = datetime.fromisoformat(await shown.get_attribute("datetime") or "")
            zone = await page.locator("footer").inner_text()
            assert ("Asia/Tokyo; days are counted in UTC" in zone) == scripts
            assert ("All times are in UTC." in zone) != scripts
    in_the_zone, in_utc = texts
    assert f"{at.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} GMT+9" in in_the_zone
    assert f"{at.astimezone(UTC):%H:%M} UTC" in in_utc
    assert pages.complaints == []
