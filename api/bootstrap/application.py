"""Builds the server: wires the settings to concrete components."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from api.auth.api_keys import ApiKeys
from api.auth.tokens import TokenVerifier
from api.bootstrap.anchors import scheduled_anchors
from api.bootstrap.auth import key_source, token_rules
from api.bootstrap.background_tasks import background_tasks
from api.bootstrap.engine import (
    EngineHandle,
    open_engine,
    require_notifications,
    warn_about_durability,
)
from api.bootstrap.options import server_options
from api.bootstrap.tracing import open_tracing
from api.bootstrap.waiting import wait_for_database
from api.bootstrap.web import session_lifetime, sign_in_methods
from api.graphql.documents.persisted_documents import PersistedDocuments
from api.graphql.executor import GraphQLExecutor
from api.graphql.interlock import declared_list_lengths, interlock_executor
from api.graphql.transport.endpoint import GraphQLEndpoint
from api.graphql.transport.sdl_route import schema_route
from api.graphql.transport.sse import events_routes
from api.graphql.transport.websocket import websocket_route
from api.http.app_keys import DRAIN
from api.http.application import (
    AccessControl,
    build_application,
    check_hosts,
    trace_requests,
)
from api.http.server import run_server
from api.http.stream_sessions import StreamSessions
from api.licence import read_licence
from api.limits import EXPORT_BATCH_SECONDS_MAX, EXPORT_SECONDS_MAX
from api.logging import configure_logging
from api.rest.alert_reports import AlertReports
from api.rest.backup_and_import import backup_and_import_routes
from api.rest.directory import directory_routes
from api.rest.exports import Exports
from api.rest.health import probe_routes
from api.rest.health_reports import health_report_routes
from api.rest.maintenance import maintenance_routes
from api.rest.openapi import openapi_route
from api.rest.reload import reload_route
from api.rest.status import status_route
from api.rest.tickets import ticket_routes
from api.runtime.background_tasks import Supervisor
from api.runtime.health_reports import HealthReports
from api.runtime.load_metrics import LoadMetrics
from api.runtime.plugins import Clock, PluginCache
from api.runtime.refresh import REFRESH_SECONDS
from api.runtime.seals import Sealer
from api.runtime.server_state import ServerState
from api.runtime.values_file import ValuesFile
from api.runtime.values_watcher import ValuesWatcher
from api.settings import SchemaUse, Settings
from api.web.explorer.routes import Explorer
from api.web.pages import browser_error
from api.web.rendering import load_renderer
from api.web.routes import web_routes
from api.web.status_page.own_address import on_own_address
from api.web.status_page.routes import status_page_routes
from api.web.views.sign_in.demo import DemoSignIn
from api.webhooks.worker import WebhookWorker
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.notifications import CHANNEL, Listener
from reconciler.apply import apply_defaults

log: Final = structlog.get_logger(component="server")

_EXPORT_CONNECTION: Final = ConnectionSettings(
    idle_in_transaction_seconds=EXPORT_BATCH_SECONDS_MAX,
    transaction_seconds=EXPORT_SECONDS_MAX,
)


def run_interlock(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called with the URL.

    Raises:
        Misconfigured: a setting is missing or unusable.
        Unavailable: the database does not answer or refuses the connection.

    """
    settings.require_key_source()
    configure_logging(settings.log_format, settings.log_level)
    run_server(open_application(settings), server_options(settings), announce)


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[web.Application]:
    """Open the database of the settings, and yield the application on it."""
    migrates = settings.database_schema is SchemaUse.MIGRATE
    if not migrates:
        await wait_for_database(settings)
    async with open_tracing(settings) as tracing:
        observer = None if tracing is None else tracing.record_statement
        async with open_engine(settings, creates=migrates, on_statement=observer) as engine:
            await require_notifications(engine, settings)
            await warn_about_durability(engine)
            async with open_application_on(engine, settings) as application:
                if tracing is not None:
                    trace_requests(application, tracing.trace_request)
                yield application


@asynccontextmanager
async def open_application_on(
    engine: EngineHandle,
    settings: Settings,
    clock: Clock = time.time,
    supervisor: Supervisor | None = None,
    demo: DemoSignIn | None = None,
) -> AsyncIterator[web.Application]:
    """Yield the application on an open database; run its background tasks during the block.

    Args:
        engine: the open database.
        settings: of the server.
        clock: decides whether the licence has expired.
        supervisor: runs the background tasks; by default, as the settings say.
        demo: signs in the users of the demo; only `api.demo` passes it.

    """
    databases = engine.databases
    async with AsyncExitStack() as stack:
        watcher = _values_watcher(databases.administration, settings)
        if watcher is not None:
            await watcher.catch_up(wait=True)
        elif settings.database_schema is SchemaUse.MIGRATE:
            await _apply_defaults(databases.administration)
        licence = read_licence(settings.license_public_key, settings.license_key)
        plugins = await PluginCache.read(databases, licence, clock)
        plugins.log_disabled()
        assignees = settings.people  # prose: ignore
        state = await ServerState.read(databases, settings.limits, plugins, assignees)
        stack.push_async_callback(state.declaration.withdraw)
        keys = key_source(settings)
        await keys.start()
        worker = WebhookWorker(
            databases.background, plugins, settings.webhook_hosts, settings.webhook_secrets_dir
        )
        stack.push_async_callback(worker.stop)
        guards = AccessControl(
            TokenVerifier(keys, token_rules(settings)),
            ApiKeys(settings.api_keys),
            settings.limits.http,
            settings.trusted_proxies,
            settings.limits.connection,
        )
        streams = StreamSessions()
        sealer = Sealer(databases.background)
        anchors = scheduled_anchors(databases.background, settings)
        listener = Listener(engine.direct_url, CHANNEL, REFRESH_SECONDS)
        stack.callback(listener.close)
        supervisor = supervisor or Supervisor(settings.limits.server.task_failure_seconds)
        tasks = background_tasks(
            state=state,
            listener=listener,
            keys=keys,
            tokens=guards.tokens,
            streams=streams,
            worker=worker,
            watcher=watcher,
            sealer=sealer,
            anchors=anchors,
            session_lifetime=session_lifetime(settings),
            embedded=engine.embedded,
        )
        await stack.enter_async_context(supervisor.run(tasks))

        async def check_readiness() -> None:
            application[DRAIN].check()
            keys.check()
            supervisor.check()
            await databases.probes.check()

        def open_exported() -> AbstractAsyncContextManager[Database]:
            return open_database(engine.direct_url, 1, _EXPORT_CONNECTION)

        values = watcher.values if watcher else None
        executor = await _executor(settings, state)
        alerts = AlertReports(HealthReports(databases.changes, plugins, state.admission))
        renderer = load_renderer()
        render_error = browser_error(renderer)
        sign_in = sign_in_methods(settings, databases.reads, keys, demo)
        explorer = Explorer(renderer, sign_in.sessions.find) if settings.explorer else None
        application = build_application(
            [
                *_graphql_routes(settings, state, streams, executor, explorer),
                *web_routes(
                    renderer,
                    state.context_for,
                    sign_in,
                    streams,
                    settings.limits.stream,
                ),
                *status_page_routes(state.status_page, render_error),
                *_rest_routes(
                    state,
                    values,
                    Exports(open_exported, settings.limits.server.exports),
                    alerts,
                    probe_routes(check_readiness),
                ),
            ],
            guards,
            [
                *(values.metrics.collectors if values else ()),
                *worker.metrics.collectors,
                *keys.collectors,
                *state.changes.collectors,
                LoadMetrics(databases, state.admission),
                *state.log_watch.collectors,
                *state.clock_watch.collectors,
                state.declaration,
                state.tickets,
                *streams.collectors,
                *supervisor.collectors,
                *sealer.collectors,
                *executor.operations.collectors,
                *alerts.collectors,
                *(anchors.collectors if anchors else ()),
            ],
            render_error,
        )
        own_host, own_port = settings.status_page_host, settings.status_page_port
        if own_host is not None or own_port is not None:
            check_hosts(application, on_own_address(own_host, own_port))
        application[DRAIN].on_begin.append(streams.drain)
        application.on_shutdown.append(streams.end_all)
        yield application


async def _apply_defaults(database: Database) -> None:
    if plan := await apply_defaults(database):
        log.info("applied the default workflows", workflows=len(plan.changes))


def _values_watcher(database: Database, settings: Settings) -> ValuesWatcher | None:
    """Return the watcher of the values file; None if the settings name no file."""
    if settings.values_file is None:
        return None
    return ValuesWatcher(ValuesFile(database, settings.values_file, settings.values_key))


async def _executor(settings: Settings, state: ServerState) -> GraphQLExecutor:
    lists = declared_list_lengths(state.workflows, state.catalog)
    seconds = settings.limits.http.request_seconds
    executor = await interlock_executor(settings.limits.graphql, lists, seconds)
    if settings.trusted_documents is not None:
        executor.allow_only(PersistedDocuments.read(settings.trusted_documents))
    return executor


def _graphql_routes(
    settings: Settings,
    state: ServerState,
    streams: StreamSessions,
    executor: GraphQLExecutor,
    explorer: Explorer | None,
) -> list[web.AbstractRouteDef]:
    context_for, limits = state.context_for, settings.limits.stream
    return [
        *GraphQLEndpoint(executor, context_for, settings.graphql_batch, explorer).routes,
        *([explorer.route] if explorer else []),
        schema_route(executor.sdl),
        websocket_route(executor, context_for, streams, limits),
        *events_routes(executor, context_for, streams, limits),
    ]


def _rest_routes(
    state: ServerState,
    values: ValuesFile | None,
    exports: Exports,
    alerts: AlertReports,
    probes: Iterable[web.AbstractRouteDef],
) -> list[web.AbstractRouteDef]:
    """Return the routes of the REST API and of the probes."""
    return [
        *ticket_routes(state.context_for),
        *directory_routes(state.context_for),
        reload_route(values),
        *backup_and_import_routes(state.databases.administration, exports),
        *health_report_routes(alerts),
        *maintenance_routes(state.databases),
        status_route(state.status_page),
        *probes,
        openapi_route(),
    ]
