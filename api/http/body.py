"""Request bodies in JSON."""

from typing import Final

import orjson
from aiohttp import hdrs, web

from engine.errors import InterlockError, InvalidInput

JSON: Final = "application/json"


class UnsupportedMediaType(InterlockError):
    """Send the request as JSON in UTF-8, with `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415


class BodyTooLarge(InterlockError):
    """The body of the request is too large: send less."""

    code = "body_too_large"
    status = 413


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
        body: object = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    return body
