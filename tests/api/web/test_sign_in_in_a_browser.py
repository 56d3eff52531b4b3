"""A real browser signs in at an independent provider, and signs out, with and without scripts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.settings import Settings
from engine.storage.postgres.database import Database
from tests.api.web.views.test_sign_in import MAKE_OLDER
from tests.support.certificates import self_signed
from tests.support.databases import as_server, new_database
from tests.support.mock_provider import mock_provider
from tests.support.personas import ANNA, MARTON

PATH = "/tickets?status=OPEN&priority=HIGH"


@dataclass(frozen=True)
class Desk:
    """A server with TLS, and its provider."""

    url: str
    issuer: str
    database: Database

    async def make_claims_older(self, minutes: int) -> None:
        await self.database.row(MAKE_OLDER, minutes=timedelta(minutes=minutes))


@pytest.fixture(scope="module")
async def desk(template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(new_database(template))
        issuer = await stack.enter_async_context(mock_provider(ANNA, MARTON))
        port = unused_port()
        url = f"https://127.0.0.1:{port}"
        settings = Settings.from_env(
            {
                "INTERLOCK_DATABASE_URL": as_server(database),
                "INTERLOCK_OIDC_ISSUER": issuer,
                "INTERLOCK_OIDC_CLIENT_ID": "interlock",
                "INTERLOCK_OIDC_CLIENT_SECRET": "secret",
                "INTERLOCK_PUBLIC_URL": url,
            }
        )
        engine = await stack.enter_async_context(open_engine(settings))
        application = await stack.enter_async_context(open_application_on(engine, settings))
        server = TestServer(application, port=port)
        folder: Path = tmp_path_factory.mktemp("certificate")
        await server.start_server(ssl=self_signed(folder))
        stack.push_async_callback(server.close)
        yield Desk(url, issuer, engine.database)


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
async def page(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> AsyncIterator[Page]:
    """Yield a page; pages of the server write nothing but error statuses to its console."""
    lines: list[str] = []

    def note(message: ConsoleMessage) -> None:
        is_status = message.text.startswith("Failed to load resource: the server responded with")
        if message.location["url"].startswith(desk.url) and not is_status:
            lines.append(message.text)

    context = await browser.new_context(ignore_https_errors=True, java_script_enabled=request.param)
    page = await context.new_page()
    page.on("console", note)
    yield page
    await context.close()
    assert lines == []


async def sign_in(page: Page, desk: Desk, path: str = PATH) -> None:
    await page.goto(desk.url + path)
    assert page.url.startswith(f"{desk.issuer}/oauth2/authorize?")
    await page.get_by_role("button", name=ANNA.id).click()
    await page.wait_for_url(desk.url + path)


async def test_the_browser_keeps_the_cookie_and_hides_it_from_scripts(
    page: Page, desk: Desk
) -> None:
    await sign_in(page, desk)
    await expect(page.get_by_text(ANNA.name)).to_be_visible()
    [cookie] = await page.context.cookies(desk.url)
    assert (cookie["name"], cookie["path"], cookie["sameSite"]) == ("__Host-interlock", "/", "Lax")
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert await page.evaluate("document.cookie") == ""


async def test_the_user_signs_out_here_and_at_the_provider(page: Page, desk: Desk) -> None:
    await sign_in(page, desk)
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{desk.issuer}/oauth2/end_session?**")
    await page.get_by_role("button", name="End session").click()
    await page.wait_for_url(f"{desk.url}/sign-in")
    assert await page.context.cookies(desk.url) == []
    await page.goto(desk.url + PATH)
    assert page.url.startswith(desk.issuer)


async def test_a_denied_sign_in_is_explained_and_can_be_repeated(page: Page, desk: Desk) -> None:
    await page.goto(desk.url + PATH)
    await page.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("heading")).to_have_text("You are not signed in")
    await sign_in(page, desk)


async def test_renewed_claims_lose_no_typed_text(page: Page, desk: Desk) -> None:
    # A stream that ends in the middle would lead to the provider before the form does.
    await page.context.route("**/events*", lambda route: route.fulfill(status=204))
    await sign_in(page, desk, "/new/form")
    await page.fill("#title", "Printer")
    await desk.make_claims_older(minutes=45)
    await page.get_by_role("button", name="Open the ticket").click()
    await page.get_by_role("button", name=ANNA.id).click()  # the mock asks even who is signed in
    await expect(page.get_by_text("The ticket is open.", exact=True)).to_be_visible()
    await desk.make_claims_older(minutes=61)
    typed = "It smokes.\nIt smells, too."
    await page.fill("#comment", typed)
    await page.get_by_role("button", name="Add comment").click()
    await expect(page.get_by_label("Text")).to_have_value(typed)
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Sign in, in another tab").click()
    tab = await opened.value
    await tab.get_by_role("button", name=ANNA.id).click()
    await expect(tab.get_by_role("heading")).to_have_text("You are signed in")
    await page.get_by_role("button", name="Send the form again").click()
    await expect(page.locator(".timeline")).to_contain_text("It smells, too.")
    await expect(page.get_by_text("Your comment is on the ticket.")).to_be_visible()


async def test_a_form_of_another_site_changes_nothing(page: Page, desk: Desk) -> None:
    await sign_in(page, desk)

    async def evil(_request: web.Request) -> web.Response:
        form = f'<form method="post" action="{desk.url}/sign-out"><button>Win</button></form>'
        return web.Response(text=form, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", evil)
    async with TestServer(application, host="localhost") as server:
        other = await page.context.new_page()
        await other.goto(str(server.make_url("/")))
        async with other.expect_navigation() as navigation:
            await other.get_by_role("button").click()
        assert (await navigation.value).status == 403
        await expect(other.get_by_text("Another site sent the request")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(ANNA.name)).to_be_visible()
