"""The one place that wires settings to concrete parts."""

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web
from prometheus_client.registry import Collector

from api.auth import Tokens
from api.auth.api_keys import ApiKeys
from api.auth.key_sources import KeySource
from api.bootstrap.auth import key_source, rules_of
from api.bootstrap.engine import Engine, open_engine
from api.graphql.documents.persisted_documents import PersistedDocuments
from api.graphql.interlock import declared_lists, interlock_executor
from api.graphql.transport.endpoint import GraphQLEndpoint
from api.graphql.transport.sdl_route import schema_route
from api.graphql.transport.sse import events_routes
from api.graphql.transport.websocket import websocket_route
from api.http.application import Guards, build_application
from api.http.server import run_server
from api.http.stream_sessions import StreamSessions
from api.licence import licence_for
from api.logging import configure_logging
from api.rest.backup_and_import import backup_and_import_routes
from api.rest.health import probe_routes
from api.rest.health_reports import health_report_routes
from api.rest.openapi.document import openapi_route
from api.rest.reload import reload_routes
from api.rest.ticket_routes import ticket_routes
from api.runtime.health_reports import HealthReports
from api.runtime.jobs import PeriodicJob, run_in_background
from api.runtime.maintenance import maintenance_jobs
from api.runtime.plugins import Clock, LivePlugins
from api.runtime.refresh import follow
from api.runtime.server_state import ServerState
from api.runtime.values_file import ValuesFile
from api.runtime.values_watcher import ValuesWatcher
from api.settings import Settings
from api.web.explorer.routes import Explorer
from api.webhooks.worker import WebhookWorker
from engine.storage.postgres.database import Database

STREAMS_SECONDS: Final = 1
"""A stream outlasts the key of its token by so long."""


def run_interlock(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve all doors until SIGTERM or SIGINT; `announce` is called with the URL.

    Raises:
        Misconfigured: a setting is missing or unusable.
        Unavailable: the database does not answer, or does not let us in.

    """
    settings.demand_key_source()
    configure_logging(settings.log_format, settings.log_level)
    run_server(open_application(settings), settings.host, settings.port, announce)


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[web.Application]:
    """Open what the server needs, and yield the application of all its doors."""
    async with open_engine(settings) as parts, application_on(parts, settings) as application:
        yield application


@asynccontextmanager
async def application_on(
    parts: Engine, settings: Settings, clock: Clock = time.time
) -> AsyncIterator[web.Application]:
    """Yield the application of all doors to an engine that is open already.

    `clock` tells whether the licence has expired.
    """
    async with AsyncExitStack() as stack:
        values = await stack.enter_async_context(values_in_force(parts.database, settings))
        licence = licence_for(settings.license_public_key, settings.license_key)
        plugins = await LivePlugins.read(parts.database, licence, clock)
        plugins.tell()
        live = await ServerState.read(parts.database, settings.limits, plugins)
        keys = key_source(settings)
        await keys.begin()
        couriers = WebhookWorker(
            parts.database, plugins, settings.webhook_hosts, settings.webhook_secrets_dir
        )
        guards, lifetimes = guards_of(settings, keys), StreamSessions()
        works = works_beside(parts.url, live, keys, couriers)
        chore = ending_refused_streams(lifetimes, guards.tokens)
        await stack.enter_async_context(run_in_background(*works, chore.repeat()))

        async def check_readiness() -> None:
            keys.check()
            await parts.database.check()

        application = build_application(
            [
                *await graphql_routes(settings, live, lifetimes),
                *rest_routes(live, values, probe_routes(check_readiness)),
            ],
            guards,
            [
                *collectors_of(values),
                *couriers.metrics.collectors,
                *keys.collectors,
                *live.changes.collectors,
                *lifetimes.collectors,
            ],
        )
        application.on_shutdown.append(lifetimes.end_all)
        yield application


@asynccontextmanager
async def values_in_force(
    database: Database, settings: Settings
) -> AsyncIterator[ValuesFile | None]:
    """Bring the values file of the settings into force, and again when it changes in the block.

    Yields:
        None if there is none.

    """
    if settings.values_file is None:
        yield None
        return
    values = ValuesFile(database, settings.values_file, settings.values_key)
    watch = ValuesWatcher(values)
    await watch.catch_up()
    async with run_in_background(watch.follow()):
        yield values


def works_beside(
    url: str, live: ServerState, keys: KeySource, couriers: WebhookWorker
) -> Iterator[Coroutine[object, object, None]]:
    """Yield what a server does beside answering."""
    yield follow(url, *live.refreshes)
    yield keys.follow()
    yield live.changes.follow()
    yield couriers.go_on()
    for chore in (*maintenance_jobs(live.database, live.plugins), couriers.counting):
        yield chore.repeat()


def ending_refused_streams(lifetimes: StreamSessions, tokens: Tokens) -> PeriodicJob:
    """Return the chore that ends streams when the key of their token is removed."""
    failure = "the tokens of streams could not be checked"
    return PeriodicJob(partial(lifetimes.end_refused, tokens), STREAMS_SECONDS, failure)


async def graphql_routes(
    settings: Settings, live: ServerState, lifetimes: StreamSessions
) -> list[web.AbstractRouteDef]:
    """Return the routes of those who speak GraphQL."""
    lists = declared_lists(live.workflows, live.catalog)
    executor = await interlock_executor(settings.limits.graphql, lists)
    if settings.trusted_documents is not None:
        executor.trust(PersistedDocuments.read(settings.trusted_documents))
    explorer = Explorer() if settings.explorer else None
    context_for, limits = live.context_for, settings.limits.stream
    return [
        *GraphQLEndpoint(
            executor, context_for, settings.graphql_batch, explorer.page if explorer else None
        ).routes,
        *([explorer.route] if explorer else []),
        schema_route(executor.sdl),
        websocket_route(executor, context_for, lifetimes, limits),
        *events_routes(executor, context_for, lifetimes, limits),
    ]


def rest_routes(
    live: ServerState, values: ValuesFile | None, probes: Iterable[web.AbstractRouteDef]
) -> list[web.AbstractRouteDef]:
    """Return the routes of the REST API and of the probes, and the OpenAPI document of both."""
    described = [
        *ticket_routes(live.context_for),
        *reload_routes(values),
        *backup_and_import_routes(live.database),
        *health_report_routes(HealthReports(live.database, live.plugins)),
        *probes,
    ]
    return [*described, openapi_route(described)]


def guards_of(settings: Settings, keys: KeySource) -> Guards:
    """Return who is let in, and how much each gets."""
    return Guards(
        Tokens(keys, rules_of(settings)),
        ApiKeys(settings.api_keys),
        settings.limits.http,
        settings.trusted_proxies,
    )


def collectors_of(values: ValuesFile | None) -> Iterable[Collector]:
    """Return what is measured of a values file, if there is one."""
    return values.metrics.collectors if values else ()
