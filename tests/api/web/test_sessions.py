"""The web UI authenticates by cookie, or by the token that a proxy sends."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api.web.sessions import Cookies
from tests.support.api_client import SharedApplication, bearer
from tests.support.personas import ANNA, MARTON
from tests.support.web_client import COOKIE, signed_in, store_of, submit

PAGE = "/tickets"


async def test_a_session_authenticates(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    async with shared.client.get(PAGE, headers=cookie) as response:
        assert response.status == 200
        assert "Anna K." in await response.text()


async def test_a_forwarded_token_authenticates_before_the_cookie(shared: SharedApplication) -> None:
    headers = await signed_in(shared.database, ANNA) | bearer(MARTON)
    async with shared.client.get(PAGE, headers=headers) as response:
        assert "Marton P." in await response.text()


async def test_an_invalid_token_is_not_replaced_by_the_cookie(shared: SharedApplication) -> None:
    headers = await signed_in(shared.database, ANNA) | {"Authorization": "Bearer x.y.z"}
    async with shared.client.get(PAGE, headers=headers) as response:
        assert response.status == 401


async def test_a_password_for_the_proxy_is_not_a_token(shared: SharedApplication) -> None:
    headers = await signed_in(shared.database, ANNA) | {"Authorization": "Basic YTpi"}
    async with shared.client.get(PAGE, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=", f"{COOKIE}={'x' * 43}", "interlock=x"])
async def test_without_a_session_the_user_is_sent_to_the_sign_in(
    shared: SharedApplication, cookie: str
) -> None:
    url, headers = f"{PAGE}?status=OPEN", {"Cookie": cookie}
    async with shared.client.get(url, headers=headers, allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == "/sign-in?next=%2Ftickets%3Fstatus%3DOPEN"
    async with shared.client.get("/tickets", headers=headers | {"HX-Request": "true"}) as response:
        assert response.status == 401
        assert response.headers["HX-Trigger"] == "signed-out"


async def test_a_session_does_not_authenticate_at_the_api(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    body = {"query": "{ workflows { name } }"}
    async with shared.client.post("/graphql", json=body, headers=cookie) as response:
        assert response.status == 401


async def test_signing_out_ends_this_session_only(shared: SharedApplication) -> None:
    here, elsewhere = [await signed_in(shared.database, ANNA) for _ in range(2)]
    async with await submit(shared.client, "/sign-out", here) as response:
        assert (response.status, response.headers["Location"]) == (303, "/sign-in")
        deleted = response.headers["Set-Cookie"]
    assert f'{COOKIE}=""' in deleted
    assert "Max-Age=0" in deleted
    assert await status_of(shared, here) == 303
    assert await status_of(shared, elsewhere) == 200


async def test_signing_out_everywhere_ends_all_sessions_of_the_user(
    shared: SharedApplication,
) -> None:
    here, elsewhere = [await signed_in(shared.database, ANNA) for _ in range(2)]
    other = await signed_in(shared.database, MARTON)
    async with await submit(shared.client, "/sign-out/everywhere", here) as response:
        assert response.status == 303
    assert await status_of(shared, here) == 303
    assert await status_of(shared, elsewhere) == 303
    assert await status_of(shared, other) == 200


async def test_a_user_who_is_not_signed_in_can_sign_out(shared: SharedApplication) -> None:
    async with await submit(shared.client, "/sign-out", {}) as response:
        assert (response.status, response.headers["Location"]) == (303, "/sign-in")


async def test_the_sign_in_returns_a_user_who_is_signed_in(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    async with shared.client.get(
        "/sign-in?next=//evil.example", headers=cookie, allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")


async def status_of(shared: SharedApplication, cookie: dict[str, str]) -> int:
    async with shared.client.get(PAGE, headers=cookie, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize(("is_secure", "name"), [(True, "__Host-interlock"), (False, "interlock")])
def test_a_cookie_has_the_attributes_that_its_name_requires(is_secure: bool, name: str) -> None:  # noqa: FBT001  # parametrized
    response = web.Response()
    cookies = Cookies(is_secure)
    cookies.set(response, "interlock", "secret", timedelta(hours=12))
    morsel = response.cookies[name]
    assert morsel.value == "secret"
    assert (morsel["path"], morsel["domain"]) == ("/", "")
    assert morsel["httponly"] is True
    assert bool(morsel["secure"]) is is_secure
    assert morsel["samesite"] == "Lax"
    assert morsel["max-age"] == str(12 * 3600)
    sent = make_mocked_request(
        "GET", "/", {"Cookie": SimpleCookie(response.cookies).output(header="")}
    )
    assert cookies.read(sent, "interlock") == "secret"
    assert Cookies(not is_secure).read(sent, "interlock") is None


async def test_the_id_of_a_session_is_in_no_page_and_no_log(
    shared: SharedApplication, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = await store_of(shared.database).create(ANNA)
    headers = {"Cookie": f"{COOKIE}={session_id}"}
    async with shared.client.get(PAGE, headers=headers) as response:
        assert session_id not in await response.text()
        assert session_id not in str(response.headers)
    assert session_id not in caplog.text + "".join(capsys.readouterr())


async def test_the_home_page_leads_to_the_tickets(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    for headers, location in ((cookie, "/tickets"), ({}, "/sign-in")):
        async with shared.client.get("/", headers=headers, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, location)
