"""The URL of a webhook, in a strict form that all URL parsers read the same way."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from engine import limits

HTTPS: Final = "https"
PORTS: Final = {HTTPS: 443, "http": 80}

URL_PATTERN: Final = r"https?://[^\s\\]+"
"""A pattern for JSON Schema. It accepts every valid URL and some invalid ones."""
_URL: Final = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)
"""The printable ASCII characters of URLs, without the backslash, which some parsers read as /."""
_HOST_NAME: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""The last label starts with a letter, because some parsers read 2130706433 and 0x7f.1 as
addresses."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The scheme, host and port of a URL (RFC 6454).

    Attributes:
        host: a name in lower case, or an IP address in its canonical form.

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
        """The host as an IP address; None if it is a name."""
        return None if _HOST_NAME.fullmatch(self.host) else ip_address(self.host)


def parse_webhook_url(url: str) -> Origin:
    """Return the origin of a URL.

    Raises:
        ValueError: it is not a valid URL for a webhook; the message says why.

    """
    if len(url) > limits.WEBHOOK_URL_CHARACTERS:
        raise ValueError(f"must have at most {limits.WEBHOOK_URL_CHARACTERS} characters")
    if not _URL.fullmatch(url):
        raise ValueError("must be a URL in ASCII, such as https://hooks.example.com/chat")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("must name a host, as in https://hooks.example.com/chat") from None
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password, because deliveries are signed")
    if parts.fragment or url.endswith("#"):
        raise ValueError("must not have a fragment, because fragments are not sent")
    try:
        port = PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("must have no port, or a port from 1 to 65535")
    return Origin(parts.scheme, parse_host(parts.hostname or ""), port)


def parse_host(text: str) -> str:
    """Return a host name in lower case, or an IP address in its canonical form.

    Raises:
        ValueError: the text is neither, or an address in an unusual form.

    """
    if len(text) <= limits.HOST_NAME_CHARACTERS and _HOST_NAME.fullmatch(text):
        return text
    try:
        return str(IPv6Address(text) if ":" in text and "%" not in text else IPv4Address(text))
    except AddressValueError:
        raise ValueError(
            "must name a host, such as hooks.example.com, or an address, such as 203.0.113.7;"
            f" {text!r} is neither"
        ) from None
