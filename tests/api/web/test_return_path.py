"""After the sign-in, a user returns to a page of this server, never to another site."""

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser

from api.web.return_path import HOME, return_path, sign_in_url

OWN = [
    "/",
    "/tickets",
    "/tickets/tk_0a1b2c?tab=history#entry-3",
    "/tickets?text=50%25+off&status=OPEN",
    "/%2F%2Fevil.example",
    "/.//evil.example",
    "/tickets?next=https://evil.example",
    "/sign-inspections",
]
HOSTILE = [
    "",
    "tickets",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/tickets\r\nSet-Cookie: a=b",
    "/tickets\\..\\..\\evil",
    "https://evil.example",
    "https:evil.example",
    "HTTPS://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    "/é",
    "/\udc80",
    "/\0",
    "/" + "x" * 1_000,
]
LOOPS = ["/sign-in", "/sign-in?next=/tickets", "/sign-in/callback?code=x", "/sign-out"]


@pytest.mark.parametrize("path", OWN)
def test_a_page_of_this_server_is_kept(path: str) -> None:
    assert return_path(path) == path


@pytest.mark.parametrize("path", [*HOSTILE, *LOOPS], ids=ascii)
def test_anything_else_leads_to_the_home_page(path: str) -> None:
    assert return_path(path) == HOME


@given(st.text(alphabet=st.sampled_from("/\\.:@?#%25Fa\t\n\r é"), max_size=12))
def test_a_path_never_names_a_host(text: str) -> None:
    path = return_path(text)
    assert path[0] == "/"
    assert path[1:2] not in {"/", "\\"}
    assert path.isascii()
    assert path.isprintable()


async def test_a_browser_stays_on_this_server(browser: Browser) -> None:
    page = await browser.new_page()
    paths = [return_path(each) for each in [*OWN, *HOSTILE] if "\udc80" not in each]
    origins = await page.evaluate(
        "paths => paths.map(each => new URL(each, 'https://desk.example/a/b').origin)", paths
    )
    assert set(origins) == {"https://desk.example"}
    await page.close()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/tickets?status=OPEN", "/sign-in?next=%2Ftickets%3Fstatus%3DOPEN"),
        ("HEAD", "/tickets", "/sign-in?next=%2Ftickets"),
        ("GET", "/", "/sign-in"),
        ("GET", "//evil.example", "/sign-in"),
        ("GET", "http://evil.example/x", "/sign-in"),
    ],
)
def test_the_user_returns_to_the_page_that_they_requested(
    method: str, path: str, expected: str
) -> None:
    assert sign_in_url(make_mocked_request(method, path)) == expected
