"""Log lines, structured, on standard error: what a command answers has standard output to itself.

No line holds a header, a query string or a local variable, so none holds a token or a password.
"""

import logging
import sys
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from api.settings import LogFormat, LogLevel

MALFORMED: Final = (HttpProcessingError, web.RequestPayloadError)
COMMON: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
    TimeStamper(fmt="iso", utc=True),
)


def configure_logging(form: LogFormat, level: LogLevel) -> None:
    """Send the log lines of Interlock and of its libraries through one renderer."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*COMMON, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_of(form))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(withhold_client_bytes)


def formatter_of(form: LogFormat) -> ProcessorFormatter:
    """Return what renders a line. Both leave out local variables, which their libraries show."""
    match form:
        case LogFormat.TEXT:
            renderers: list[Processor] = [
                ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)
            ]
        case LogFormat.JSON:
            transformer = ExceptionDictTransformer(show_locals=False)
            renderers = [ExceptionRenderer(transformer), JSONRenderer()]
    return ProcessorFormatter(
        foreign_pre_chain=COMMON,
        processors=[ProcessorFormatter.remove_processors_meta, *renderers],
    )


def withhold_client_bytes(record: logging.LogRecord) -> bool:
    """Keep the text of a malformed request out of the log: it may hold a token."""
    if record.exc_info and isinstance(record.exc_info[1], MALFORMED):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "Malformed HTTP was refused", ()
        record.exc_info = None
    return True
