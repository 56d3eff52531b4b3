"""Structured log lines on standard error; standard output is for the results of commands.

No line contains a header, a query string or a local variable, and so no token or password.
Interlock's own lines go directly to the stream: `logging` takes 40 us more per line.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, cast

import orjson
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from api.log_context import add_context
from api.settings import LogFormat, LogLevel

LIBRARIES: Final = logging.WARNING
"""The lowest level of log records of libraries."""

EXCEPTIONS: Final = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
COMMON: Final[tuple[Processor, ...]] = (add_context, structlog.processors.add_log_level)


def configure_logging(form: LogFormat, level: LogLevel) -> None:
    """Write the log lines of Interlock and its libraries in one format."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderers = renderers_for(form)
    structlog.configure(
        processors=[*COMMON, *renderers],
        logger_factory=_logger_factory(form),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    _route_libraries(renderers, number)


@contextmanager
def silenced() -> Iterator[None]:
    """Log nothing during the block, for a command whose results contain what went wrong."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _logger_factory(form: LogFormat) -> Callable[..., WrappedLogger]:
    """Return the factory of loggers for the lines that `renderers_for` produces."""
    match form:
        case LogFormat.TEXT:
            return structlog.WriteLoggerFactory(sys.stderr)
        case LogFormat.JSON:
            return structlog.BytesLoggerFactory(sys.stderr.buffer)


def renderers_for(form: LogFormat) -> list[Processor]:
    """Return the processors that render a line, without local variables in tracebacks."""
    match form:
        case LogFormat.TEXT:
            colors = sys.stderr.isatty()
            console = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
            return [TimeStamper(fmt="iso", utc=True), console]
        case LogFormat.JSON:
            return [json_line]


def json_line(logger: object, method: str, event: EventDict) -> bytes:
    """Return an event as one line of JSON, with its time.

    orjson is twice as fast as `isoformat`, but rejects integers beyond 64 bits and lone surrogates.
    """
    if "exc_info" in event:
        event = EXCEPTIONS(logger, method, event)
    event["timestamp"] = datetime.now(UTC)
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z)
    except TypeError:
        return json.dumps(event, default=_to_text).encode()


def _to_text(value: object) -> str:
    """Return the text of a value that JSON cannot represent."""
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def decode(_logger: object, _method: str, line: str | bytes) -> str:
    """Return a line as text, for the handlers of `logging`."""
    return line if isinstance(line, str) else line.decode()


def formatter_for(renderers: list[Processor]) -> logging.Formatter:
    """Return the formatter that renders records of `logging` like Interlock's own lines."""
    return ProcessorFormatter(
        foreign_pre_chain=(*COMMON, structlog.stdlib.add_logger_name),
        processors=[
            ProcessorFormatter.remove_processors_meta,
            *renderers,
            cast("Processor", decode),  # structlog has no type for a processor after a renderer
        ],
    )


def _route_libraries(renderers: list[Processor], level: int) -> None:
    """Send the warnings and errors of libraries through the same renderers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_for(renderers))
    logging.basicConfig(level=max(level, LIBRARIES), handlers=[handler], force=True)
    # Its warnings quote a header, which can contain a token.
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)
