"""The forms that browsers send."""

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from engine.errors import InvalidInput


async def read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form by name, as `read_fields` does; of several the last one.

    Raises:
        InvalidInput: the body is not a form, or a file is not text in UTF-8.

    """
    return dict(await read_fields(request))


async def read_fields(request: web.Request) -> list[tuple[str, str]]:
    """Return the fields of a form, and the texts of its files; line breaks as in the product.

    Raises:
        InvalidInput: the body is not a form, or a file is not text in UTF-8.

    """
    try:
        sent = await request.post()
    except (ValueError, LookupError, RuntimeError, BadHttpMessage) as error:  # of aiohttp's parsers
        raise InvalidInput("The body is not a form that a browser sends.") from error
    return [(name, _text_of(value).replace("\r\n", "\n")) for name, value in sent.items()]


def _text_of(value: str | bytes | bytearray | web.FileField) -> str:
    """Return the text of a field or of a file.

    Raises:
        InvalidInput: it is not text in UTF-8.

    """
    if isinstance(value, str):
        return value
    data = value.file.read() if isinstance(value, web.FileField) else value
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The file is not text in UTF-8: byte {error.start + 1:,} is not valid."
        ) from None
