"""Separates the status page from all other routes by the host that a request names."""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api.http.paths import PROBE_PATHS
from api.web.status_page.routes import PAGE_PATH
from engine.errors import NotFound

_JSON_PATH: Final = "/api/v1/status"


def on_own_host(host: str) -> Middleware:
    """Return a middleware that shows the page on one host, and everything else on the others."""

    @web.middleware
    async def check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in PROBE_PATHS:
            return await handler(request)
        is_own = _host_name(request) == host.lower()
        if is_own and request.path == "/":
            raise web.HTTPFound(PAGE_PATH)
        if is_own != _is_public(request.path):
            raise NotFound("There is nothing at this address.")
        return await handler(request)

    return check_host


def _host_name(request: web.Request) -> str:
    """Return the host that a request names, without its port."""
    return request.headers.get(hdrs.HOST, "").rpartition("]")[2].partition(":")[0].lower()


def _is_public(path: str) -> bool:
    return path in {PAGE_PATH, _JSON_PATH} or path.startswith(f"{PAGE_PATH}/")
