"""Users sign in at the OpenID provider, come back to where they were, and sign out."""

import asyncio
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDictProxy
from sqlalchemy import Interval, bindparam, update

from api.bootstrap.application import open_application_on
from api.bootstrap.auth import key_source
from api.bootstrap.engine import open_engine
from api.bootstrap.web import sign_in_methods
from api.settings import Settings
from engine.errors import Misconfigured
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import web_sessions
from tests.support.api_client import Client, SharedApplication, bearer
from tests.support.databases import as_server, new_database
from tests.support.html_forms import read_forms
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA
from tests.support.sign_in_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    PUBLIC_URL,
    SignInProvider,
    sign_in_provider,
)
from tests.support.web_client import OWN_PAGE

PAGE = "/tickets?status=OPEN&priority=HIGH&text=50%25+off"
SETTINGS = {
    "INTERLOCK_OIDC_CLIENT_ID": CLIENT_ID,
    "INTERLOCK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    "INTERLOCK_PUBLIC_URL": PUBLIC_URL,
}


@dataclass
class PlainBrowser:
    """A browser without scripts that follows no redirects by itself.

    Attributes:
        cookies: that it has stored.
        set_cookies: all `Set-Cookie` headers that it has received.

    """

    client: Client
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> ClientResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Cookie": cookie, **OWN_PAGE, **(headers or {})}
        response = await self.client.request(
            method, path, headers=sent, data=form or None, allow_redirects=False
        )
        await response.read()
        self._store(response.headers)
        return response

    async def location(self, path: str, method: str = "GET") -> str:
        """Return where a redirect leads to."""
        response = await self.request(method, path)
        assert response.status == 303, await response.text()
        return response.headers["Location"]

    async def start(self, provider: SignInProvider, path: str = PAGE) -> str:
        """Open a page without a session; return the path with which the provider sends back."""
        sign_in = await self.location(path)
        started = await self.location(sign_in)
        assert urlsplit(started).path == "/sign-in/start"
        parameters = provider.authorize(await self.location(started))
        return f"/sign-in/callback?{urlencode(parameters)}"

    async def sign_in(self, provider: SignInProvider) -> None:
        callback = await self.start(provider)
        assert await self.location(callback) == PAGE

    async def is_signed_in(self) -> bool:
        return (await self.request("GET", PAGE)).status == 200

    def _store(self, headers: CIMultiDictProxy[str]) -> None:
        for header in headers.getall("Set-Cookie", []):
            self.set_cookies.append(header)
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[SignInProvider]:
    async with sign_in_provider() as started:
        yield started


@pytest.fixture(autouse=True)
def honest(provider: SignInProvider) -> None:
    """Undo the changes of other tests."""
    provider.claims.clear()


@dataclass(frozen=True)
class Servers:
    """Two servers on one database."""

    first: Client
    second: Client
    database: Database


@pytest.fixture(scope="module")
async def servers(template: str, provider: SignInProvider) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(new_database(template))
        variables = SETTINGS | {
            "INTERLOCK_OIDC_ISSUER": provider.issuer,
            "INTERLOCK_DATABASE_URL": as_server(url),
        }
        settings = Settings.from_env(variables)
        engine = await stack.enter_async_context(open_engine(settings))
        first, second = [
            await stack.enter_async_context(
                TestClient(
                    TestServer(
                        await stack.enter_async_context(open_application_on(engine, settings))
                    ),
                    cookie_jar=DummyCookieJar(),
                )
            )
            for _ in range(2)
        ]
        yield Servers(first, second, engine.database)


@pytest.fixture
def browser(servers: Servers) -> PlainBrowser:
    return PlainBrowser(servers.first)


async def test_a_user_signs_in_and_comes_back(
    browser: PlainBrowser, provider: SignInProvider
) -> None:
    assert not await browser.is_signed_in()
    await browser.sign_in(provider)
    response = await browser.request("GET", PAGE)
    assert response.status == 200
    assert "Anna K." in await response.text()
    assert list(browser.cookies) == ["interlock"]
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in browser.set_cookies)


async def test_another_server_finishes_the_sign_in_and_accepts_the_session(
    browser: PlainBrowser, servers: Servers, provider: SignInProvider
) -> None:
    callback = await browser.start(provider)
    browser.client = servers.second
    assert await browser.location(callback) == PAGE
    assert await browser.is_signed_in()
    browser.client = servers.first
    assert await browser.is_signed_in()


async def test_several_tabs_sign_in_at_the_same_time(
    browser: PlainBrowser, provider: SignInProvider
) -> None:
    tabs: dict[str, tuple[str, str]] = {}
    while len(tabs) < 3:  # a state can select the cookie of an earlier tab, which it replaces
        before, path = dict(browser.cookies), f"/tickets?tab={len(tabs)}"
        callback = await browser.start(provider, path)
        [cookie] = [name for name, value in browser.cookies.items() if before.get(name) != value]
        tabs[cookie] = callback, path
    for callback, path in tabs.values():
        assert await browser.location(callback) == path


async def test_each_sign_in_has_a_new_id_and_ends_the_session_before(
    browser: PlainBrowser, provider: SignInProvider
) -> None:
    planted = "x" * 43
    browser.cookies["interlock"] = planted
    await browser.sign_in(provider)
    first = browser.cookies["interlock"]
    assert first != planted
    callback = f"/sign-in/callback?{urlencode(await start_again(browser, provider))}"
    assert await browser.location(callback) == "/"
    assert browser.cookies["interlock"] != first
    browser.cookies["interlock"] = first
    assert not await browser.is_signed_in()


async def start_again(browser: PlainBrowser, provider: SignInProvider) -> dict[str, str]:
    return provider.authorize(await browser.location("/sign-in/start"))


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example"])
async def test_the_sign_in_leads_to_no_other_site(
    browser: PlainBrowser, provider: SignInProvider, path: str
) -> None:
    url = await browser.location(f"/sign-in/start?{urlencode({'next': path})}")
    callback = f"/sign-in/callback?{urlencode(provider.authorize(url))}"
    [name] = browser.cookies
    forged = json.loads(urlsafe_b64decode(browser.cookies[name])) | {"return_path": path}
    browser.cookies[name] = urlsafe_b64encode(json.dumps(forged).encode()).decode()
    assert await browser.location(callback) == "/"


@pytest.mark.parametrize("path", ["/%0d%0aSet-Cookie:%20a=b", "%2F%2Fevil.example", "/%C3%A9"])
async def test_the_redirect_to_the_provider_has_no_text_of_the_url(
    browser: PlainBrowser, path: str
) -> None:
    assert await browser.location(f"/sign-in?next={path}") == "/sign-in/start?next=%2F"


COOKIES = {
    "no JSON": b"x",
    "no object": b"[]",
    "another object": b'{"state": "x"}',
    "no texts": b'{"state": [], "nonce": 1, "code_verifier": null, "return_path": {}}',
    "deep JSON": b"[" * 5_000,
}


class TestRefused:
    async def refused(self, browser: PlainBrowser, callback: str) -> str:
        response = await browser.request("GET", callback)
        assert response.status == 400
        assert "interlock" not in browser.cookies
        text = await response.text()
        assert "You are not signed in" in text
        return text

    async def test_a_sign_in_of_another_browser(
        self, browser: PlainBrowser, servers: Servers, provider: SignInProvider
    ) -> None:
        callback = await PlainBrowser(servers.first).start(provider)
        assert "not started in this browser" in await self.refused(browser, callback)

    @pytest.mark.parametrize("cookie", COOKIES.values(), ids=COOKIES)
    async def test_a_damaged_cookie(
        self, browser: PlainBrowser, provider: SignInProvider, cookie: bytes
    ) -> None:
        callback = await browser.start(provider)
        [name] = browser.cookies
        browser.cookies[name] = urlsafe_b64encode(cookie).decode()
        assert "not started in this browser" in await self.refused(browser, callback)

    async def test_a_denied_sign_in(self, browser: PlainBrowser, provider: SignInProvider) -> None:
        state = parse_qs(urlsplit(await browser.start(provider)).query)["state"][0]
        callback = f"/sign-in/callback?{urlencode({'state': state, 'error': 'access_denied'})}"
        assert "was cancelled" in await self.refused(browser, callback)

    async def test_a_text_of_another_site_is_not_shown(self, browser: PlainBrowser) -> None:
        query = urlencode({"error": "<b>evil</b>", "error_description": "Call 555-0100"})
        text = await self.refused(browser, f"/sign-in/callback?{query}")
        assert "evil" not in text
        assert "555-0100" not in text

    async def test_an_invalid_id_token(
        self, browser: PlainBrowser, provider: SignInProvider
    ) -> None:
        provider.claims["nonce"] = "x"
        text = await self.refused(browser, await browser.start(provider))
        assert "what the OpenID provider states about you" in text

    async def test_the_code_is_in_no_log(
        self,
        browser: PlainBrowser,
        provider: SignInProvider,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        callback = await browser.start(provider)
        code, state = (parse_qs(urlsplit(callback).query)[name][0] for name in ("code", "state"))
        await browser.location(callback)
        printed = "".join(capsys.readouterr())
        assert "signed in" in printed
        assert not {code, state, browser.cookies["interlock"]} & set(re.split(r"[\s=&?]", printed))


class TestSignOut:
    async def test_the_user_also_leaves_the_provider(
        self, browser: PlainBrowser, provider: SignInProvider
    ) -> None:
        await browser.sign_in(provider)
        response = await browser.request("POST", "/sign-out")
        assert response.status == 200
        url = response.headers["Refresh"].removeprefix("0; url=")
        assert url.startswith(f"{provider.issuer}/logout?")
        assert parse_qs(urlsplit(url).query)["id_token_hint"]
        assert url.replace("&", "&amp;") in await response.text()
        assert browser.cookies == {}
        assert not await browser.is_signed_in()

    async def test_the_sign_in_page_does_not_sign_in_again_by_itself(
        self, browser: PlainBrowser, provider: SignInProvider
    ) -> None:
        await browser.sign_in(provider)
        await browser.request("POST", "/sign-out")
        response = await browser.request("GET", "/sign-in")
        assert response.status == 200
        assert 'href="/sign-in/start"' in await response.text()

    async def test_everywhere(
        self, browser: PlainBrowser, servers: Servers, provider: SignInProvider
    ) -> None:
        elsewhere = PlainBrowser(servers.second)
        for each in (browser, elsewhere):
            await each.sign_in(provider)
        response = await browser.request("POST", "/sign-out/everywhere")
        assert "Refresh" in response.headers
        assert not await browser.is_signed_in()
        assert not await elsewhere.is_signed_in()

    async def test_a_stream_ends(
        self, browser: PlainBrowser, servers: Servers, provider: SignInProvider
    ) -> None:
        await browser.sign_in(provider)
        headers = {"Cookie": f"interlock={browser.cookies['interlock']}"}
        async with servers.second.get("/events", headers=headers) as stream:
            assert stream.status == 200
            await browser.request("POST", "/sign-out")
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await stream.content.read()


MAKE_OLDER = Statement.of(
    update(web_sessions).values(
        claims_at=web_sessions.c.claims_at - bindparam("minutes", type_=Interval)
    )
)
SECONDS_LEFT = 2
NAVIGATION = {"Sec-Fetch-Mode": "navigate"}


class TestRenewal:
    """The claims of a session follow the provider: a page renews them after 30 minutes."""

    @pytest.fixture(autouse=True)
    async def signed_in(self, browser: PlainBrowser, provider: SignInProvider) -> None:
        await browser.sign_in(provider)

    async def make_older(self, servers: Servers, minutes: float) -> None:
        await servers.database.row(MAKE_OLDER, minutes=timedelta(minutes=minutes))

    async def come_back(self, browser: PlainBrowser, provider: SignInProvider) -> str:
        """Open a page that needs newer claims; return where the provider's answer leads to."""
        response = await browser.request("GET", PAGE, NAVIGATION)
        assert response.status == 303
        response = await browser.request("GET", response.headers["Location"], NAVIGATION)
        started = response.headers["Location"]
        response = await browser.request("GET", started, NAVIGATION)
        assert response.status == 200  # a redirect would be blocked after a form
        url = response.headers["Refresh"].removeprefix("0; url=")
        assert parse_qs(urlsplit(url).query)["id_token_hint"]
        return f"/sign-in/callback?{urlencode(provider.authorize(url))}"

    async def test_a_page_takes_over_what_the_provider_states_now(
        self, browser: PlainBrowser, servers: Servers, provider: SignInProvider
    ) -> None:
        before = browser.cookies["interlock"]
        provider.claims |= {"name": "Anna L.", "admin": True}
        await self.make_older(servers, 29)
        response = await browser.request("GET", PAGE, NAVIGATION)
        assert "Anna K." in await response.text()
        await self.make_older(servers, 2)
        callback = await self.come_back(browser, provider)
        assert await browser.location(callback) == PAGE
        assert browser.cookies == {"interlock": before}  # the other tabs keep their session
        response = await browser.request("GET", PAGE, NAVIGATION)
        text = await response.text()
        assert "Anna L." in text
        assert 'href="/plan"' in text

    async def test_forms_and_parts_of_pages_wait_for_a_page(
        self, browser: PlainBrowser, servers: Servers
    ) -> None:
        form = {"theme": "dark", "time_zone": "", "start_path": ""}
        await self.make_older(servers, 59)
        response = await browser.request("POST", "/settings", NAVIGATION, form)
        assert response.status == 303
        assert response.headers["Location"].startswith("/settings")
        part = {"HX-Request": "true", "Sec-Fetch-Mode": "same-origin"}
        assert (await browser.request("GET", PAGE, part)).status == 200
        await self.make_older(servers, 2)
        response = await browser.request("GET", PAGE, part)
        assert response.headers["HX-Trigger"] == "signed-out"
        assert (await browser.request("POST", "/settings", NAVIGATION, form)).status == 401

    async def test_a_form_that_needs_a_sign_in_comes_back_with_its_fields(
        self, browser: PlainBrowser, servers: Servers
    ) -> None:
        path, typed = "/new/form?from=here", '  It\n<b>smokes</b> & "smells"' + " badly" * 9
        form = [("title", "Printer"), ("description", typed), ("x", "1"), ("x", "2")]
        await self.make_older(servers, 61)
        page = await (await browser.request("POST", path, NAVIGATION, form)).text()
        [sent] = read_forms(page).enabled
        assert sent.action == path
        assert sent.fields["title"] == "Printer"
        assert unescape(page).count(f'<textarea name="description" readonly>\n{typed}<') == 1
        assert page.count('name="x"') == 2
        assert 'href="/sign-in?next=%2Fsigned-in" target="_blank"' in page
        browser.cookies.clear()
        response = await browser.request("POST", path, NAVIGATION, form)
        assert response.status == 401
        assert read_forms(await response.text()).enabled == (sent,)

    async def test_the_other_tab_says_that_the_form_can_be_sent(
        self, browser: PlainBrowser, provider: SignInProvider
    ) -> None:
        browser.cookies.clear()
        callback = await browser.start(provider, "/signed-in")
        assert await browser.location(callback) == "/signed-in"
        response = await browser.request("GET", "/signed-in")
        assert "send your form again" in await response.text()

    async def test_another_user_at_the_provider_gets_a_session_of_their_own(
        self, browser: PlainBrowser, servers: Servers, provider: SignInProvider
    ) -> None:
        before = browser.cookies["interlock"]
        await self.make_older(servers, 31)
        callback = await self.come_back(browser, provider)
        provider.claims |= {"sub": "u_c4", "name": "Marton P."}
        await browser.location(callback)
        assert browser.cookies["interlock"] != before
        response = await browser.request("GET", PAGE, NAVIGATION)
        assert "Marton P." in await response.text()
        browser.cookies["interlock"] = before
        assert not await browser.is_signed_in()

    async def test_a_stream_ends_before_its_claims_are_too_old(
        self, browser: PlainBrowser, servers: Servers
    ) -> None:
        headers = {"Cookie": f"interlock={browser.cookies['interlock']}"}
        await self.make_older(servers, 60 - SECONDS_LEFT / 60)
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            servers.second.get("/events", headers=headers, allow_redirects=False) as stream,
        ):
            assert stream.status == 200
            assert b"event: signed-out" in await stream.content.read()


async def test_a_user_with_a_token_of_a_proxy_needs_no_sign_in(browser: PlainBrowser) -> None:
    response = await browser.request("GET", "/sign-in", bearer(ANNA))
    assert "A proxy signs you in" in await response.text()


async def test_without_a_provider_the_page_says_so(shared: SharedApplication) -> None:
    for path in ("/sign-in", "/sign-in?next=/tickets"):
        async with shared.client.get(path) as response:
            assert response.status == 200
            assert "not set up" in await response.text()
    async with shared.client.get("/sign-in/callback") as response:
        assert response.status == 404


ISSUER = "https://id.example"
MISTAKES = {
    "a client without issuer": (
        {"INTERLOCK_OIDC_CLIENT_ID": "a", "INTERLOCK_JWT_SECRET": "s" * 32},
        "INTERLOCK_OIDC_ISSUER must be set",
    ),
    "a client without public URL": (
        {"INTERLOCK_OIDC_CLIENT_ID": "a", "INTERLOCK_OIDC_ISSUER": ISSUER},
        "INTERLOCK_PUBLIC_URL must be set",
    ),
    "a secret without client": (
        {"INTERLOCK_OIDC_CLIENT_SECRET": "a", "INTERLOCK_OIDC_ISSUER": ISSUER},
        "INTERLOCK_OIDC_CLIENT_ID must be set",
    ),
    "two secrets": (
        SETTINGS | {"INTERLOCK_OIDC_CLIENT_SECRET_FILE": "FILE", "INTERLOCK_OIDC_ISSUER": ISSUER},
        "Only one of INTERLOCK_OIDC_CLIENT_SECRET",
    ),
    "a file that is missing": (
        {"INTERLOCK_OIDC_CLIENT_SECRET_FILE": "/nowhere", "INTERLOCK_OIDC_ISSUER": ISSUER},
        "/nowhere cannot be read",
    ),
    "an empty file": (
        {"INTERLOCK_OIDC_CLIENT_SECRET_FILE": "FILE", "INTERLOCK_OIDC_ISSUER": ISSUER},
        "must contain the secret",
    ),
}


@pytest.mark.parametrize(("variables", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_settings_is_reported(
    variables: dict[str, str], message: str, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(" \n", "utf-8")
    settings = Settings.from_env(
        {name: str(file) if text == "FILE" else text for name, text in variables.items()}
    )
    with pytest.raises(Misconfigured, match=re.escape(message)):
        sign_in_methods(settings, database, key_source(settings), None)


@pytest.mark.parametrize(
    ("url", "name"), [("https://desk.example", "__Host-interlock"), (PUBLIC_URL, "interlock")]
)
def test_cookies_require_tls_unless_the_server_is_on_the_same_machine(
    url: str, name: str, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{CLIENT_SECRET}\n", "utf-8")
    variables = SETTINGS | {
        "INTERLOCK_OIDC_CLIENT_SECRET": "",
        "INTERLOCK_OIDC_CLIENT_SECRET_FILE": str(file),
        "INTERLOCK_OIDC_ISSUER": ISSUER,
        "INTERLOCK_PUBLIC_URL": url,
    }
    settings = Settings.from_env(variables)
    methods = sign_in_methods(settings, database, key_source(settings), None)
    assert methods.provider
    assert methods.sessions.cookies.name("interlock") == name
