"""A receiver of traces: OTLP over HTTP, with the messages that OpenTelemetry publishes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.lock_gates import TIMEOUT_SECONDS

PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"


@dataclass
class TraceReceiver:
    """What was received.

    Attributes:
        url: the address.
        services: the attributes of the senders.

    """

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: list[dict[str, object]] = field(default_factory=list)
    _received: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, request: web.Request) -> web.Response:
        """Store the spans of a request."""
        assert request.content_type == PROTOBUF
        body = await request.read()
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services.append(attributes(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self._received.set()
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type=PROTOBUF)

    async def wait_for(self, *names: str) -> list[Span]:
        """Wait until there is a span of each of these names; return the last of each."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not set(names) <= (found := {each.name: each for each in self.spans}).keys():
                self._received.clear()
                await self._received.wait()
        return [found[name] for name in names]


def attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    """Return attributes as a mapping; they have texts and numbers."""
    return {
        each.key: each.value.string_value or each.value.int_value or each.value.bool_value
        for each in pairs
    }


@asynccontextmanager
async def trace_receiver() -> AsyncIterator[TraceReceiver]:
    """Run a receiver on a free port during the block."""
    receiver = TraceReceiver()
    application = web.Application()
    application.router.add_post(PATH, receiver.receive)
    async with TestServer(application) as server:
        receiver.url = str(server.make_url(PATH))
        yield receiver
