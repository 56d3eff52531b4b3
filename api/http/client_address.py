"""The address of the client of a request, also behind proxies."""

from aiohttp import hdrs, web

from api.http.addresses import is_trusted, network_of, parse_address
from api.http.app_keys import TRUSTED_PROXIES


def client_address(request: web.Request) -> str:
    """Return the address of the client.

    Each proxy appends the address of its client to `X-Forwarded-For`, so the list is read from its
    end, up to the first address that is not a trusted proxy. The client can forge the rest.
    """
    address = request.remote or ""
    trusted = request.app[TRUSTED_PROXIES]
    if not trusted:
        return address
    forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, [])).split(",")
    while forwarded and parse_address(forwarded[-1]) is not None and is_trusted(address, trusted):
        address = forwarded.pop().strip()
    return address


def client_network(request: web.Request) -> str:
    """Return what rate limits count as one client."""
    return network_of(client_address(request))
