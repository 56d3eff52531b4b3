"""Request bodies in JSON."""

import asyncio
from typing import Final

import orjson
from aiohttp import hdrs, web

from api.http.app_keys import CONNECTIONS, EXPECTS_CONTINUE
from api.http.request_head import RequestTimeout
from engine.errors import InterlockError, InvalidInput

JSON: Final = "application/json"
IDENTITY: Final = "identity"
"""The content encoding that changes nothing."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class UnsupportedMediaType(InterlockError):
    """Send the request as JSON in UTF-8, with `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415


class UnsupportedContentEncoding(InterlockError):
    """The body has a content encoding, and this server decodes none: send it as it is."""

    code = "unsupported_content_encoding"
    status = 415


class BodyTooLarge(InterlockError):
    """The body of the request is too large: send less."""

    code = "body_too_large"
    status = 413


def check_content_encoding(request: web.Request) -> None:
    """Refuse an encoded body: a few compressed bytes can take seconds to decompress.

    Raises:
        UnsupportedContentEncoding: the body has an encoding other than `identity`.

    """
    if hdrs.CONTENT_ENCODING not in request.headers:
        return
    encodings = ", ".join(request.headers.getall(hdrs.CONTENT_ENCODING))
    if encodings.lower() != IDENTITY:
        raise UnsupportedContentEncoding(content_encoding=encodings)


async def read_body(request: web.Request) -> bytes:
    """Return the body of a request; ask for it if the client waits for `100 Continue`.

    Raises:
        HTTPRequestEntityTooLarge: the body is too large.
        RequestTimeout: the body does not arrive in time.

    """
    bound = request.client_max_size
    if (length := request.content_length) is not None and length > bound:
        raise web.HTTPRequestEntityTooLarge(bound, length)
    if request.content.is_eof():
        return await request.read()
    if EXPECTS_CONTINUE in request and not request.content.total_bytes:
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # aiohttp counts it as a part of the response
    seconds = request.app[CONNECTIONS].limits.body_seconds
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise RequestTimeout.of("body", "body_seconds", seconds) from None


async def read_json(request: web.Request) -> object:
    """Return the parsed JSON body of a request.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON in UTF-8.
        InvalidInput: the body is not JSON.

    """
    is_utf8 = request.charset is None or request.charset.lower() in {"utf-8", "utf8"}
    if request.content_type != JSON or not is_utf8:
        raise UnsupportedMediaType(content_type=request.headers.get(hdrs.CONTENT_TYPE))
    try:
        body: object = orjson.loads(await read_body(request))
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    return body
