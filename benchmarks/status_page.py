"""Requests per second of the status page, against a static file of its size through aiohttp."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import typer
import uvloop
from aiohttp import web

from api.auth.hmac_secrets import hmac_key_set
from api.auth.key_sources import FixedKeys
from api.auth.tokens import TokenVerifier
from api.http.app_keys import CONNECTIONS
from api.http.application import AccessControl, build_application
from api.http.connections import Connections
from api.http.server import ServerOptions, run_server
from api.limits import CONNECTION_LIMITS, HttpLimits
from api.logging import configure_logging
from api.settings import Settings
from api.web.status_page.rendering import StatusDocuments
from api.web.status_page.routes import PAGE_PATH, status_page_routes
from benchmarks.processes import serving
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ratio
from benchmarks.tokens import SECRET
from engine.declaration.status_page_models import GroupTarget, StatusPage
from engine.outages.health_intervals import HealthInterval
from engine.outages.status_page import GroupFacts, StatusContent, StatusFacts, status_content
from engine.outages.uptime import UptimeTarget
from engine.vocabulary import ServiceStatus

GROUPS: Final = 10
CONNECTIONS_OPEN: Final = 16
REQUESTS: Final = 4_000
ROUNDS: Final = 7
TITLE: Final = f"""\
Requests per second of the status page with {GROUPS} groups, and of a static file of its size
{CONNECTIONS_OPEN} connections, medians of {ROUNDS} alternating rounds of {REQUESTS:,} requests"""
_OURS: Final = "interlock"
_FILE: Final = "file"
_MODULE: Final = "benchmarks.status_page"
_QUIET: Final = {"INTERLOCK_LOG_LEVEL": "error"}
_HEAD: Final = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _FixedSource:
    """The content of ten groups, each with three outages."""

    content: StatusContent
    is_stale: bool = False


def _content() -> StatusContent:
    now = datetime.now(UTC)
    intervals = []
    for back in range(90, 0, -1):
        start = now - timedelta(days=back)
        outage = start + timedelta(minutes=7 if back % 30 == 0 else 0)
        intervals += [
            HealthInterval(start, outage, ServiceStatus.DOWN),
            HealthInterval(outage, start + timedelta(days=1), ServiceStatus.OPERATIONAL),
        ]
    known = [each for each in intervals if each.start < each.end]
    groups = [
        GroupFacts(
            GroupTarget.model_validate(
                {"slaGroup": f"team-{each}", "displayName": f"Team {each}", "uptimeTarget": 99.9}
            ),
            UptimeTarget(Fraction("99.9")),
            {f"acme/{each}": known},
        )
        for each in range(GROUPS)
    ]
    return status_content(StatusFacts(now, StatusPage(enabled=True), groups, (), ()))


@asynccontextmanager
async def _application(name: str, file: str) -> AsyncIterator[web.Application]:
    if name == _OURS:
        limits = HttpLimits(viewer_rate=0, address_rate=0)
        tokens = TokenVerifier(FixedKeys(hmac_key_set(SECRET)))
        routes = status_page_routes(_FixedSource(_content()))
        yield build_application(routes, AccessControl(tokens, limits=limits))
        return

    async def send_file(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(file)

    application = web.Application()
    application[CONNECTIONS] = Connections(CONNECTION_LIMITS)
    application.add_routes([web.get(PAGE_PATH, send_file)])
    yield application


async def _client(port: int, requests: int) -> None:
    """Send requests through one connection, each after the response to the previous one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = _HEAD.format(PAGE_PATH).encode()
    for _ in range(requests):
        writer.write(head)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not answer.startswith(b"http/1.1 200"):
            raise RuntimeError(answer.decode())
        length = answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
    writer.close()


async def _rate(port: int) -> float:
    """Return the requests per second of a server."""
    started = perf_counter()
    each = REQUESTS // CONNECTIONS_OPEN
    await asyncio.gather(*(_client(port, each) for _ in range(CONNECTIONS_OPEN)))
    return each * CONNECTIONS_OPEN / (perf_counter() - started)


async def _measure(ours: int, theirs: int) -> tuple[list[float], list[float]]:
    for port in (ours, theirs):
        await _rate(port)
    rounds = [(await _rate(ours), await _rate(theirs)) for _ in range(ROUNDS)]
    return [each for each, _ in rounds], [each for _, each in rounds]


def main() -> None:
    """Print both rates and their ratio; as a server, run it."""
    if len(sys.argv) > 1:
        name, path = sys.argv[1:]
        settings = Settings.from_env(os.environ)
        configure_logging(settings.log_format, settings.log_level)
        run_server(_application(name, path), ServerOptions(), typer.echo)
        return
    document = StatusDocuments().page(_content(), is_stale=False)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_bytes(document.body)
        with (
            serving(_MODULE, _OURS, str(file), settings=_QUIET) as ours,
            serving(_MODULE, _FILE, str(file), settings=_QUIET) as theirs,
        ):
            found, reference = uvloop.run(_measure(ours.port, theirs.port))
    columns = number_columns("page", "static file", "ratio", "bytes", "compressed")
    table = new_table(*columns, title=TITLE)
    table.add_row(
        f"{median(found):,.0f}",
        f"{median(reference):,.0f}",
        f"{ratio(found, reference):.2f}",
        f"{len(document.body):,}",
        f"{len(document.gzipped):,}",
    )
    print_table(table)


if __name__ == "__main__":
    main()
