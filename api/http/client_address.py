"""The address of a client, also behind proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import hdrs, web

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
    while forwarded and _parse_address(forwarded[-1]) is not None:
        proxy = _parse_address(address)
        if proxy is None or not any(proxy in network for network in trusted):
            break
        address = forwarded.pop().strip()
    return address


def client_network(request: web.Request) -> str:
    """Return what rate limits count as one client: an IPv4 address or an IPv6 /64 network."""
    address = client_address(request)
    if ":" not in address:
        return address
    match _parse_address(address):
        case IPv6Address() as ipv6:
            return ipv6.packed[:8].hex()
        case parsed:
            return str(parsed)


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, with IPv4-mapped IPv6 as IPv4; None if the text is not an address."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
