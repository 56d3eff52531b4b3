"""The demo signs in with the link that it prints, and no other server has that sign-in."""

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.settings import Settings
from api.web.views.sign_in.demo import DemoSignIn
from tests.support.api_client import SECRET, Client, SharedApplication
from tests.support.databases import as_server, new_database
from tests.support.paths import ROOT
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.web_client import OWN_PAGE

DEMO = DemoSignIn((MARTON, ANNA, ADA))
PATH = "/sign-in/demo"


@pytest.fixture(scope="module")
async def demo(template: str) -> AsyncIterator[Client]:
    async with new_database(template) as url:
        settings = Settings.from_env(
            {
                "INTERLOCK_DATABASE_URL": as_server(url),
                "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
            }
        )
        async with (
            open_engine(settings) as engine,
            open_application_on(engine, settings, demo=DEMO) as application,
            TestClient(TestServer(application), cookie_jar=DummyCookieJar()) as client,
        ):
            yield client


async def open_link(demo: Client) -> dict[str, str]:
    """Open the link, and return the header with the cookies that it sets."""
    async with demo.get(DEMO.link, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
        received = SimpleCookie("; ".join(response.headers.getall("Set-Cookie")))
    assert not any("Secure" in each for each in response.headers.getall("Set-Cookie"))
    pairs = (f"{name}={morsel.value}" for name, morsel in received.items() if morsel.value)
    return {"Cookie": "; ".join(pairs)}


async def name_on_page(demo: Client, cookies: dict[str, str]) -> str | None:
    """Return the name of the user who is signed in."""
    async with demo.get("/tickets", headers=cookies, allow_redirects=False) as response:
        found = re.search('title="My settings".*?<bdi>([^<]+)<', await response.text())
    return found and found[1]


async def test_the_link_signs_in_the_first_user(demo: Client) -> None:
    assert await name_on_page(demo, await open_link(demo)) == MARTON.name


async def test_the_link_can_be_opened_again(demo: Client) -> None:
    first = await open_link(demo)
    second = await open_link(demo)
    assert first != second
    assert await name_on_page(demo, second) == MARTON.name


@pytest.mark.parametrize("query", ["", "?secret=", "?secret=x", "?secret=%C3%A9"])
async def test_another_secret_signs_in_no_user(demo: Client, query: str) -> None:
    async with demo.get(f"{PATH}{query}") as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers
        assert "Open the link that `make run` printed" in await response.text()


async def test_another_user_can_be_chosen(demo: Client) -> None:
    cookies = await open_link(demo)
    secret = {"Cookie": cookies["Cookie"].replace("interlock=", "signed-out=")}
    async with demo.get("/sign-in", headers=secret) as response:
        buttons = re.findall(r'<button name="user" value="([^"]+)"', await response.text())
    assert buttons == [each.id for each in DEMO.users]
    headers = {**secret, **OWN_PAGE}
    for path, expected in (("//evil.example", "/"), ("/tickets/tk_1", "/tickets/tk_1")):
        form = {"user": ADA.id, "next": path}
        async with demo.post(PATH, data=form, headers=headers, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, expected)
        [*_, last] = response.headers.getall("Set-Cookie")
    assert await name_on_page(demo, {"Cookie": last.partition(";")[0]}) == ADA.name


async def test_without_the_link_no_user_can_be_chosen(demo: Client) -> None:
    async with demo.get("/sign-in") as response:
        text = await response.text()
        assert "Open the link that the demo printed" in text
        assert ANNA.name not in text
    async with demo.post(PATH, data={"user": ADA.id}, headers=OWN_PAGE) as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("form", [{}, {"user": ""}, {"user": "u_none"}, {"user": "system"}])
async def test_only_users_of_the_demo_can_be_chosen(demo: Client, form: dict[str, str]) -> None:
    headers = {**await open_link(demo), **OWN_PAGE}
    async with demo.post(PATH, data=form, headers=headers) as response:
        assert response.status == 403


async def test_the_secret_is_in_no_log(demo: Client, capsys: pytest.CaptureFixture[str]) -> None:
    await open_link(demo)
    printed = "".join(capsys.readouterr())
    assert f"path={PATH}" in printed
    assert DEMO.secret not in printed
    assert DEMO.secret not in repr(DEMO)


def test_each_run_has_another_secret() -> None:
    assert DemoSignIn(()).secret != DemoSignIn(()).secret


class TestOtherServers:
    async def test_they_do_not_have_it(self, shared: SharedApplication) -> None:
        async with shared.client.get(DEMO.link) as response:
            assert response.status == 404
        form = {"user": ADA.id}
        async with shared.client.post(PATH, data=form, headers=OWN_PAGE) as response:
            assert response.status == 404

    def test_only_the_demo_makes_it(self) -> None:
        makes = [
            str(file.relative_to(ROOT))
            for file in sorted((ROOT / "api").rglob("*.py"))
            if re.search(r"(?<!class )\bDemoSignIn\(", file.read_text("utf-8"))
        ]
        assert makes == ["api/demo/run.py"]
