"""Which addresses a call may lead to, so that no webhook reaches what only we can reach."""

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

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

NEVER: Final[tuple[Network, ...]] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this host
            "169.254.0.0/16",  # link-local, and the metadata of most clouds
            "100.100.100.200/32",  # metadata of a cloud
            "224.0.0.0/3",  # multicast, reserved, broadcast
            "::/128",  # this host
            "fd00:ec2::/32",  # metadata of a cloud
            "fe80::/10",  # link-local
            "ff00::/8",  # multicast
        ),
    )
)
"""Where no webhook leads, whatever is listed."""

TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 as hosts with IPv6 only reach it (RFC 6052)."""
NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.88.99.0/24",  # 6to4 relays
            "::/96",  # IPv4-compatible
            "64:ff9b:1::/48",  # translation of one's own
            "fec0::/10",  # site-local
        ),
    )
)
"""What `is_global` takes for public, in some version of Python, and is not."""
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


class Reach(Enum):
    """How far a call may lead."""

    PUBLIC = "public"
    """To addresses of the internet only."""
    INSIDE = "inside"
    """To private ones and this machine's too."""

    def covers(self, text: str) -> bool:
        """Tell whether a call of this reach may lead to an address."""
        address = meant(ip_address(text.partition("%")[0]))
        if any(address in network for network in NEVER):
            return False
        return self is Reach.INSIDE or is_public(address)


def meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the internet."""
    if any(address in network for network in NOT_PUBLIC):
        return False
    is_assigned = isinstance(address, IPv4Address) or address in GLOBAL_UNICAST
    return is_assigned and address.is_global and not address.is_reserved
