"""The pages of the sign-in are accessible in both themes, on a phone and on a large screen."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from api.auth.sign_in_errors import SignInFailed, SignInProblem
from api.demo.tickets import ADA, ANNA, BELA, DORA, MARTON, ZOE
from api.http.access import ProtectedRoute, allow_anyone
from api.http.application import AccessControl, build_application
from api.web.csrf import CrossSiteRequest
from api.web.pages import Pages
from api.web.rendering import load_renderer
from api.web.sessions import SENT_FORM, SignInRequired
from api.web.views.sign_in.view import (
    SignInPage,
    demo_page,
    leaving_page,
    renewal_page,
    sign_in_page,
    signed_in_page,
)
from engine.errors import InterlockError
from tests.support.accessibility import check_accessibility
from tests.support.api_client import TOKENS

PAGES: dict[str, SignInPage | InterlockError] = {
    "provider": sign_in_page("/sign-in/start", has_token=False),
    "token": sign_in_page(None, has_token=True),
    "not-set-up": sign_in_page(None, has_token=False),
    "demo": demo_page((MARTON, ANNA, ADA, BELA, DORA, ZOE), "/"),
    "demo-without-link": demo_page((), "/"),
    "leaving": leaving_page("https://login.example/logout?id_token_hint=a.b.c"),
    "renewal": renewal_page("https://login.example/authorize?id_token_hint=a.b.c"),
    "signed-in": signed_in_page(),
    "form": SignInRequired(),
    "cross-site": CrossSiteRequest(),
    **{str(each): SignInFailed.because(each) for each in SignInProblem},
}


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """Yield the URL of a server that has all pages, without a database."""

    async def no_context(*_: object) -> None:
        raise AssertionError

    pages = Pages(load_renderer(), no_context, allow_anyone)  # type: ignore[arg-type]  # not called

    async def show(request: web.Request) -> web.Response:
        page = PAGES[request.match_info["name"]]
        if isinstance(page, SignInRequired):
            request[SENT_FORM] = [("key", "0a1b"), ("description", "It **smokes**.\n" * 9)]
        if isinstance(page, InterlockError):
            raise page
        return pages.renderer.page(request, "views/sign_in/page.html", None, {"page": page})

    route = ProtectedRoute(allow_anyone, web.get("/{name}", show), pages.error)
    application = build_application([pages.renderer.assets.route, route], AccessControl(TOKENS))
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_accessible(name: str, url: str, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(url + name)
    for width in (320, 1280):
        await page.set_viewport_size({"width": width, "height": 640})
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await check_accessibility(page)
    await page.close()


@pytest.mark.parametrize(
    "body", ["<img src='x'>", "<main><h1>A</h1><p style='width: 5000px'>Too wide</p></main>"]
)
async def test_the_check_finds_faults(body: str, browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content(f"<html lang='en'><title>A</title><body>{body}</body></html>")
    with pytest.raises(AssertionError):
        await check_accessibility(page)
    await page.close()
