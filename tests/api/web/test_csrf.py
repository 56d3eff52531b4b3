"""No route of the web UI changes anything for another site."""

from collections.abc import Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from api.web.csrf import CrossSiteRequest, check_origin
from tests.support.api_client import SharedApplication, bearer
from tests.support.personas import ANNA
from tests.support.web_client import OWN_PAGE, signed_in, unsafe_routes

SITE, ORIGIN = "Sec-Fetch-Site", "Origin"
HOST = ("Host", "desk.example:8443")
PUBLIC = "https://desk.public.example"

ACCEPTED = {
    "own page": [(SITE, "same-origin")],
    "own page of an older browser": [(ORIGIN, "https://desk.example:8443")],
    "behind a proxy that ends TLS": [(ORIGIN, "http://desk.example:8443")],
    "behind a proxy that replaces the host": [(ORIGIN, PUBLIC)],
    "other letter case": [(ORIGIN, "https://DESK.example:8443")],
}
REFUSED = {
    "no header": [],
    "another site": [(SITE, "cross-site")],
    "a subdomain": [(SITE, "same-site")],
    "the address bar": [(SITE, "none")],
    "an unknown site": [(SITE, "SAME-ORIGIN")],
    "no site": [(SITE, "")],
    "two sites": [(SITE, "same-origin"), (SITE, "cross-site")],
    "another site with the own origin": [(SITE, "cross-site"), (ORIGIN, PUBLIC)],
    "another origin": [(ORIGIN, "https://evil.example")],
    "another port": [(ORIGIN, "https://desk.example")],
    "a host that begins like ours": [(ORIGIN, "https://desk.example:8443.evil.example")],
    "a host that ends like ours": [(ORIGIN, "https://evil-desk.example:8443")],
    "our host as user": [(ORIGIN, "https://desk.example:8443@evil.example")],
    "an opaque origin": [(ORIGIN, "null")],
    "no origin": [(ORIGIN, "")],
    "no host": [(ORIGIN, "https://")],
    "two origins": [(ORIGIN, PUBLIC), (ORIGIN, "https://evil.example")],
    "a malformed origin": [(ORIGIN, "https://[")],
}
Headers = Sequence[tuple[str, str]]


def request_with(headers: Headers, method: str = "POST") -> web.Request:
    return make_mocked_request(method, "/", CIMultiDict([HOST, *headers]))


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_by_an_own_page_is_accepted(headers: Headers, method: str) -> None:
    check_origin(request_with(headers, method), PUBLIC)


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MADE-UP"])
def test_any_other_change_is_refused(headers: Headers, method: str) -> None:
    with pytest.raises(CrossSiteRequest):
        check_origin(request_with(headers, method), PUBLIC)


@pytest.mark.parametrize("headers", [*ACCEPTED.values(), *REFUSED.values()])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_not_restricted(headers: Headers, method: str) -> None:
    check_origin(request_with(headers, method), PUBLIC)


def test_an_empty_host_is_no_origin() -> None:
    with pytest.raises(CrossSiteRequest):
        check_origin(make_mocked_request("POST", "/", CIMultiDict(Host="", Origin="null")))


class TestEveryRoute:
    def test_there_are_routes(self, shared: SharedApplication) -> None:
        assert ("POST", "/sign-out") in unsafe_routes(shared.client)

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
    @pytest.mark.parametrize("credentials", ["cookie", "token", "nothing"])
    async def test_another_site_is_refused(
        self, shared: SharedApplication, site: str | None, credentials: str
    ) -> None:
        headers = {
            "cookie": await signed_in(shared.database, ANNA),
            "token": bearer(ANNA),
            "nothing": {},
        }[credentials] | ({SITE: site} if site else {})
        for method, path in unsafe_routes(shared.client):
            async with shared.client.request(method, path, headers=headers) as response:
                assert response.status == 403, (method, path)
                assert "cross_site_request" in await response.text(), (method, path)

    async def test_an_own_page_is_not_refused_as_another_site(
        self, shared: SharedApplication
    ) -> None:
        for method, path in unsafe_routes(shared.client):
            headers = {**await signed_in(shared.database, ANNA), **OWN_PAGE}
            async with shared.client.request(
                method, path, headers=headers, allow_redirects=False
            ) as response:
                assert "cross_site_request" not in await response.text(), (method, path)
