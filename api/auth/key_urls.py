"""Where keys are kept: a file, or an address that is safe to take them from."""

from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
"""OpenID Connect Discovery 1.0, section 4."""


def key_place(text: str) -> str | Path:
    """Return the address or the file that a setting names; ValueError if it is neither."""
    return safe_address(text) if "://" in text else Path(text)


def issuer_address(text: str) -> str:
    """Return the address of an issuer as it was written; ValueError if it can't be one."""
    if urlsplit(safe_address(text)).query:
        raise ValueError("an issuer has no query")
    return text


def safe_address(text: str) -> str:
    """Return an address as it was written; ValueError if others could answer in its place.

    Keys decide who gets in, so they come by https; only this machine itself may answer by http.
    """
    parts = urlsplit(text)
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("it is no address of a server, or holds a password or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts)):
        raise ValueError("keys are taken by https, and by http from this machine only")
    return text


def is_loopback(parts: SplitResult) -> bool:
    """Tell whether an address is that of this machine."""
    try:
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
