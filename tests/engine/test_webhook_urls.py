"""A webhook's URL leads to one host, whoever reads it."""

import pytest

from engine.webhook_urls import parse_webhook_url

TARGETS = {
    "https://hooks.example.com/chat?room=1": "https://hooks.example.com",
    "HTTPS://Hooks.Example.COM:443/": "https://hooks.example.com",
    "https://hooks.example.com:8443": "https://hooks.example.com:8443",
    "http://chat:80/x": "http://chat",
    "http://localhost:8080/": "http://localhost:8080",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example",
    "https://203.0.113.7/": "https://203.0.113.7",
    "https://[2001:DB8:0::1]:1/": "https://[2001:db8::1]:1",
    "https://[::ffff:127.0.0.1]/": "https://[::ffff:7f00:1]",
}


@pytest.mark.parametrize(("url", "target"), TARGETS.items())
def test_a_url_leads_to(url: str, target: str) -> None:
    assert str(parse_webhook_url(url)) == target


REFUSED = {
    "": "is not a URL",
    "hooks.example.com": "is not a URL",
    "ftp://hooks.example.com/": "is not a URL",
    "https://": "is not a URL",
    "https:///chat": "must name a host",
    "https://hooks.example.com/\\@evil.example": "is not a URL",
    "https://hooks.example.com/a b": "is not a URL",
    "https://hooks.example.com/\n": "is not a URL",
    "https://bücher.example/": "is not a URL",
    "https://user:word@hooks.example.com/": "no user and no password",
    "https://hooks.example.com@evil.example/": "no user and no password",
    "https://hooks.example.com/#top": "no fragment",
    "https://hooks.example.com/#": "no fragment",
    "https://hooks.example.com:0/": "a port from 1 to 65535",
    "https://hooks.example.com:65536/": "a port from 1 to 65535",
    "https://hooks.example.com:x/": "a port from 1 to 65535",
    "https://hooks.example.com./": "is neither",
    "https://-hooks.example.com/": "is neither",
    "https://hooks_1.example.com/": "is neither",
    "https://2130706433/": "is neither",
    "https://0x7f000001/": "is neither",
    "https://0x7f.1/": "is neither",
    "https://127.1/": "is neither",
    "https://0177.0.0.1/": "is neither",
    "https://127.0.0.1.5/": "is neither",
    "https://[fe80::1%25eth0]/": "must name a host",
    "https://[127.0.0.1]/": "must name a host",
    "https://[::1/": "must name a host",
    f"https://hooks.example.com/{'x' * 2_000}": "at most 2000 characters",
    f"https://{'a' * 250}.com/": "is neither",
}


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=[each[:50] for each in REFUSED])
def test_a_url_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_webhook_url(url)
