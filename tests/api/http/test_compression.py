"""Responses are compressed only for clients that accept it."""

import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api.http.compression import accepts_gzip, compress_response

ACCEPTED = {
    "gzip": True,
    "gzip, deflate, br": True,
    "br;q=1.0, GZIP ; q=0.5": True,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "gzip;q=0.001": True,
    "x-gzip, br": False,
    "": False,
}


@pytest.mark.parametrize(("accepted", "expected"), ACCEPTED.items())
def test_the_client_decides(accepted: str, expected: object) -> None:
    request = make_mocked_request("GET", "/", {"Accept-Encoding": accepted})
    assert accepts_gzip(request) is expected


def test_a_long_body_is_compressed() -> None:
    request = make_mocked_request("GET", "/", {"Accept-Encoding": "gzip"})
    short, long = web.Response(body=b"x"), web.Response(body=b"x" * 2_000)
    compress_response(request, short)
    compress_response(request, long)
    assert (short.body, "Content-Encoding" in short.headers) == (b"x", False)
    assert isinstance(long.body, bytes)
    assert gzip.decompress(long.body) == b"x" * 2_000
    assert long.headers["Content-Encoding"] == "gzip"
