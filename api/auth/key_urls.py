"""The location of keys: a file, or a URL from which it is safe to fetch them."""

from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
"""OpenID Connect Discovery 1.0, section 4."""


def parse_key_location(text: str) -> str | Path:
    """Return the URL or file that a setting names; ValueError if the URL is not safe."""
    return check_key_url(text) if "://" in text else Path(text)


def check_issuer_url(text: str) -> str:
    """Return the unchanged URL of an issuer; ValueError if it is not safe or has a query."""
    if urlsplit(check_key_url(text)).query:
        raise ValueError("the URL of an issuer must not have a query")
    return text


def check_public_url(text: str) -> str:
    """Return the origin of the server for browsers; ValueError if the URL is not safe or more."""
    parts = urlsplit(check_key_url(text))
    if parts.path not in {"", "/"} or parts.query:
        raise ValueError("the URL must have no path and no query")
    return text.rstrip("/")


def check_key_url(text: str) -> str:
    """Return the unchanged URL; ValueError if another server could respond in its place.

    Keys decide who is authenticated, so they require https; http is safe only on this machine.
    """
    parts = urlsplit(text)
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("the URL must have a host, and no user, password or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("the URL must use https, or http to this machine")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
