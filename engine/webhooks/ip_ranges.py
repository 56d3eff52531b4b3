"""The addresses that webhooks can call, so that no webhook reaches internal services (SSRF)."""

from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

_Address: TypeAlias = IPv4Address | IPv6Address
_Network: TypeAlias = IPv4Network | IPv6Network

_FORBIDDEN: Final[tuple[_Network, ...]] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this host
            "169.254.0.0/16",  # link-local, and the metadata service of most clouds
            "100.100.100.200/32",  # metadata service of Alibaba Cloud
            "168.63.129.16/32",  # Azure's agent service: a public address that no router forwards
            "192.0.0.192/32",  # metadata service of Oracle Cloud Classic
            "224.0.0.0/3",  # multicast, reserved, broadcast
            "::/128",  # this host
            "fd00:ec2::/32",  # metadata service of AWS
            "fd20:ce::254/128",  # metadata service of Google Cloud
            "fd00:c1::a9fe:a9fe/128",  # metadata service of Oracle Cloud
            "fd00:42::42/128",  # metadata service of Scaleway
            "fe80::/10",  # link-local
            "ff00::/8",  # multicast
        ),
    )
)
"""Addresses that no webhook can call, even if the host is on the allowlist.

Most of them give the secrets of the machine to every program that runs on it.
"""

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as hosts with only IPv6 reach them (RFC 6052)."""
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
"""The same for the addresses of one network, private ones included (RFC 8215)."""
_NOT_PUBLIC: Final[tuple[_Network, ...]] = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.88.99.0/24",  # 6to4 relays
            "::/96",  # IPv4-compatible
            "fec0::/10",  # site-local
        ),
    )
)
"""Networks that are not public although `is_global` is true in some version of Python."""
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


class AddressScope(Enum):
    """Which addresses a webhook can call."""

    PUBLIC = "public"
    """Only public internet addresses."""
    PRIVATE = "private"
    """Also private and loopback addresses."""

    def allows(self, text: str) -> bool:
        """Return whether an IP address can be called."""
        address = ip_address(text.partition("%")[0])
        reached = _embedded_ipv4(address)
        if any(reached in network for network in _FORBIDDEN):
            return False
        if self is AddressScope.PRIVATE:
            return True
        return address not in _LOCAL_NAT64 and _is_public(reached)


def _embedded_ipv4(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address embeds, or else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or address in _LOCAL_NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: _Address) -> bool:
    """Return whether an address is a public internet address."""
    if any(address in network for network in _NOT_PUBLIC):
        return False
    is_assigned = isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST
    return is_assigned and address.is_global and not address.is_reserved
