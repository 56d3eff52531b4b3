"""Only listed hosts are called, and only at addresses that they may have."""

import pytest

from engine.webhook_urls import parse_webhook_url
from engine.webhooks.host_allowlist import NO_HOSTS, HostList
from engine.webhooks.ip_ranges import Reach

LISTED = HostList.of("hooks.example.com, *.Example.org http://chat.internal:8080\nhttps://[::1]/")
NOWHERE = None

CALLS = {
    "https://hooks.example.com/x": Reach.PUBLIC,
    "https://hooks.example.com:8443/x": Reach.PUBLIC,
    "http://hooks.example.com/x": NOWHERE,
    "https://example.com/": NOWHERE,
    "https://a.hooks.example.com/": NOWHERE,
    "https://hooks.example.com.evil.example/": NOWHERE,
    "https://a.example.org/": Reach.PUBLIC,
    "https://a.b.example.org/": Reach.PUBLIC,
    "https://example.org/": NOWHERE,
    "https://evilexample.org/": NOWHERE,
    "http://a.example.org/": NOWHERE,
    "http://chat.internal:8080/x": Reach.INSIDE,
    "http://chat.internal/x": NOWHERE,
    "https://chat.internal:8080/x": NOWHERE,
    "https://[0:0::1]/": Reach.INSIDE,
    "http://[::1]/": NOWHERE,
}


@pytest.mark.parametrize(("url", "reach"), CALLS.items())
def test_a_call_may_reach(url: str, reach: Reach | None) -> None:
    assert LISTED.reach_to(parse_webhook_url(url)) is reach


def test_where_nothing_is_listed_nothing_is_called() -> None:
    assert HostList.of(" ,\n") == NO_HOSTS
    assert NO_HOSTS.reach_to(parse_webhook_url("https://hooks.example.com/")) is None


NO_ENTRIES = [
    *("*", "*.", "*.*.example.com", "a*.example.com", "example.com:443", "2130706433"),
    *("10.0.0.0/8", "http://chat.internal/x", "http://*.example.com", "ftp://x"),
    "https://user@example.com",
]


@pytest.mark.parametrize("entry", NO_ENTRIES)
def test_an_entry_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="must"):
        HostList.of(f"hooks.example.com {entry}")


P, I, N = {Reach.PUBLIC, Reach.INSIDE}, {Reach.INSIDE}, set[Reach]()  # noqa: E741 - columns
ADDRESSES = {
    "93.184.216.34": P,
    "2606:4700::1111": P,
    "::ffff:93.184.216.34": P,
    "64:ff9b::5db8:d822": P,
    "127.0.0.1": I,
    "127.255.0.9": I,
    "10.1.2.3": I,
    "172.16.0.1": I,
    "192.168.1.1": I,
    "100.64.0.1": I,
    "198.18.0.1": I,
    "192.0.0.8": I,
    "192.88.99.1": I,
    "203.0.113.7": I,
    "::1": I,
    "fd12::1": I,
    "fec0::1": I,
    "::ffff:10.0.0.1": I,
    "::ffff:127.0.0.1": I,
    "::10.0.0.1": I,
    "64:ff9b::7f00:1": I,
    "64:ff9b:1::1": I,
    "2002:7f00:1::": I,
    "2001::1": I,
    "2001:db8::1": I,
    "100::1": I,
    "5f00::1": I,
    "0.0.0.0": N,  # noqa: S104  # not bound
    "0.1.2.3": N,
    "169.254.169.254": N,
    "169.254.0.1": N,
    "100.100.100.200": N,
    "224.0.0.1": N,
    "240.0.0.1": N,
    "255.255.255.255": N,
    "::": N,
    "fe80::1": N,
    "fe80::1%eth0": N,
    "ff02::1": N,
    "fd00:ec2::254": N,
    "::ffff:169.254.169.254": N,
    "64:ff9b::a9fe:a9fe": N,
    "2002:a9fe:a9fe::1": N,
}


@pytest.mark.parametrize(("address", "reaches"), ADDRESSES.items())
def test_an_address_is_covered_by(address: str, reaches: set[Reach]) -> None:
    assert {reach for reach in Reach if reach.covers(address)} == reaches
