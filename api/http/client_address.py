"""Where a request comes from, also behind proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import hdrs, web

from api.http.app_keys import TRUSTED_PROXIES
from api.settings import Network


def client_address(request: web.Request) -> str:
    """Return the address of the client, as far as proxies that are trusted tell it.

    Each proxy appends whom it heard (`X-Forwarded-For`), so the list is read from its end, and no
    further than to the first address that is not a trusted proxy: what stands before it may be made
    up.
    """
    address = request.remote or ""
    trusted = request.app[TRUSTED_PROXIES]
    if not trusted:
        return address
    heard = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, [])).split(",")
    while heard and is_within(address, trusted) and parsed(heard[-1]) is not None:
        address = heard.pop().strip()
    return address


def network_of(address: str) -> str:
    """Return whom an address stands for: one client of IPv6 has a whole /64 network."""
    if ":" not in address:
        return address
    match parsed(address):
        case IPv6Address() as wide:
            return wide.packed[:8].hex()
        case known:
            return str(known)


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address is in one of the networks."""
    known = parsed(address)
    return known is not None and any(known in network for network in networks)


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, that of IPv4 where it is written as one of IPv6; None if it is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
