"""The head of a request, checked before the request is routed."""

from typing import Final, Self

from aiohttp import HttpVersion10, HttpVersion11, hdrs
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy

from api import limits
from engine.errors import InterlockError

_CONTINUE: Final = "100-continue"
_CHUNKED: Final = "chunked"
SUPPORTED_VERSIONS: Final = (HttpVersion11, HttpVersion10)


class MalformedHttp(InterlockError):
    """The request is not HTTP/1.1. Check for TLS, and for control characters in headers."""

    code = "malformed_http"
    status = 400


class HeadTooLarge(InterlockError):
    """The URL of the request or its headers are too long: send less."""

    code = "head_too_large"
    status = 431


class RequestTimeout(InterlockError):
    """The request did not arrive in time: send it again."""

    code = "request_timeout"
    status = 408

    @classmethod
    def of(cls, part: str, limit: str, seconds: float) -> Self:
        """Return the error for a part of the request that did not arrive within a limit."""
        text = f"The {part} of the request did not arrive within {seconds:g} s: send it again."
        return cls(text, limit=limit, bound=seconds)


class UnsupportedTransferCoding(InterlockError):
    """The body has a transfer coding other than `chunked`: send it without."""

    code = "unsupported_transfer_coding"
    status = 501


def head_error(message: RawRequestMessage) -> InterlockError | None:
    """Return why the head of a request is refused; None if it is not."""
    if message.version not in SUPPORTED_VERSIONS:
        return MalformedHttp()
    bound = limits.PATH_CHARACTERS
    if len(message.path) > bound and len(message.path.partition("?")[0]) > bound:
        text = f"The path of the URL is longer than {bound:,} characters: send less."
        return HeadTooLarge(text, limit="path_characters", bound=bound)
    if sum([len(name) + len(value) for name, value in message.raw_headers]) > limits.HEAD_BYTES:
        bound = limits.HEAD_BYTES
        text = f"All headers together are longer than {bound:,} bytes: send less."
        return HeadTooLarge(text, limit="head_bytes", bound=bound)
    return _transfer_coding_error(message) if message.chunked else None


def _transfer_coding_error(message: RawRequestMessage) -> InterlockError | None:
    """Return the error for HTTP/1.0, and for codings other than `chunked` (RFC 9112, 6.1)."""
    if message.version != HttpVersion11:
        return MalformedHttp("A request with `Transfer-Encoding` must be HTTP/1.1.")
    codings = ", ".join(message.headers.getall(hdrs.TRANSFER_ENCODING))
    return None if codings.lower() == _CHUNKED else UnsupportedTransferCoding()


def expects_continue(message: RawRequestMessage) -> bool:
    """Return whether the client waits for `100 Continue` before it sends the body."""
    expectation = message.headers.get(hdrs.EXPECT)
    is_continue = expectation is not None and expectation.lower() == _CONTINUE
    return is_continue and message.version == HttpVersion11


def without_expectation(message: RawRequestMessage) -> RawRequestMessage:
    """Return the head without `Expect`, which aiohttp meets before it authenticates the client."""
    headers = CIMultiDict(message.headers)
    headers.popall(hdrs.EXPECT)
    return message._replace(headers=CIMultiDictProxy(headers))
