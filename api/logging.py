"""Log lines, structured, on standard error: what a command answers has standard output to itself.

No line holds a header, a query string or a local variable, so none holds a token or a password.
Our own lines go straight to the stream: the way through `logging` takes 40 us more a line.
"""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, cast

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from api.log_context import add_context
from api.settings import LogFormat, LogLevel

MALFORMED: Final = (HttpProcessingError, web.RequestPayloadError)
LIBRARIES: Final = logging.WARNING
"""Below this they chat about their own works."""

EXCEPTIONS: Final = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
COMMON: Final[tuple[Processor, ...]] = (add_context, structlog.processors.add_log_level)


def configure_logging(form: LogFormat, level: LogLevel) -> None:
    """Write the log lines of Interlock and of its libraries in one form."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderers = renderers_of(form)
    structlog.configure(
        processors=[*COMMON, *renderers],
        logger_factory=writers_of(form),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    route_libraries(renderers, number)


def writers_of(form: LogFormat) -> Callable[..., WrappedLogger]:
    """Return what makes the loggers that write lines of a form, as its renderers make them."""
    match form:
        case LogFormat.TEXT:
            return structlog.WriteLoggerFactory(sys.stderr)
        case LogFormat.JSON:
            return structlog.BytesLoggerFactory(sys.stderr.buffer)


def renderers_of(form: LogFormat) -> list[Processor]:
    """Return what makes a line. None shows local variables, as structlog does by default."""
    match form:
        case LogFormat.TEXT:
            colors = sys.stderr.isatty()
            console = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
            return [TimeStamper(fmt="iso", utc=True), console]
        case LogFormat.JSON:
            return [json_line]


def json_line(logger: object, method: str, event: EventDict) -> bytes:
    """Return an event as one line of JSON, with its moment.

    orjson writes a moment in half of the time of `isoformat`, and takes no number beyond 64 bits
    and no half of a surrogate pair.
    """
    if "exc_info" in event:
        event = EXCEPTIONS(logger, method, event)
    event["timestamp"] = datetime.now(UTC)
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z)
    except TypeError:
        return json.dumps(event, default=in_text).encode()


def in_text(value: object) -> str:
    """Return what JSON has no form for as text."""
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def as_text(_logger: object, _method: str, line: str | bytes) -> str:
    """Return a line as the handlers of `logging` write it."""
    return line if isinstance(line, str) else line.decode()


def formatter_of(renderers: list[Processor]) -> logging.Formatter:
    """Return what formats the records of `logging` as the lines of Interlock."""
    return ProcessorFormatter(
        foreign_pre_chain=(*COMMON, structlog.stdlib.add_logger_name),
        processors=[
            ProcessorFormatter.remove_processors_meta,
            *renderers,
            cast("Processor", as_text),  # structlog has no type for what follows a renderer
        ],
    )


def route_libraries(renderers: list[Processor], level: int) -> None:
    """Send what libraries log through the same renderers, warnings and worse."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_of(renderers))
    logging.basicConfig(level=max(level, LIBRARIES), handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(withhold_client_bytes)


def withhold_client_bytes(record: logging.LogRecord) -> bool:
    """Keep the text of a malformed request out of the log: it may hold a token."""
    if record.exc_info and isinstance(record.exc_info[1], MALFORMED):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "Malformed HTTP was refused", ()
        record.exc_info = None
    return True
