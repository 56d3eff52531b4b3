"""Only URLs that all parsers read the same way are accepted."""

import pytest

from engine.webhook_urls import parse_webhook_url

ORIGINS = {
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


@pytest.mark.parametrize(("url", "origin"), ORIGINS.items())
def test_the_origin_of_a_url(url: str, origin: str) -> None:
    assert str(parse_webhook_url(url)) == origin


INVALID = {
    "": "must be a URL in ASCII",
    "hooks.example.com": "must be a URL in ASCII",
    "ftp://hooks.example.com/": "must be a URL in ASCII",
    "https://": "must be a URL in ASCII",
    "https:///chat": "must name a host",
    "https://hooks.example.com/\\@evil.example": "must be a URL in ASCII",
    "https://hooks.example.com/a b": "must be a URL in ASCII",
    "https://hooks.example.com/\n": "must be a URL in ASCII",
    "https://bücher.example/": "must be a URL in ASCII",
    "https://user:word@hooks.example.com/": "must not contain a user or password",
    "https://hooks.example.com@evil.example/": "must not contain a user or password",
    "https://hooks.example.com/#top": "must not have a fragment",
    "https://hooks.example.com/#": "must not have a fragment",
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


@pytest.mark.parametrize(("url", "message"), INVALID.items(), ids=[each[:50] for each in INVALID])
def test_an_invalid_url_is_rejected(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_webhook_url(url)
