"""Traces of requests and their statements, sent to a receiver of OpenTelemetry (OTLP over HTTP).

This module needs the extra `tracing`. No span contains what a user has written: statements have
parameters instead of values, and paths are those of routes.
"""

import socket
import time
from http import HTTPStatus
from importlib import metadata
from math import inf
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api.http.app_keys import TIME_LIMITS
from api.http.paths import PROBE_PATHS
from api.log_context import bind, bound
from engine.storage.postgres.connection import RunStatement

_SERVICE: Final = "interlock"
_EXPORT_SECONDS_MAX: Final = 3
"""A receiver that is gone delays the end of a server by about so long."""
_STATEMENT_CHARACTERS: Final = 2_000
_NANOSECONDS: Final = 1_000_000_000
_CONTEXT: Final = {
    "request_id": "interlock.request_id",
    "actor": "enduser.id",
    "api_key": "interlock.api_key",
    "ticket": "interlock.ticket",
    "operation": "graphql.operation.name",
    "code": "error.type",
    "problem": "error.type",
    "reason": "interlock.reason",
}
"""The attribute of a span for each value of the log context."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Tracing:
    """Sends a span for each request, and one for each of its statements, in the background.

    Probes and streams have none: probes say nothing, and a stream is as long as its client wants.

    Args:
        url: of the receiver.
        share: of the requests that are traced, 0 to 1, unless the client has decided that.

    """

    def __init__(self, url: str, share: float) -> None:
        version = metadata.version(_SERVICE)
        resource = Resource.create(
            {
                "service.name": _SERVICE,
                "service.version": version,
                "service.instance.id": socket.gethostname(),
            }
        )
        self._provider = TracerProvider(ParentBased(TraceIdRatioBased(share)), resource)
        exporter = OTLPSpanExporter(url, timeout=_EXPORT_SECONDS_MAX)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(_SERVICE, version)

    def close(self) -> None:
        """Send the last spans. Blocks while the receiver does not respond."""
        self._provider.shutdown()

    @web.middleware
    async def trace_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Make the span of a request (a middleware)."""
        route = request.match_info.route
        is_stream = request.app[TIME_LIMITS].get(route) == inf
        if route.resource is None or is_stream or route.resource.canonical in PROBE_PATHS:
            return await handler(request)
        with self._tracer.start_as_current_span(
            f"{request.method} {route.resource.canonical}",
            _PROPAGATOR.extract(request.headers),
            SpanKind.SERVER,
            {
                "http.request.method": request.method,
                "http.route": route.resource.canonical,
                "url.scheme": request.scheme,
            },
            record_exception=False,  # its message can contain what a user has written
            set_status_on_exception=False,
        ) as span:
            bind(trace_id=format_trace_id(span.get_span_context().trace_id))
            status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
            try:
                response = await handler(request)
                status = response.status
            except web.HTTPException as redirection:
                status = redirection.status
                raise
            else:
                return response
            finally:
                _describe(span, status)

    def record_statement(self, statement: RunStatement) -> None:
        """Make the span of a statement that a request has just run, if the request is traced."""
        # The span of the request can have ended, because asyncpg calls this a little later.
        parent = trace.get_current_span()
        if not parent.get_span_context().trace_flags.sampled:
            return
        ended_at = time.time_ns()
        operation = statement.query.split(None, 1)[0].upper()
        span = self._tracer.start_span(
            operation,
            trace.set_span_in_context(parent, Context()),
            SpanKind.CLIENT,
            {
                "db.system.name": "postgresql",
                "db.operation.name": operation,
                "db.query.text": statement.query[:_STATEMENT_CHARACTERS],
            },
            start_time=ended_at - round(statement.elapsed * _NANOSECONDS),
        )
        if statement.exception is not None:
            span.set_attribute("error.type", type(statement.exception).__name__)
            span.set_status(StatusCode.ERROR)
        span.end(ended_at)


def _describe(span: Span, status: int) -> None:
    """Add what is known about a request at its end."""
    if not span.is_recording():
        return
    span.set_attribute("http.response.status_code", status)
    for name, attribute in _CONTEXT.items():
        if isinstance(value := bound(name), str):
            span.set_attribute(attribute, value)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
