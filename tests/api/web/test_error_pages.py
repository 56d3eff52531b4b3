"""The page of an error keeps the sidebar of a signed-in user, and a way out for all others."""

from http import HTTPStatus

import pytest

from tests.support.api_client import SharedApplication
from tests.support.personas import ANNA
from tests.support.web_client import OWN_PAGE, signed_in

ERRORS = {
    "a ticket that does not exist": ("/tickets/tk_000000", HTTPStatus.NOT_FOUND),
    "an item that does not exist": ("/new/items/nothing", HTTPStatus.NOT_FOUND),
    "a workflow that does not exist": ("/workflows/nothing", HTTPStatus.NOT_FOUND),
    "a page for admins": ("/plan", HTTPStatus.FORBIDDEN),
    "an invalid parameter": ("/insights?days=x", HTTPStatus.BAD_REQUEST),
}
SIDEBAR = 'aria-label="Main"'


@pytest.mark.parametrize(("path", "status"), ERRORS.values(), ids=ERRORS)
async def test_a_signed_in_user_keeps_the_sidebar(
    path: str, status: HTTPStatus, shared: SharedApplication
) -> None:
    headers = await signed_in(shared.database, ANNA)
    async with shared.client.get(path, headers=headers) as response:
        text = await response.text()
        assert (response.status, text.count(SIDEBAR)) == (status, 1), text
    assert ANNA.name in text
    assert "aria-current" not in text
    async with shared.client.get(path, headers=headers | {"HX-Request": "true"}) as response:
        part = await response.text()
        assert (response.status, part.count(SIDEBAR)) == (status, 0)
    assert '<main id="main"' in part


async def test_other_users_get_no_sidebar(shared: SharedApplication) -> None:
    cookie = await signed_in(shared.database, ANNA)
    another_site = OWN_PAGE | {"Sec-Fetch-Site": "cross-site"}
    for headers in (another_site, another_site | cookie):
        async with shared.client.post("/new/form", headers=headers) as response:
            assert response.status == HTTPStatus.FORBIDDEN
            text = await response.text()
        assert SIDEBAR not in text
        assert 'href="/"' in text


@pytest.mark.parametrize("path", ["/nothing", "/status"])
async def test_a_browser_gets_a_page_and_a_program_a_problem(
    path: str, shared: SharedApplication
) -> None:
    for accept, media_type in {
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8": "text/html",
        "*/*": "application/problem+json",
        "application/json": "application/problem+json",
    }.items():
        async with shared.client.get(path, headers={"Accept": accept}) as response:
            assert (response.status, response.content_type) == (HTTPStatus.NOT_FOUND, media_type)
            assert ("<h1" in await response.text()) is (media_type == "text/html")
