"""Bodies of requests, read as JSON."""

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
    """The body of the request is larger than a body may be: send less."""

    code = "body_too_large"
    status = 413


def too_large(request: web.Request) -> BodyTooLarge:
    """Return the refusal of a body that is longer than the server reads."""
    bound = request.client_max_size
    message = f"The body is larger than the {bound:,} bytes that a request may have."
    return BodyTooLarge(message, limit="body_bytes", bound=bound)


async def json_in(request: web.Request) -> object:
    """Return what the body of a request says.

    Raises:
        UnsupportedMediaType: it is not declared as JSON, or in another encoding than UTF-8.
        InvalidInput: it is not JSON.

    """
    if request.content_type != JSON or not is_utf8(request.charset):
        raise UnsupportedMediaType(content_type=request.headers.get(hdrs.CONTENT_TYPE))
    try:
        said: object = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from None
    return said


def is_utf8(charset: str | None) -> bool:
    """Tell whether a text of that encoding can be read; JSON that says nothing is UTF-8."""
    return charset is None or charset.lower() in {"utf-8", "utf8"}
