"""Separates the status page from all other routes by the host or the port of a request."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api.http.paths import METRICS_PATH, PROBE_PATHS
from api.web.status_page.routes import PAGE_PATH
from engine.errors import NotFound

_JSON_PATH: Final = "/api/v1/status"
_HEALTH_PATHS: Final = PROBE_PATHS - {METRICS_PATH}
"""Load balancers ask for them at every address. Metrics are not for the readers of the page."""


def on_own_address(host: str | None, port: int | None) -> Middleware:
    """Return a middleware that shows only the page at an address, and the rest everywhere else.

    Args:
        host: the host that requests for the page name; None for no such host.
        port: the port on which they arrive; None for no such port.

    """

    @web.middleware
    async def check_address(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _HEALTH_PATHS:
            return await handler(request)
        is_own = (host is not None and _host_name(request) == host.lower()) or (
            port is not None and _local_port(request) == port
        )
        if is_own and request.path == "/":
            raise web.HTTPFound(PAGE_PATH)
        if is_own != _is_public(request.path):
            raise NotFound("There is nothing at this address.")
        return await handler(request)

    return check_address


def _host_name(request: web.Request) -> str:
    """Return the host that a request names, without its port."""
    return request.headers.get(hdrs.HOST, "").rpartition("]")[2].partition(":")[0].lower()


def _local_port(request: web.Request) -> int | None:
    """Return the port on which a request arrived."""
    name = request.transport and request.transport.get_extra_info("sockname")
    return name[1] if isinstance(name, tuple) else None


def _is_public(path: str) -> bool:
    return path in {PAGE_PATH, _JSON_PATH} or path.startswith(f"{PAGE_PATH}/")
