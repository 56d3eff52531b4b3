"""The URL of a webhook, in one form only: what two readers could take for two hosts is refused."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from engine import limits

HTTPS: Final = "https"
HTTP: Final = "http"
PORTS: Final = {HTTPS: 443, HTTP: 80}

URL_FORM: Final = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)
"""Printable ASCII without what a URL may not hold; a backslash is a slash to some."""
URL_PATTERN: Final = r"https?://[^\s\\]+"
"""For an editor: nearly right."""
HOST_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""Its last label begins with a letter: 2130706433 and 0x7f.1 are addresses to some."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a webhook's URL leads.

    Attributes:
        host: a name in lower case, or an address as `ipaddress` writes it.

    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host as an address; None if it is a name."""
        return None if HOST_NAME.fullmatch(self.host) else ip_address(self.host)


def parse_webhook_url(url: str) -> Origin:
    """Return where a URL leads.

    Raises:
        ValueError: it can't be a webhook's, and why.

    """
    if len(url) > limits.WEBHOOK_URL_CHARACTERS:
        raise ValueError(f"must have at most {limits.WEBHOOK_URL_CHARACTERS} characters")
    if not URL_FORM.fullmatch(url):
        raise ValueError("is not a URL in ASCII; write for example https://hooks.example.com/chat")
    parts = parted(url)
    if "@" in parts.netloc:
        raise ValueError("must hold no user and no password: the signature tells who calls")
    if parts.fragment or url.endswith("#"):
        raise ValueError("must have no fragment, as none is sent")
    return Origin(parts.scheme, parse_host(parts.hostname or ""), port_of(parts))


def parted(url: str) -> SplitResult:
    """Return the parts of a URL; ValueError if brackets or port are none."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("must name a host: https://hooks.example.com/chat") from None


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL."""
    try:
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("must have a port from 1 to 65535, or none")
    return port


def parse_host(text: str) -> str:
    """Return the host of that name or address, in lower case.

    Raises:
        ValueError: it is neither, or an address in another than its usual form.

    """
    if len(text) <= limits.HOST_NAME_CHARACTERS and HOST_NAME.fullmatch(text):
        return text
    try:
        return str(IPv6Address(text) if ":" in text and "%" not in text else IPv4Address(text))
    except AddressValueError:
        raise ValueError(
            f"must name a host, such as hooks.example.com, or an address, such as 203.0.113.7;"
            f" {text!r} is neither"
        ) from None
