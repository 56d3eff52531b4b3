"""Addresses of clients and proxies, as text."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, with IPv4-mapped IPv6 as IPv4; None if the text is not an address."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(address: str) -> str:
    """Return what limits count as one client: an IPv4 address or an IPv6 /64 network."""
    if ":" not in address:
        return address
    match parse_address(address):
        case IPv6Address() as ipv6:
            return ipv6.packed[:8].hex()
        case parsed:
            return str(parsed)


def is_trusted(address: str, proxies: Iterable[Network]) -> bool:
    """Return whether an address is that of a trusted proxy."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in proxies)
