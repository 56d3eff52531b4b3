"""The settings, the shortcuts, saved views and the page without ticketing are accessible."""

from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.users import save_user
from engine.storage.user_settings import save_view
from engine.user_settings import SavedView
from tests.support.accessibility import check_in_each_theme
from tests.support.personas import ADA
from tests.support.web_pages import WebPages


async def test_the_pages_are_accessible(database: Database, pages: WebPages) -> None:
    await save_user(database, ADA)
    view = SavedView(name="A long name of a view, as long as a name can be, 60 letters.", query="")
    await save_view(database, ADA.id, view)
    async with pages.window(ADA, "/settings?saved") as page:
        await page.get_by_text("Ticketing is on").click()
        await check_in_each_theme(page)
        await page.get_by_role("button", name="Shortcuts").click()
        await check_in_each_theme(page)
        await page.goto(pages.url("/tickets"))
        await check_in_each_theme(page)
        await page.goto(pages.url("/tickets?text=printer"))
        await page.get_by_text("Save as a view").click()
        await check_in_each_theme(page)
        await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
        await page.goto(pages.url("/workflows"))
        switch = page.locator(".sidebar").get_by_role("button", name="Switch ticketing on")
        while not await switch.is_visible():  # until the server is notified
            await page.reload()
        await switch.hover()
        await check_in_each_theme(page)
        await page.goto(pages.url("/tickets"))
        await check_in_each_theme(page)
