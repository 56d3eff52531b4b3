"""Only allowed hosts are called, and only at allowed addresses."""

import pytest

from engine.webhook_urls import parse_webhook_url
from engine.webhooks.host_allowlist import NO_HOSTS, HostAllowlist
from engine.webhooks.ip_ranges import AddressScope

ALLOWLIST = HostAllowlist.parse(
    "hooks.example.com, *.Example.org http://chat.internal:8080\nhttps://[::1]/"
)
CALLS = {
    "https://hooks.example.com/x": AddressScope.PUBLIC,
    "https://hooks.example.com:8443/x": AddressScope.PUBLIC,
    "http://hooks.example.com/x": None,
    "https://example.com/": None,
    "https://a.hooks.example.com/": None,
    "https://hooks.example.com.evil.example/": None,
    "https://a.example.org/": AddressScope.PUBLIC,
    "https://a.b.example.org/": AddressScope.PUBLIC,
    "https://example.org/": None,
    "https://evilexample.org/": None,
    "http://a.example.org/": None,
    "http://chat.internal:8080/x": AddressScope.PRIVATE,
    "http://chat.internal/x": None,
    "https://chat.internal:8080/x": None,
    "https://[0:0::1]/": AddressScope.PRIVATE,
    "http://[::1]/": None,
}


@pytest.mark.parametrize(("url", "scope"), CALLS.items())
def test_a_target_has_a_scope(url: str, scope: AddressScope | None) -> None:
    assert ALLOWLIST.address_scope(parse_webhook_url(url)) is scope


def test_an_empty_allowlist_allows_no_host() -> None:
    assert HostAllowlist.parse(" ,\n") == NO_HOSTS
    assert NO_HOSTS.address_scope(parse_webhook_url("https://hooks.example.com/")) is None


INVALID_ENTRIES = [
    *("*", "*.", "*.*.example.com", "a*.example.com", "example.com:443", "2130706433"),
    *("10.0.0.0/8", "http://chat.internal/x", "http://*.example.com", "ftp://x"),
    "https://user@example.com",
]


@pytest.mark.parametrize("entry", INVALID_ENTRIES)
def test_an_invalid_entry_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="must"):
        HostAllowlist.parse(f"hooks.example.com {entry}")


PUBLIC = {AddressScope.PUBLIC, AddressScope.PRIVATE}
PRIVATE = {AddressScope.PRIVATE}
FORBIDDEN = set[AddressScope]()
ADDRESSES = {
    "93.184.216.34": PUBLIC,
    "2606:4700::1111": PUBLIC,
    "::ffff:93.184.216.34": PUBLIC,
    "64:ff9b::5db8:d822": PUBLIC,
    "127.0.0.1": PRIVATE,
    "127.255.0.9": PRIVATE,
    "10.1.2.3": PRIVATE,
    "172.16.0.1": PRIVATE,
    "192.168.1.1": PRIVATE,
    "100.64.0.1": PRIVATE,
    "198.18.0.1": PRIVATE,
    "192.0.0.8": PRIVATE,
    "192.88.99.1": PRIVATE,
    "203.0.113.7": PRIVATE,
    "::1": PRIVATE,
    "fd12::1": PRIVATE,
    "fec0::1": PRIVATE,
    "::ffff:10.0.0.1": PRIVATE,
    "::ffff:127.0.0.1": PRIVATE,
    "::10.0.0.1": PRIVATE,
    "64:ff9b::7f00:1": PRIVATE,
    "64:ff9b:1::a00:1": PRIVATE,
    "2002:7f00:1::": PRIVATE,
    "2001::1": PRIVATE,
    "2001:db8::1": PRIVATE,
    "100::1": PRIVATE,
    "5f00::1": PRIVATE,
    "0.0.0.0": FORBIDDEN,  # noqa: S104  # not bound
    "0.1.2.3": FORBIDDEN,
    "169.254.169.254": FORBIDDEN,
    "169.254.0.1": FORBIDDEN,
    "100.100.100.200": FORBIDDEN,
    "224.0.0.1": FORBIDDEN,
    "240.0.0.1": FORBIDDEN,
    "255.255.255.255": FORBIDDEN,
    "::": FORBIDDEN,
    "fe80::1": FORBIDDEN,
    "fe80::1%eth0": FORBIDDEN,
    "ff02::1": FORBIDDEN,
    "fd00:ec2::254": FORBIDDEN,
    "::ffff:169.254.169.254": FORBIDDEN,
    "64:ff9b::a9fe:a9fe": FORBIDDEN,
    "64:ff9b:1::a9fe:a9fe": FORBIDDEN,
    "64:ff9b:1::1": FORBIDDEN,
    "2002:a9fe:a9fe::1": FORBIDDEN,
}


@pytest.mark.parametrize(("address", "scopes"), ADDRESSES.items())
def test_an_address_is_allowed_in(address: str, scopes: set[AddressScope]) -> None:
    assert {scope for scope in AddressScope if scope.allows(address)} == scopes
