"""Protection from cross-site requests, which browsers send with the cookies of the user.

Browsers state in `Sec-Fetch-Site` which site a request comes from. Older browsers do not send that
header, and no browser sends it to another machine without TLS. They state the origin of the page
in `Origin`.
"""

from typing import Final

from aiohttp import hdrs, web

from engine.errors import Forbidden

SAFE_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_FETCH_SITE: Final = "Sec-Fetch-Site"
_SAME_ORIGIN: Final = "same-origin"


class CrossSiteRequest(Forbidden):
    """Another site sent the request, so nothing was changed. Use the pages of Interlock itself."""

    code = "cross_site_request"


def check_origin(request: web.Request, public_origin: str | None = None) -> None:
    """Check that a request that changes something comes from a page of this server.

    Args:
        request: passes if its method changes nothing.
        public_origin: the origin of the server for browsers, if proxies replace the `Host` header.

    Raises:
        CrossSiteRequest: the request comes from another site, or does not state its origin.

    """
    if request.method in SAFE_METHODS:
        return
    sites = request.headers.getall(_FETCH_SITE, [])
    if sites and all(each == _SAME_ORIGIN for each in sites):
        return
    origins = request.headers.getall(hdrs.ORIGIN, [])
    if not sites and len(origins) == 1 and _is_own(origins[0], request.host, public_origin):
        return
    raise CrossSiteRequest


def _is_own(origin: str, host: str, public_origin: str | None) -> bool:
    # A proxy that ends TLS changes the scheme of the request, so only the host is compared.
    _, _, origin_host = origin.partition("://")
    return origin == public_origin or origin_host.lower() == host.lower() != ""
